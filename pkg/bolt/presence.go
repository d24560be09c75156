package bolt

import (
	"context"
	"crypto/rand"
	"fmt"
	"math"
	"time"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/subscriber"
)

// visit is from a user's arrival until it has been said that they left.
type visit struct {
	Connections int
	Since       time.Time
	ID          string
	Last        news // the newest of this user here; Left while there are no connections
	Over        bool // Left is confirmed
}

// news is subscriber.News in the file.
type news struct {
	Channel, User, Kind, ID string
	At, Due                 time.Time
}

func (n news) key() []byte { return key(fmt.Sprintf("%013d", n.Due.UnixMilli()), n.ID) }

func keyOf(n subscriber.News) []byte { return news{ID: n.ID, Due: n.Due}.key() }

func (b *book) news(n news) subscriber.News {
	ch, err := channel.Parse(n.Channel)
	if err != nil {
		b.fail(fmt.Errorf("%w: news %s: %w", ErrDamaged, n.ID, err))
	}
	return subscriber.News{Channel: ch, User: n.User, Kind: n.Kind, ID: n.ID, At: n.At, Due: n.Due}
}

// tell puts the news into the outbox.
func (b *book) tell(n news) subscriber.News {
	b.write(newsBucket, n.key(), n)
	return b.news(n)
}

// arrive is for one more connection of the user on the channel.
func (b *book) arrive(ch channel.Name, user string) (all []subscriber.News) {
	var v visit
	at := key(ch.String(), user)
	there := b.read(visitsBucket, at, &v)
	switch {
	case there && v.Connections > 0:
		v.Connections++
	case there && !v.Over: // back within the grace
		v.Connections = 1
		b.delete(newsBucket, v.Last.key())
	default:
		now := milli(b.now)
		arrived := news{Channel: ch.String(), User: user, Kind: subscriber.Joined, At: now, Due: now}
		if there { // confirmed, and not yet said
			all = append(all, b.news(v.Last))
			arrived.Due = later(arrived.Due, v.Last)
		}
		v = visit{Connections: 1, Since: now, ID: rand.Text()}
		arrived.ID = v.ID + "-" + arrived.Kind
		v.Last = arrived
		b.count(usersOf(ch.String()), 1)
		all = append(all, b.tell(arrived))
	}
	b.write(visitsBucket, at, v)
	return all
}

// depart is for one connection less.
func (b *book) depart(ch channel.Name, user string, grace time.Duration) (all []subscriber.News) {
	var v visit
	at := key(ch.String(), user)
	if !b.read(visitsBucket, at, &v) {
		return nil
	}
	if v.Connections--; v.Connections == 0 {
		v.Last = news{
			Channel: ch.String(), User: user, Kind: subscriber.Left, ID: v.ID + "-" + subscriber.Left,
			At: milli(b.now), Due: later(milli(b.now.Add(grace)), v.Last),
		}
		all = append(all, b.tell(v.Last))
	}
	b.write(visitsBucket, at, v)
	return all
}

// later is due, or right after the news before, so that an order by it is theirs.
func later(due time.Time, before news) time.Time {
	if next := before.Due.Add(time.Millisecond); due.Before(next) {
		return next
	}
	return due
}

// Due is subscriber.Outbox's.
func (r Registry) Due(ctx context.Context, now time.Time, limit int) (due []subscriber.News, err error) {
	err = r.look(ctx, "due", "news", func(b *book) {
		for _, k := range b.keys(newsBucket, nil, nil, limit) {
			var n news
			if !b.read(newsBucket, k, &n) || n.Due.After(now) {
				return
			}
			due = append(due, b.news(n))
		}
	})
	return due, err
}

// Confirm is subscriber.Outbox's.
func (r Registry) Confirm(ctx context.Context, n subscriber.News) (holds bool, err error) {
	err = r.change(ctx, "confirm", n.ID, func(b *book) error {
		holds = b.tx.Bucket(newsBucket).Get(keyOf(n)) != nil
		var v visit
		if holds && b.ends(n, &v) && !v.Over {
			v.Over = true
			b.write(visitsBucket, key(n.Channel.String(), n.User), v)
			b.count(usersOf(n.Channel.String()), -1)
		}
		return nil
	})
	return holds && err == nil, err
}

// ends reports whether the news are the end of the visit that is there.
func (b *book) ends(n subscriber.News, v *visit) bool {
	return n.Kind == subscriber.Left && b.read(visitsBucket, key(n.Channel.String(), n.User), v) &&
		v.Last.ID == n.ID && v.Last.Due.Equal(n.Due)
}

// Said is subscriber.Outbox's.
func (r Registry) Said(ctx context.Context, n subscriber.News) error {
	return r.change(ctx, "said", n.ID, func(b *book) error {
		var v visit
		ends := b.ends(n, &v)
		if ends && !v.Over {
			return nil // not to be said
		}
		if ends {
			b.delete(visitsBucket, key(n.Channel.String(), n.User))
		}
		b.delete(newsBucket, keyOf(n))
		return nil
	})
}

// CountUsers is subscriber.Directory's.
func (r Registry) CountUsers(ctx context.Context, ch channel.Name) (n int, err error) {
	err = r.look(ctx, "count users of", ch.String(), func(b *book) { n = b.tally(usersOf(ch.String())) })
	return n, err
}

// Users is subscriber.Directory's.
func (r Registry) Users(ctx context.Context, ch channel.Name, after string, limit int) (page []subscriber.User, err error) {
	err = r.look(ctx, "users of", ch.String(), func(b *book) {
		prefix := key(ch.String(), "")
		for from := key(ch.String(), after); len(page) < limit; {
			all := b.keys(visitsBucket, prefix, from, min(limit, math.MaxInt16))
			for _, k := range all {
				var v visit
				if b.read(visitsBucket, k, &v) && !v.Over && len(page) < limit {
					page = append(page, subscriber.User{Name: string(k[len(prefix):]), Since: v.Since})
				}
				from = k
			}
			if len(all) == 0 {
				return
			}
		}
	})
	return page, err
}

// Count is subscriber.Directory's.
func (r Registry) Count(ctx context.Context, ch channel.Name) (n int, err error) {
	err = r.look(ctx, "count", ch.String(), func(b *book) { n = b.tally(ofChannel(ch.String())) })
	return n, err
}

// List is subscriber.Directory's.
func (r Registry) List(ctx context.Context, ch channel.Name, after string, limit int) (page []subscriber.Subscriber, err error) {
	err = r.look(ctx, "list", ch.String(), func(b *book) { page = b.page(ofChannel(ch.String()), after, limit) })
	return page, err
}

// ConnectionsOf is subscriber.Directory's.
func (r Registry) ConnectionsOf(ctx context.Context, user, after string, limit int) (page []subscriber.Subscriber, err error) {
	err = r.look(ctx, "connections of", "a user", func(b *book) { page = b.page(ofUser(user), after, limit) })
	return page, err
}

package memory

import (
	"cmp"
	"context"
	"crypto/rand"
	"slices"
	"time"

	"github.com/runnel-sse/runnel/pkg/subscriber"
)

// visit is from a user's arrival until it has been said that they left.
type visit struct {
	connections int
	since       time.Time
	id          string
	last        subscriber.News // the newest of this user here; Left while there are no connections
	over        bool            // Left is confirmed
}

// arrive is for a connection that took the seat.
func (r *Registry) arrive(s subscriber.Seat, user string, now time.Time) []subscriber.News {
	if !s.Presence || user == "" {
		return nil
	}
	v := r.visits[s.Channel][user]
	switch {
	case v != nil && v.connections > 0:
		v.connections++
		return nil
	case v != nil && !v.over: // back within the grace
		v.connections = 1
		delete(r.news, v.last.ID)
		return nil
	}
	arrived := subscriber.News{Channel: s.Channel, User: user, Kind: subscriber.Joined, At: milli(now), Due: milli(now)}
	var all []subscriber.News
	if v != nil { // confirmed, and not yet said
		all = append(all, v.last)
		arrived.Due = later(arrived.Due, v.last)
	}
	v = &visit{connections: 1, since: arrived.At, id: rand.Text()}
	arrived.ID = v.id + "-" + arrived.Kind
	v.last = arrived
	if r.visits[s.Channel] == nil {
		r.visits[s.Channel] = map[string]*visit{}
	}
	r.visits[s.Channel][user], r.news[arrived.ID] = v, arrived
	r.present[s.Channel]++
	return append(all, arrived)
}

// depart is for a connection that had the seat.
func (r *Registry) depart(s subscriber.Seat, user string, grace time.Duration, now time.Time) []subscriber.News {
	v := r.visits[s.Channel][user]
	if !s.Presence || v == nil {
		return nil
	}
	if v.connections--; v.connections > 0 {
		return nil
	}
	v.last = subscriber.News{
		Channel: s.Channel, User: user, Kind: subscriber.Left, At: milli(now),
		Due: later(milli(now.Add(grace)), v.last), ID: v.id + "-" + subscriber.Left,
	}
	r.news[v.last.ID] = v.last
	return []subscriber.News{v.last}
}

// later is due, or right after the news before, so that an order by it is theirs.
func later(due time.Time, before subscriber.News) time.Time {
	if next := before.Due.Add(time.Millisecond); due.Before(next) {
		return next
	}
	return due
}

// same reports whether both are of the same moment: who leaves again within one
// visit makes news of the same id, due later.
func same(a, b subscriber.News) bool { return a.ID == b.ID && a.Due.Equal(b.Due) }

// Due is subscriber.Outbox's.
func (r *Registry) Due(ctx context.Context, now time.Time, limit int) (due []subscriber.News, err error) {
	err = r.do(ctx, "due", "news", func(time.Time) error {
		for _, n := range r.news {
			if !n.Due.After(now) {
				due = append(due, n)
			}
		}
		return nil
	})
	slices.SortFunc(due, func(a, b subscriber.News) int { return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.ID, b.ID)) })
	return due[:min(limit, len(due))], err
}

// Confirm is subscriber.Outbox's.
func (r *Registry) Confirm(ctx context.Context, n subscriber.News) (holds bool, err error) {
	err = r.do(ctx, "confirm", n.ID, func(time.Time) error {
		holds = same(r.news[n.ID], n)
		v := r.visits[n.Channel][n.User]
		if holds && n.Kind == subscriber.Left && same(v.last, n) && !v.over {
			v.over = true
			if r.present[n.Channel]--; r.present[n.Channel] == 0 {
				delete(r.present, n.Channel)
			}
		}
		return nil
	})
	return holds, err
}

// Said is subscriber.Outbox's.
func (r *Registry) Said(ctx context.Context, n subscriber.News) error {
	return r.do(ctx, "said", n.ID, func(time.Time) error {
		v := r.visits[n.Channel][n.User]
		ends := v != nil && n.Kind == subscriber.Left && same(v.last, n)
		if !same(r.news[n.ID], n) || ends && !v.over {
			return nil // said already, or not to be said
		}
		delete(r.news, n.ID)
		if !ends {
			return nil
		}
		if delete(r.visits[n.Channel], n.User); len(r.visits[n.Channel]) == 0 {
			delete(r.visits, n.Channel)
		}
		return nil
	})
}

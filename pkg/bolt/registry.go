package bolt

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.etcd.io/bbolt"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/subscriber"
)

// rememberLapsed is how long a name that has lapsed stays refused. Names are
// unique for ever, so this only has to outlast a process that stood still.
const rememberLapsed = 24 * time.Hour

// Registry is the store's registry of subscribers.
type Registry struct{ s *Store }

var _ subscriber.Storage = Registry{}

// Registry returns the registry in the file.
func (s *Store) Registry() Registry { return Registry{s} }

// change is one call that writes. What it refuses is no fault of the
// transaction, which others share.
func (r Registry) change(ctx context.Context, doing, what string, apply func(b *book) (refused error)) error {
	var refused error
	err := r.s.write(ctx, func(tx *bbolt.Tx) error {
		b := &book{tx: tx, now: r.s.o.Now()}
		refused = apply(b)
		return b.err
	})
	return wrap(ctx, errors.Join(err, refused), doing, what)
}

// look is one call that reads.
func (r Registry) look(ctx context.Context, doing, what string, read func(b *book)) error {
	err := ctx.Err()
	if err == nil {
		err = r.s.view(func(tx *bbolt.Tx) error {
			b := &book{tx: tx, now: r.s.o.Now()}
			read(b)
			return b.err
		})
	}
	return wrap(ctx, err, doing, what)
}

// Renew is subscriber.Registry's.
func (r Registry) Renew(ctx context.Context, process string, until time.Time) error {
	return r.change(ctx, "renew", process, func(b *book) error {
		if b.number(leasesBucket, []byte(process)) != 0 && !b.alive(process) {
			return subscriber.ErrLapsed
		}
		b.setNumber(leasesBucket, []byte(process), until.UnixMilli())
		return nil
	})
}

// Join is subscriber.Registry's.
func (r Registry) Join(ctx context.Context, c subscriber.Connection, l subscriber.Limits) (news []subscriber.News, err error) {
	if err := c.Check(); err != nil {
		return nil, fmt.Errorf("bolt: join: %w", err)
	}
	err = r.change(ctx, "join", c.ID, func(b *book) (refused error) {
		news, refused = b.join(c, l)
		return refused
	})
	if err != nil {
		return nil, err
	}
	return news, nil
}

func (b *book) join(c subscriber.Connection, l subscriber.Limits) (news []subscriber.News, refused error) {
	if !b.alive(c.Process) {
		return nil, subscriber.ErrLapsed
	}
	have, there := b.connection(c.ID)
	seats := slices.DeleteFunc(c.Distinct(), func(s subscriber.Seat) bool { return have.seat(s.Channel) >= 0 })
	if refused := b.admit(c, seats, !there, l); refused != nil {
		return nil, refused
	}
	switch {
	case !there:
		have = connection{ID: c.ID, User: c.User, Address: c.Address, Joined: milli(c.Joined)}
		b.enter(ofProcess(c.Process), c.ID)
		if c.User != "" {
			b.enter(ofUser(c.User), c.ID)
		}
		if c.Address != "" {
			b.enter(ofAddress(c.Address), c.ID)
			b.connect(c.Address)
		}
	case have.Process != c.Process:
		b.quit(ofProcess(have.Process), c.ID)
		b.enter(ofProcess(c.Process), c.ID)
	}
	have.Process = c.Process
	for _, s := range seats {
		have.Seats = append(have.Seats, seat{s.Channel.String(), s.Presence && have.User != ""})
		b.enter(ofChannel(s.Channel.String()), c.ID)
		if s.Presence && have.User != "" {
			news = append(news, b.arrive(s.Channel, have.User)...)
		}
	}
	b.write(connectionsBucket, []byte(c.ID), have)
	return news, nil
}

// Leave is subscriber.Registry's.
func (r Registry) Leave(ctx context.Context, c subscriber.Connection) (news []subscriber.News, err error) {
	err = r.change(ctx, "leave", c.ID, func(b *book) error {
		news = nil
		for _, s := range c.Seats {
			if have, there := b.connection(c.ID); there {
				news = append(news, b.leave(have, s.Channel, s.Grace)...)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return news, nil
}

// leave takes the connection from the channel, if it is there, and with the last
// one from everything.
func (b *book) leave(c connection, ch channel.Name, grace time.Duration) []subscriber.News {
	i := c.seat(ch)
	if i < 0 {
		return nil
	}
	presence := c.Seats[i].Presence
	c.Seats = slices.Delete(c.Seats, i, i+1)
	b.quit(ofChannel(ch.String()), c.ID)
	if len(c.Seats) > 0 {
		b.write(connectionsBucket, []byte(c.ID), c)
	} else {
		b.delete(connectionsBucket, []byte(c.ID))
		b.quit(ofProcess(c.Process), c.ID)
		if c.User != "" {
			b.quit(ofUser(c.User), c.ID)
		}
		if c.Address != "" {
			b.quit(ofAddress(c.Address), c.ID)
		}
	}
	if !presence {
		return nil
	}
	return b.depart(ch, c.User, grace)
}

// bury takes a dead connection from all of its channels, and returns from how many.
func (b *book) bury(id string) (seats int) {
	for {
		c, there := b.connection(id)
		if !there || b.err != nil {
			return seats
		}
		ch, err := channel.Parse(c.Seats[0].Channel)
		if err != nil {
			b.fail(fmt.Errorf("%w: connection %s: %w", ErrDamaged, id, err))
		}
		b.leave(c, ch, 0)
		seats++
	}
}

// Reap is subscriber.Reaper's. It works in small transactions.
func (r Registry) Reap(ctx context.Context) (removed int, err error) {
	var lapsed []string
	err = r.look(ctx, "reap", "leases", func(b *book) {
		for _, k := range b.keys(leasesBucket, nil, nil, int(^uint(0)>>1)) {
			if !b.alive(string(k)) {
				lapsed = append(lapsed, string(k))
			}
		}
	})
	for i := 0; i < len(lapsed) && err == nil; {
		n, done := 0, false
		err = r.change(ctx, "reap", lapsed[i], func(b *book) error {
			n, done = b.reap(lapsed[i])
			return nil
		})
		if err == nil {
			removed += n
		}
		if done {
			i++
		}
	}
	if err == nil {
		err = r.change(ctx, "reap", "what has run out", func(b *book) error {
			b.forget()
			return nil
		})
	}
	return removed, err
}

// reap removes some connections of the process, and reports whether none are
// left. Its name stays for a while, so that nobody takes it again.
func (b *book) reap(process string) (removed int, done bool) {
	const step = trimStep / 10 // a connection is many writes
	ids := b.in(ofProcess(process), "", step)
	for _, id := range ids {
		removed += b.bury(id)
	}
	done = len(ids) < step
	if done && b.now.UnixMilli()-b.number(leasesBucket, []byte(process)) > rememberLapsed.Milliseconds() {
		b.delete(leasesBucket, []byte(process))
	}
	return removed, done
}

// wrap gives the faults of the file the name that package subscriber has for them.
func wrap(ctx context.Context, err error, doing, what string) error {
	known := errors.Is(err, subscriber.ErrLapsed) || errors.Is(err, subscriber.ErrFull) || errors.Is(err, subscriber.ErrBlocked) ||
		errors.Is(err, ErrDamaged) || ctx.Err() != nil && errors.Is(err, ctx.Err())
	switch {
	case err == nil:
		return nil
	case !known:
		err = fmt.Errorf("%w: %w", subscriber.ErrUnavailable, err)
	}
	return fmt.Errorf("bolt: %s %s: %w", doing, what, err)
}

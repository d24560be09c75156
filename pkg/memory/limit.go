package memory

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/runnel-sse/runnel/pkg/subscriber"
)

// admit reports what stands in the way of the connection. have is it, if it is
// there already.
func (r *Registry) admit(c subscriber.Connection, have *connection, l subscriber.Limits, now time.Time) error {
	if second := now.Unix(); second != r.second {
		r.second = second
		clear(r.connects)
	}
	var seats []subscriber.Seat // new ones
	for _, s := range c.Distinct() {
		if have != nil {
			if _, there := have.seats[s.Channel]; there {
				continue
			}
		}
		seats = append(seats, s)
	}
	if have == nil {
		if err := r.blocked(subscriber.Target{User: c.User}, now); err != nil && c.User != "" {
			return err
		}
	}
	for _, s := range seats {
		if err := r.blocked(subscriber.Target{Channel: s.Channel}, now); err != nil {
			return err
		}
	}
	if have == nil {
		switch {
		case l.Rate > 0 && c.Address != "" && r.connects[c.Address] >= l.Rate:
			return &subscriber.LimitError{What: subscriber.OfRate, Limit: l.Rate}
		case c.User != "" && !r.room(r.users[c.User], l.User, now):
			return &subscriber.LimitError{What: subscriber.OfUser, Limit: l.User}
		case c.Address != "" && !r.room(r.addresses[c.Address], l.Address, now):
			return &subscriber.LimitError{What: subscriber.OfAddress, Limit: l.Address}
		}
	}
	for _, s := range seats {
		if !r.room(r.channels[s.Channel], s.Limit, now) {
			return &subscriber.LimitError{What: subscriber.OfChannel, Channel: s.Channel, Limit: s.Limit}
		}
	}
	return nil
}

// room reports whether there is, or can be made, a place for one more.
func (r *Registry) room(in set, limit int, now time.Time) bool {
	if limit <= 0 || len(in) < limit {
		return true
	}
	for _, c := range in {
		if r.processes[c.Process].lapsed(now) {
			r.bury(c, now)
		}
	}
	return len(in) < limit
}

func (r *Registry) blocked(t subscriber.Target, now time.Time) error {
	if until, is := r.blocks[t]; is && now.Before(until) {
		return &subscriber.BlockedError{Target: t, Until: until}
	}
	return nil
}

// Block is subscriber.Blocker's.
func (r *Registry) Block(ctx context.Context, t subscriber.Target, until time.Time) error {
	if err := t.Check(); err != nil {
		return fmt.Errorf("memory: block: %w", err)
	}
	return r.do(ctx, "block", "a target", func(time.Time) error {
		if until.IsZero() {
			delete(r.blocks, t)
		} else {
			r.blocks[t] = milli(until)
		}
		return nil
	})
}

// First is subscriber.Once's.
func (r *Registry) First(ctx context.Context, id string, until time.Time) (first bool, err error) {
	if err := subscriber.CheckOnce(id); err != nil {
		return false, fmt.Errorf("memory: first: %w", err)
	}
	err = r.do(ctx, "first", "use", func(now time.Time) error {
		if first = !now.Before(r.once[id]); first {
			r.once[id] = until
		}
		return nil
	})
	return first, err
}

// forget is for what has run out.
func (r *Registry) forget(now time.Time) {
	maps.DeleteFunc(r.blocks, func(_ subscriber.Target, until time.Time) bool { return !now.Before(until) })
	maps.DeleteFunc(r.once, func(_ string, until time.Time) bool { return !now.Before(until) })
}

type month struct{ stream, month string }

// Spend is subscriber.Budget's.
func (r *Registry) Spend(ctx context.Context, stream, of string, seconds int64) (total int64, err error) {
	err = r.do(ctx, "spend of", stream, func(time.Time) error {
		r.spent[month{stream, of}] += seconds
		total = r.spent[month{stream, of}]
		return nil
	})
	return total, err
}

// Spent is subscriber.Budget's.
func (r *Registry) Spent(ctx context.Context, stream, of string) (total int64, err error) {
	err = r.do(ctx, "spent of", stream, func(time.Time) error {
		total = r.spent[month{stream, of}]
		return nil
	})
	return total, err
}

package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
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

var (
	_ subscriber.Registry = Registry{}
	_ subscriber.Reaper   = Registry{}
)

// Registry returns the registry in the file.
func (s *Store) Registry() Registry { return Registry{s} }

// Renew is subscriber.Registry's.
func (r Registry) Renew(ctx context.Context, process string, until time.Time) error {
	var lapsed bool
	err := r.s.write(ctx, func(tx *bbolt.Tx) error {
		leases := tx.Bucket(leasesBucket)
		known := leases.Get([]byte(process)) != nil
		if lapsed = known && !r.alive(tx, process); lapsed {
			return nil
		}
		return leases.Put([]byte(process), binary.BigEndian.AppendUint64(nil, uint64(until.UnixMilli())))
	})
	if err == nil && lapsed {
		err = subscriber.ErrLapsed
	}
	return wrap(ctx, err, "renew", process)
}

// alive reports whether the process has a lease that has not run out.
func (r Registry) alive(tx *bbolt.Tx, process string) bool {
	v := tx.Bucket(leasesBucket).Get([]byte(process))
	return len(v) == 8 && r.s.o.Now().UnixMilli() < int64(binary.BigEndian.Uint64(v))
}

// Join is subscriber.Registry's.
func (r Registry) Join(ctx context.Context, c subscriber.Connection, _ subscriber.Limits) ([]subscriber.News, error) {
	var refused error // no fault of the transaction, which others share
	err := r.s.write(ctx, func(tx *bbolt.Tx) (err error) {
		refused, err = r.join(tx, c)
		return err
	})
	return nil, wrap(ctx, errors.Join(err, refused), "join", c.ID)
}

func (r Registry) join(tx *bbolt.Tx, c subscriber.Connection) (refused, err error) {
	if !r.alive(tx, c.Process) {
		return subscriber.ErrLapsed, nil
	}
	for _, s := range c.Seats {
		room, err := r.room(tx, s.Channel, c.ID, s.Limit)
		if err != nil {
			return nil, err
		}
		if !room {
			return &subscriber.LimitError{What: subscriber.OfChannel, Channel: s.Channel, Limit: s.Limit}, nil
		}
	}
	for _, s := range c.Seats {
		ch := s.Channel
		// It may live by another lease so far.
		if _, err := remove(tx, ch.String(), c.ID); err != nil {
			return nil, err
		}
		if err := add(tx, ch.String(), c); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// room reports whether the channel has, or can be given, a place for the connection.
func (r Registry) room(tx *bbolt.Tx, ch channel.Name, connection string, limit int) (bool, error) {
	name := ch.String()
	if limit <= 0 || count(tx, name) < limit || tx.Bucket(subscribersBucket).Get(key(name, connection)) != nil {
		return true, nil
	}
	all, err := list(tx, name, "", count(tx, name))
	if err != nil {
		return false, err
	}
	for _, s := range all {
		if !r.alive(tx, s.Process) {
			if _, err := remove(tx, name, s.Connection); err != nil {
				return false, err
			}
		}
	}
	return count(tx, name) < limit, nil
}

func count(tx *bbolt.Tx, ch string) int {
	v := tx.Bucket(countsBucket).Get([]byte(ch))
	if len(v) != 8 {
		return 0
	}
	return int(binary.BigEndian.Uint64(v))
}

func setCount(tx *bbolt.Tx, ch string, n int) error {
	if n <= 0 {
		return tx.Bucket(countsBucket).Delete([]byte(ch))
	}
	return tx.Bucket(countsBucket).Put([]byte(ch), binary.BigEndian.AppendUint64(nil, uint64(n)))
}

// add puts what was not there: the subscriber, its place in its process, and
// one more in the count.
func add(tx *bbolt.Tx, ch string, c subscriber.Connection) error {
	v, err := json.Marshal(subscriber.Subscriber{
		Connection: c.ID, Process: c.Process, User: c.User, Joined: c.Joined.UTC().Truncate(time.Millisecond),
	})
	if err != nil {
		return err
	}
	return errors.Join(
		tx.Bucket(subscribersBucket).Put(key(ch, c.ID), v),
		tx.Bucket(membersBucket).Put(key(c.Process, ch, c.ID), []byte{}),
		setCount(tx, ch, count(tx, ch)+1),
	)
}

// remove is the reverse of add, and reports whether there was something.
func remove(tx *bbolt.Tx, ch, connection string) (bool, error) {
	k := key(ch, connection)
	v := tx.Bucket(subscribersBucket).Get(k)
	if v == nil {
		return false, nil
	}
	s, err := parse(v)
	if err != nil {
		return false, err
	}
	return true, errors.Join(
		tx.Bucket(subscribersBucket).Delete(k),
		tx.Bucket(membersBucket).Delete(key(s.Process, ch, connection)),
		setCount(tx, ch, count(tx, ch)-1),
	)
}

func parse(v []byte) (s subscriber.Subscriber, err error) {
	if err := json.Unmarshal(v, &s); err != nil {
		return s, fmt.Errorf("%w: a subscriber: %w", ErrDamaged, err)
	}
	return s, nil
}

// Leave is subscriber.Registry's.
func (r Registry) Leave(ctx context.Context, c subscriber.Connection) ([]subscriber.News, error) {
	err := r.s.write(ctx, func(tx *bbolt.Tx) error {
		for _, s := range c.Seats {
			if _, err := remove(tx, s.Channel.String(), c.ID); err != nil {
				return err
			}
		}
		return nil
	})
	return nil, wrap(ctx, err, "leave", c.ID)
}

// Count is subscriber.Directory's.
func (r Registry) Count(ctx context.Context, ch channel.Name) (n int, err error) {
	if err = ctx.Err(); err == nil {
		err = r.s.view(func(tx *bbolt.Tx) error {
			n = count(tx, ch.String())
			return nil
		})
	}
	return n, wrap(ctx, err, "count", ch.String())
}

// List is subscriber.Directory's.
func (r Registry) List(ctx context.Context, ch channel.Name, after string, limit int) (page []subscriber.Subscriber, err error) {
	if err = ctx.Err(); err == nil {
		err = r.s.view(func(tx *bbolt.Tx) error {
			page, err = list(tx, ch.String(), after, limit)
			return err
		})
	}
	return page, wrap(ctx, err, "list", ch.String())
}

func list(tx *bbolt.Tx, ch, after string, limit int) (page []subscriber.Subscriber, err error) {
	c := tx.Bucket(subscribersBucket).Cursor()
	prefix, from := key(ch, ""), key(ch, after)
	for k, v := c.Seek(from); bytes.HasPrefix(k, prefix) && len(page) < limit; k, v = c.Next() {
		if bytes.Equal(k, from) {
			continue
		}
		s, err := parse(v)
		if err != nil {
			return nil, err
		}
		page = append(page, s)
	}
	return page, nil
}

// Reap is subscriber.Reaper's. It works in small transactions.
func (r Registry) Reap(ctx context.Context) (removed int, err error) {
	var lapsed []string
	if err = ctx.Err(); err == nil {
		err = r.s.view(func(tx *bbolt.Tx) error {
			return tx.Bucket(leasesBucket).ForEach(func(k, _ []byte) error {
				if !r.alive(tx, string(k)) {
					lapsed = append(lapsed, string(k))
				}
				return nil
			})
		})
	}
	for i := 0; i < len(lapsed) && err == nil; {
		var n int
		var done bool
		n, done, err = r.reap(ctx, lapsed[i])
		removed += n
		if done {
			i++
		}
	}
	return removed, wrap(ctx, err, "reap", fmt.Sprint(len(lapsed), " processes"))
}

// reap removes some subscribers of the process, and reports whether none are
// left. Its name stays for a while, so that nobody takes it again.
func (r Registry) reap(ctx context.Context, process string) (removed int, done bool, err error) {
	var keys [][]byte
	var old bool
	err = r.s.view(func(tx *bbolt.Tx) error {
		c := tx.Bucket(membersBucket).Cursor()
		prefix := key(process, "")
		for k, _ := c.Seek(prefix); bytes.HasPrefix(k, prefix) && len(keys) < trimStep; k, _ = c.Next() {
			keys = append(keys, bytes.Clone(k))
		}
		v := tx.Bucket(leasesBucket).Get([]byte(process))
		old = len(v) == 8 && r.s.o.Now().UnixMilli()-int64(binary.BigEndian.Uint64(v)) > rememberLapsed.Milliseconds()
		return nil
	})
	if err != nil || len(keys) == 0 && !old {
		return 0, true, err
	}
	err = r.s.write(ctx, func(tx *bbolt.Tx) error {
		removed = 0
		for _, k := range keys {
			if tx.Bucket(membersBucket).Get(k) == nil {
				continue // another reaper was here, or the connection has moved
			}
			parts := slices.Collect(bytes.SplitSeq(k, []byte{0}))
			there, err := remove(tx, string(parts[1]), string(parts[2]))
			if err != nil {
				return err
			}
			if there {
				removed++
			}
		}
		if old && len(keys) < trimStep {
			return tx.Bucket(leasesBucket).Delete([]byte(process))
		}
		return nil
	})
	if err != nil {
		return 0, false, err
	}
	return removed, len(keys) < trimStep, nil
}

// wrap gives the faults of the file the name that package subscriber has for them.
func wrap(ctx context.Context, err error, doing, what string) error {
	known := errors.Is(err, subscriber.ErrLapsed) || errors.Is(err, subscriber.ErrFull) ||
		errors.Is(err, ErrDamaged) || ctx.Err() != nil && errors.Is(err, ctx.Err())
	switch {
	case err == nil:
		return nil
	case !known:
		err = fmt.Errorf("%w: %w", subscriber.ErrUnavailable, err)
	}
	return fmt.Errorf("bolt: %s %s: %w", doing, what, err)
}

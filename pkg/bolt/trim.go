package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"

	"go.etcd.io/bbolt"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/eventlog"
	"github.com/runnel-sse/runnel/pkg/eventlog/batch"
)

// trimStep is how much one transaction removes: others wait for it.
const trimStep = 500

// Trim removes the events that have expired and the ids that are past the
// dedupe window, and returns how many events it removed. Readers notice
// nothing: what has expired is not shown to them anyway.
//
// It works in small transactions, so that writers get in between. Every few
// minutes is often enough.
func (s *Store) Trim(ctx context.Context) (removed int, err error) {
	for from := []byte{}; from != nil && err == nil; {
		var n int
		n, from, err = s.trimEvents(ctx, from)
		removed += n
	}
	for more := true; more && err == nil; {
		more, err = s.trimIDs(ctx)
	}
	if err != nil {
		return removed, fmt.Errorf("bolt: trim: %w", translate(ctx, err))
	}
	return removed, nil
}

// trimEvents removes expired batches of the channels from the given one on, and
// returns from where to go on, nil at the end.
func (s *Store) trimEvents(ctx context.Context, from []byte) (removed int, next []byte, err error) {
	var keys [][]byte
	err = s.view(func(tx *bbolt.Tx) error {
		heads := tx.Bucket(headsBucket).Cursor()
		for k, _ := heads.Seek(from); k != nil; k, _ = heads.Next() {
			if len(keys) >= trimStep {
				next = bytes.Clone(k)
				return nil
			}
			ch, err := channel.Parse(string(k))
			if err != nil {
				return fmt.Errorf("%w: %w", ErrDamaged, err)
			}
			c := history{Cursor: tx.Bucket(batchesBucket).Cursor(), ch: ch, oldest: s.oldest(ch)}
			n := c.expired(trimStep-len(keys), func(key []byte, count int) {
				keys = append(keys, bytes.Clone(key))
				removed += count
			})
			if n && len(keys) >= trimStep {
				next = bytes.Clone(k) // the same channel once more
				return nil
			}
		}
		return nil
	})
	if err != nil || len(keys) == 0 {
		return 0, next, err
	}
	err = s.write(ctx, func(tx *bbolt.Tx) error {
		for _, k := range keys {
			if err := tx.Bucket(batchesBucket).Delete(k); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, nil, err
	}
	return removed, next, nil
}

// expired calls found for the channel's expired batches, at most so many, and
// reports whether there was one.
func (c *history) expired(most int, found func(key []byte, events int)) (some bool) {
	prefix := key(c.ch.String(), "")
	for k, v := c.Seek(prefix); bytes.HasPrefix(k, prefix) && most > 0; k, v = c.Next() {
		h, err := batch.Peek(v)
		if err != nil {
			panic(err) // guard makes it ErrDamaged
		}
		if h.At.UnixMilli() >= c.oldest {
			return some
		}
		found(k, h.Count)
		some = true
		most--
	}
	return some
}

// forgetKey orders the ids by their time.
func forgetKey(at int64, id []byte) []byte {
	return append(binary.BigEndian.AppendUint64(nil, uint64(at)), id...)
}

// trimIDs removes ids that are past the window, and reports whether there may
// be more.
func (s *Store) trimIDs(ctx context.Context) (more bool, err error) {
	var keys [][]byte
	err = s.view(func(tx *bbolt.Tx) error {
		end := forgetKey(s.o.Now().Add(-eventlog.DedupeWindow).UnixMilli()+1, nil)
		c := tx.Bucket(forgetBucket).Cursor()
		for k, _ := c.First(); k != nil && bytes.Compare(k, end) < 0 && len(keys) < trimStep; k, _ = c.Next() {
			keys = append(keys, bytes.Clone(k))
		}
		return nil
	})
	if err != nil || len(keys) == 0 {
		return false, err
	}
	err = s.write(ctx, func(tx *bbolt.Tx) error {
		for _, k := range keys {
			at, id := k[:8], k[8:]
			// The id may have come again since, and is known by its new place.
			if v := tx.Bucket(idsBucket).Get(id); len(v) == 16 && bytes.Equal(v[8:], at) {
				if err := tx.Bucket(idsBucket).Delete(id); err != nil {
					return err
				}
			}
			if err := tx.Bucket(forgetBucket).Delete(k); err != nil {
				return err
			}
		}
		return nil
	})
	return len(keys) == trimStep, err
}

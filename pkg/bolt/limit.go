package bolt

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/runnel-sse/runnel/pkg/subscriber"
)

// admit reports what stands in the way of the connection and of its seats that are new.
func (b *book) admit(c subscriber.Connection, seats []subscriber.Seat, isNew bool, l subscriber.Limits) error {
	if isNew && c.User != "" {
		if err := b.blocked(subscriber.Target{User: c.User}); err != nil {
			return err
		}
	}
	for _, s := range seats {
		if err := b.blocked(subscriber.Target{Channel: s.Channel}); err != nil {
			return err
		}
	}
	if isNew {
		switch {
		case c.Address != "" && l.Rate > 0 && b.connects(c.Address) >= l.Rate:
			return &subscriber.LimitError{What: subscriber.OfRate, Limit: l.Rate}
		case c.User != "" && !b.room(ofUser(c.User), l.User):
			return &subscriber.LimitError{What: subscriber.OfUser, Limit: l.User}
		case c.Address != "" && !b.room(ofAddress(c.Address), l.Address):
			return &subscriber.LimitError{What: subscriber.OfAddress, Limit: l.Address}
		}
	}
	for _, s := range seats {
		if !b.room(ofChannel(s.Channel.String()), s.Limit) {
			return &subscriber.LimitError{What: subscriber.OfChannel, Channel: s.Channel, Limit: s.Limit}
		}
	}
	return nil
}

// room reports whether there is, or can be made, a place for one more.
func (b *book) room(w whose, limit int) bool {
	if limit <= 0 || b.tally(w) < limit {
		return true
	}
	for _, id := range b.in(w, "", b.tally(w)) {
		if c, _ := b.connection(id); !b.alive(c.Process) {
			b.bury(id)
		}
	}
	return b.tally(w) < limit
}

// connects is how many connects the address has made in this second.
func (b *book) connects(address string) int {
	v := b.tx.Bucket(connectsBucket).Get([]byte(address))
	if len(v) != 16 || int64(binary.BigEndian.Uint64(v)) != b.now.Unix() {
		return 0
	}
	return int(binary.BigEndian.Uint64(v[8:]))
}

func (b *book) connect(address string) {
	b.put(connectsBucket, []byte(address), pair(uint64(b.now.Unix()), int64(b.connects(address)+1)))
}

func blockKey(t subscriber.Target) []byte {
	if t.User != "" {
		return []byte(ofUser(t.User))
	}
	return []byte(ofChannel(t.Channel.String()))
}

func (b *book) blocked(t subscriber.Target) error {
	until := b.number(blocksBucket, blockKey(t))
	if until <= b.now.UnixMilli() {
		return nil
	}
	return &subscriber.BlockedError{Target: t, Until: time.UnixMilli(until).UTC()}
}

// Block is subscriber.Blocker's.
func (r Registry) Block(ctx context.Context, t subscriber.Target, until time.Time) error {
	if err := t.Check(); err != nil {
		return fmt.Errorf("bolt: block: %w", err)
	}
	return r.change(ctx, "block", "a target", func(b *book) error {
		b.setNumber(blocksBucket, blockKey(t), max(0, until.UnixMilli()))
		return nil
	})
}

// First is subscriber.Once's.
func (r Registry) First(ctx context.Context, id string, until time.Time) (first bool, err error) {
	if err := subscriber.CheckOnce(id); err != nil {
		return false, fmt.Errorf("bolt: first: %w", err)
	}
	err = r.change(ctx, "first", "use", func(b *book) error {
		if first = b.number(onceBucket, []byte(id)) <= b.now.UnixMilli(); first {
			b.setNumber(onceBucket, []byte(id), max(0, until.UnixMilli()))
		}
		return nil
	})
	return first && err == nil, err
}

// forget is for what has run out.
func (b *book) forget() {
	for _, bucket := range [][]byte{blocksBucket, onceBucket} {
		for _, k := range b.keys(bucket, nil, nil, trimStep) {
			if b.number(bucket, k) <= b.now.UnixMilli() {
				b.delete(bucket, k)
			}
		}
	}
	for _, k := range b.keys(connectsBucket, nil, nil, trimStep) {
		if b.connects(string(k)) == 0 {
			b.delete(connectsBucket, k)
		}
	}
}

// Spend is subscriber.Budget's.
func (r Registry) Spend(ctx context.Context, stream, month string, seconds int64) (total int64, err error) {
	err = r.change(ctx, "spend of", stream, func(b *book) error {
		total = b.number(budgetBucket, key(stream, month)) + seconds
		b.setNumber(budgetBucket, key(stream, month), total)
		return nil
	})
	return total, err
}

// Spent is subscriber.Budget's.
func (r Registry) Spent(ctx context.Context, stream, month string) (total int64, err error) {
	err = r.look(ctx, "spent of", stream, func(b *book) { total = b.number(budgetBucket, key(stream, month)) })
	return total, err
}

package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"sort"
	"time"

	"go.etcd.io/bbolt"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/eventlog"
	"github.com/runnel-sse/runnel/pkg/eventlog/batch"
)

// pageBytes is about how many stored bytes one Read decodes at most.
const pageBytes = 4 << 20

// Log is the store's eventlog.Log.
type Log struct{ s *Store }

var _ eventlog.Log = Log{}

// Log returns the log in the file.
func (s *Store) Log() Log { return Log{s} }

// head is the newest of a channel. Times are Unix milliseconds.
type head struct {
	epoch eventlog.Epoch
	seq   uint64
	at    int64
}

func readHead(tx *bbolt.Tx, ch channel.Name) (h head, found bool, err error) {
	v := tx.Bucket(headsBucket).Get([]byte(ch.String()))
	if v == nil {
		return head{}, false, nil
	}
	if len(v) != 20 {
		return head{}, false, fmt.Errorf("%w: the head of %s has %d bytes", ErrDamaged, ch, len(v))
	}
	return head{
		epoch: eventlog.Epoch(binary.BigEndian.Uint32(v)),
		seq:   binary.BigEndian.Uint64(v[4:]),
		at:    int64(binary.BigEndian.Uint64(v[12:])),
	}, true, nil
}

func (h head) bytes() []byte {
	v := binary.BigEndian.AppendUint32(nil, uint32(h.epoch))
	return append(v, pair(h.seq, h.at)...)
}

func (h head) position(seq uint64) eventlog.Position {
	return eventlog.Position{Epoch: h.epoch, Seq: seq}
}

// pair is the value of an id, and the end of a head.
func pair(seq uint64, at int64) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, seq), uint64(at))
}

// key joins parts with a NUL.
func key(parts ...string) []byte {
	var k []byte
	for i, p := range parts {
		if i > 0 {
			k = append(k, 0)
		}
		k = append(k, p...)
	}
	return k
}

func batchKey(ch channel.Name, seq uint64) []byte {
	return binary.BigEndian.AppendUint64(key(ch.String(), ""), seq)
}

// Append is eventlog.Log's. A batch of any size is stored all or none.
func (l Log) Append(ctx context.Context, ch channel.Name, events []eventlog.Event) ([]eventlog.Position, error) {
	at, err := l.append(ctx, ch, events)
	if err != nil {
		return nil, fmt.Errorf("bolt: append to %s: %w", ch, translate(ctx, err))
	}
	return at, nil
}

func (l Log) append(ctx context.Context, ch channel.Name, events []eventlog.Event) (at []eventlog.Position, err error) {
	for i, e := range events {
		if err := e.Validate(); err != nil {
			return nil, fmt.Errorf("event %d: %w", i, err)
		}
	}
	if len(events) == 0 {
		return nil, ctx.Err()
	}
	err = l.s.write(ctx, func(tx *bbolt.Tx) (err error) {
		at, err = l.s.put(tx, ch, events)
		return err
	})
	return at, err
}

// put stores what is new of the events, and returns everybody's position.
func (s *Store) put(tx *bbolt.Tx, ch channel.Name, events []eventlog.Event) ([]eventlog.Position, error) {
	h, found, err := readHead(tx, ch)
	if err != nil {
		return nil, err
	}
	if !found {
		h.epoch = eventlog.Epoch(1 + rand.Uint32N(uint32(eventlog.MaxEpoch)))
	}
	// A clock that goes back must not make what is old outlive what is new.
	h.at = max(h.at, s.o.Now().UnixMilli())
	before := h.seq
	at := make([]eventlog.Position, len(events))
	fresh := make([]eventlog.Event, 0, len(events))
	for i, e := range events {
		seq, err := remember(tx, ch, e.ID, h.seq+1, h.at)
		if err != nil {
			return nil, err
		}
		if seq == h.seq+1 {
			h.seq = seq
			fresh = append(fresh, e)
		}
		at[i] = h.position(seq)
	}
	if len(fresh) == 0 {
		return at, nil
	}
	first := before + 1
	for piece := range batch.Pieces(fresh) {
		b := batch.Encode(nil, h.position(first), time.UnixMilli(h.at), piece)
		first += uint64(len(piece))
		if err := tx.Bucket(batchesBucket).Put(batchKey(ch, first-1), b); err != nil {
			return nil, err
		}
	}
	return at, tx.Bucket(headsBucket).Put([]byte(ch.String()), h.bytes())
}

// remember returns the sequence number that the id has in the channel: the
// given one, unless the channel knows the id from within the window.
func remember(tx *bbolt.Tx, ch channel.Name, id string, seq uint64, at int64) (uint64, error) {
	if id == "" {
		return seq, nil
	}
	k := key(ch.String(), id)
	if v := tx.Bucket(idsBucket).Get(k); len(v) == 16 {
		if at-int64(binary.BigEndian.Uint64(v[8:])) < eventlog.DedupeWindow.Milliseconds() {
			return binary.BigEndian.Uint64(v), nil
		}
	}
	if err := tx.Bucket(idsBucket).Put(k, pair(seq, at)); err != nil {
		return 0, err
	}
	return seq, tx.Bucket(forgetBucket).Put(forgetKey(at, k), nil)
}

// Read is eventlog.Log's.
func (l Log) Read(ctx context.Context, ch channel.Name, after eventlog.Position, limit int) (records []eventlog.Record, err error) {
	err = ctx.Err()
	if err == nil {
		err = l.s.view(func(tx *bbolt.Tx) error {
			records, err = l.s.get(tx, ch, after, max(limit, 1))
			return err
		})
	}
	if err != nil {
		return nil, fmt.Errorf("bolt: read %s: %w", ch, translate(ctx, err))
	}
	return records, nil
}

func (s *Store) get(tx *bbolt.Tx, ch channel.Name, after eventlog.Position, limit int) ([]eventlog.Record, error) {
	h, found, err := readHead(tx, ch)
	switch {
	case err != nil:
		return nil, err
	case !found && after.IsZero():
		return nil, nil
	case !found:
		return nil, &eventlog.GapError{Channel: ch, After: after}
	}
	known := after.Epoch == h.epoch || after.IsZero()
	if known && after.Seq == h.seq {
		return nil, nil
	}
	c := history{Cursor: tx.Bucket(batchesBucket).Cursor(), ch: ch, oldest: s.oldest(ch)}
	b, first := c.seek(after.Seq + 1)
	if !known || after.Seq > h.seq || b == nil || first.At.UnixMilli() < c.oldest || first.First.Seq > after.Seq+1 {
		resume, err := c.gone(h)
		if err != nil {
			return nil, err
		}
		return nil, &eventlog.GapError{Channel: ch, After: after, Resume: resume}
	}
	var records []eventlog.Record
	for size := 0; b != nil && len(records) < limit && size < pageBytes; b = c.next() {
		size += len(b)
		more, err := batch.Decode(b)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		skip := min(int(after.Seq+1-min(after.Seq+1, more[0].Position.Seq)), len(more))
		records = append(records, more[skip:]...)
	}
	records = records[:min(limit, len(records))]
	for i, r := range records {
		if r.Position != h.position(after.Seq+uint64(i)+1) {
			return nil, fmt.Errorf("%w: %v stands where %d should", ErrDamaged, r.Position, after.Seq+uint64(i)+1)
		}
	}
	return records, nil
}

// oldest is the time before which the channel's events have expired.
func (s *Store) oldest(ch channel.Name) int64 {
	retention := s.o.Retention(ch.Stream()).Milliseconds()
	if retention <= 0 {
		return -1 << 62
	}
	return s.o.Now().UnixMilli() - retention + 1
}

// history goes through one channel's batches.
type history struct {
	*bbolt.Cursor
	ch     channel.Name
	oldest int64
}

// seek returns the first batch that ends at the sequence number or later.
func (c *history) seek(seq uint64) ([]byte, batch.Header) {
	k, v := c.Seek(batchKey(c.ch, seq))
	if !bytes.HasPrefix(k, key(c.ch.String(), "")) {
		return nil, batch.Header{}
	}
	h, err := batch.Peek(v)
	if err != nil {
		panic(err) // as bbolt does; guard makes it ErrDamaged
	}
	return v, h
}

func (c *history) next() []byte {
	k, v := c.Next()
	if !bytes.HasPrefix(k, key(c.ch.String(), "")) {
		return nil
	}
	return v
}

// gone is the position of the last event that has expired or was trimmed.
// Times only grow along a channel, so it is found by halving.
func (c *history) gone(h head) (eventlog.Position, error) {
	kept := func(seq uint64) bool {
		b, first := c.seek(seq)
		return b == nil || first.At.UnixMilli() >= c.oldest
	}
	n := sort.Search(int(h.seq), func(i int) bool { return kept(uint64(i) + 1) })
	b, first := c.seek(uint64(n) + 1)
	if b == nil {
		return h.position(h.seq), nil
	}
	if first.First.Seq == 0 || first.First.Seq > h.seq {
		return eventlog.Position{}, fmt.Errorf("%w: %v is beyond the head of %s", ErrDamaged, first.First, c.ch)
	}
	return h.position(first.First.Seq - 1), nil
}

// Heads is eventlog.Log's.
func (l Log) Heads(ctx context.Context, chs []channel.Name) (map[channel.Name]eventlog.Position, error) {
	heads := make(map[channel.Name]eventlog.Position, len(chs))
	err := ctx.Err()
	if err == nil {
		err = l.s.view(func(tx *bbolt.Tx) error {
			for _, ch := range chs {
				if h, found, err := readHead(tx, ch); err != nil {
					return err
				} else if found {
					heads[ch] = h.position(h.seq)
				}
			}
			return nil
		})
	}
	if err != nil {
		return nil, fmt.Errorf("bolt: heads of %d channels: %w", len(chs), translate(ctx, err))
	}
	return heads, nil
}

// translate gives the faults of the file the name that package eventlog has for
// them. What the words or the context say stays as it is.
func translate(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return err
	}
	for _, known := range []error{eventlog.ErrInvalid, eventlog.ErrTooLarge, eventlog.ErrGap, ErrDamaged} {
		if errors.Is(err, known) {
			return err
		}
	}
	return fmt.Errorf("%w: %w", eventlog.ErrUnavailable, err)
}

package bolt

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"go.etcd.io/bbolt"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/subscriber"
)

// book is the registry within one transaction, at one time. Its first fault
// stays, and fails the transaction, so what is done after it does no harm.
type book struct {
	tx  *bbolt.Tx
	now time.Time
	err error
}

func (b *book) fail(err error) {
	if b.err == nil {
		b.err = err
	}
}

func (b *book) put(bucket, key, v []byte) {
	if err := b.tx.Bucket(bucket).Put(key, v); err != nil {
		b.fail(err)
	}
}

func (b *book) delete(bucket, key []byte) {
	if err := b.tx.Bucket(bucket).Delete(key); err != nil {
		b.fail(err)
	}
}

// number is 0 where there is none.
func (b *book) number(bucket, key []byte) int64 {
	if v := b.tx.Bucket(bucket).Get(key); len(v) == 8 {
		return int64(binary.BigEndian.Uint64(v))
	}
	return 0
}

// setNumber keeps no 0.
func (b *book) setNumber(bucket, key []byte, n int64) {
	if n == 0 {
		b.delete(bucket, key)
		return
	}
	b.put(bucket, key, binary.BigEndian.AppendUint64(nil, uint64(n)))
}

// read fills v, and reports whether there was something.
func (b *book) read(bucket, key []byte, v any) bool {
	raw := b.tx.Bucket(bucket).Get(key)
	if raw == nil {
		return false
	}
	if err := json.Unmarshal(raw, v); err != nil {
		b.fail(fmt.Errorf("%w: %s %q: %w", ErrDamaged, bucket, key, err))
		return false
	}
	return true
}

func (b *book) write(bucket, key []byte, v any) {
	raw, err := json.Marshal(v)
	if err != nil {
		b.fail(err)
	}
	b.put(bucket, key, raw)
}

// keys returns, in their order, at most limit of those after from that begin so.
func (b *book) keys(bucket, prefix, from []byte, limit int) (all [][]byte) {
	c := b.tx.Bucket(bucket).Cursor()
	for k, _ := c.Seek(from); k != nil && bytes.HasPrefix(k, prefix) && len(all) < limit; k, _ = c.Next() {
		if !bytes.Equal(k, from) {
			all = append(all, bytes.Clone(k))
		}
	}
	return all
}

// whose is a channel, a user, an address, a process: what has places.
type whose string

func ofChannel(ch string) whose   { return whose("c" + ch) }
func ofUser(name string) whose    { return whose("u" + name) }
func ofAddress(a string) whose    { return whose("a" + a) }
func ofProcess(name string) whose { return whose("p" + name) }
func usersOf(ch string) whose     { return whose("v" + ch) } // a tally without places

func (b *book) tally(w whose) int     { return int(b.number(talliesBucket, []byte(w))) }
func (b *book) count(w whose, by int) { b.setNumber(talliesBucket, []byte(w), int64(b.tally(w)+by)) }

func (b *book) alive(process string) bool {
	return b.now.UnixMilli() < b.number(leasesBucket, []byte(process))
}

func (b *book) enter(w whose, id string) {
	b.put(placesBucket, key(string(w), id), []byte{})
	b.count(w, 1)
}

func (b *book) quit(w whose, id string) {
	b.delete(placesBucket, key(string(w), id))
	b.count(w, -1)
}

// in returns the ids of the connections there, in their order.
func (b *book) in(w whose, after string, limit int) (ids []string) {
	prefix := key(string(w), "")
	for _, k := range b.keys(placesBucket, prefix, key(string(w), after), limit) {
		ids = append(ids, string(k[len(prefix):]))
	}
	return ids
}

// connection is one that is there, with the seats that it has.
type connection struct {
	ID, Process, User, Address string
	Joined                     time.Time
	Seats                      []seat
}

type seat struct {
	Channel  string
	Presence bool
}

func (b *book) connection(id string) (c connection, there bool) {
	there = b.read(connectionsBucket, []byte(id), &c)
	return c, there
}

func (c connection) seat(ch channel.Name) int {
	return slices.IndexFunc(c.Seats, func(s seat) bool { return s.Channel == ch.String() })
}

func (b *book) page(w whose, after string, limit int) (page []subscriber.Subscriber) {
	for _, id := range b.in(w, after, limit) {
		c, _ := b.connection(id)
		page = append(page, subscriber.Subscriber{Connection: c.ID, Process: c.Process, User: c.User, Joined: c.Joined})
	}
	return page
}

// milli is a time as the ports give it.
func milli(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

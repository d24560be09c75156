package tail

import (
	"bytes"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/cursor"
	"github.com/runnel-sse/runnel/pkg/eventlog"
	"github.com/runnel-sse/runnel/pkg/sse"
)

// Sizes of a slab, in bytes: small for a channel that says little, growing with
// what it says. A frame that is larger gets a slab of its own.
const (
	firstSlab = 1 << 10
	largeSlab = 64 << 10
)

// ring is the newest frames of one channel.
type ring struct {
	ch   channel.Name
	tail *Tail

	fetching bool              // guarded by tail.mu
	target   eventlog.Position // guarded by tail.mu; the channel is known to be there

	mu      sync.RWMutex
	base    eventlog.Position // the frames held are those after it
	newest  eventlog.Position // up to here
	slabs   []*slab           // oldest first, contiguous
	held    int               // bytes of all slabs
	readers []*Reader
	gone    bool        // nobody follows it any more
	woken   time.Time   // when the readers were last told
	later   *time.Timer // tells them again, where that has to wait; else nil
}

// slab is a run of frames in one piece of memory. Bytes once written are never
// changed, so that readers may hold parts of it without a lock.
type slab struct {
	first uint64 // sequence number of its first frame
	buf   []byte
	marks []mark // one for each frame
}

// mark says where a frame's parts begin: the frame with its id, the fields after
// the id, the data's JSON. The frame ends where the next one starts.
type mark struct{ start, fields, json uint32 }

func newRing(t *Tail, ch channel.Name, head eventlog.Position) *ring {
	return &ring{ch: ch, tail: t, base: head, newest: head}
}

func (r *ring) head() eventlog.Position {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.newest
}

func (r *ring) join(rd *Reader) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.readers = append(r.readers, rd)
}

// leave returns how many readers are left.
func (r *ring) leave(rd *Reader) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if i := slices.Index(r.readers, rd); i >= 0 {
		last := len(r.readers) - 1
		r.readers[i] = r.readers[last]
		r.readers[last] = nil
		r.readers = r.readers[:last]
	}
	return len(r.readers)
}

// publish encodes the records behind the newest and wakes the readers.
func (r *ring) publish(page []eventlog.Record) {
	r.mu.Lock()
	for _, rec := range page {
		if r.gone {
			break // a fetcher was still at it
		}
		if rec.Position.Epoch == r.newest.Epoch && rec.Position.Seq <= r.newest.Seq {
			continue
		}
		r.append(rec)
	}
	r.trim()
	r.mu.Unlock()
	r.wakeAll()
}

// restart forgets everything and goes on after the position.
func (r *ring) restart(at eventlog.Position) {
	r.mu.Lock()
	r.clear()
	r.base, r.newest = at, at
	r.mu.Unlock()
	r.wakeAll()
}

// drop gives the memory of a ring back that nobody reads any more.
func (r *ring) drop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.clear()
	r.gone = true
	if r.later != nil {
		r.later.Stop()
	}
}

// perReader is about what it costs to write to one reader. Waking many of them
// takes that time for each, and what is published meanwhile can go along with
// the next round: so rounds follow each other no faster than they can be written,
// and the faster it comes, the more goes out in one write. An event that comes
// after a pause waits for nothing.
const perReader = 10 * time.Microsecond

// wakeAll tells every reader that there is something, now or as soon as the last
// round is over. It waits for none of them.
func (r *ring) wakeAll() {
	now := time.Now()
	r.mu.Lock()
	round := time.Duration(len(r.readers)/runtime.GOMAXPROCS(0)) * perReader
	wait := round - now.Sub(r.woken)
	switch {
	case r.gone || r.later != nil:
		r.mu.Unlock()
		return
	case wait > time.Millisecond:
		r.later = time.AfterFunc(wait, r.wakeLate)
		r.mu.Unlock()
		return
	}
	r.woken = now
	r.mu.Unlock()
	r.wakeNow()
}

func (r *ring) wakeLate() {
	r.mu.Lock()
	r.later, r.woken = nil, time.Now()
	r.mu.Unlock()
	r.wakeNow()
}

func (r *ring) wakeNow() {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, rd := range r.readers {
		rd.Nudge()
	}
}

func (r *ring) append(rec eventlog.Record) {
	need := frameBound(rec)
	var s *slab
	if n := len(r.slabs); n > 0 {
		s = r.slabs[n-1]
	}
	if s == nil || cap(s.buf)-len(s.buf) < need {
		size := firstSlab
		if s != nil {
			size = min(2*cap(s.buf), largeSlab, r.tail.opts.RingBytes/4)
		}
		s = &slab{first: rec.Position.Seq, buf: make([]byte, 0, max(size, need))}
		r.slabs = append(r.slabs, s)
		r.grow(cap(s.buf))
	}
	var m mark
	s.buf, m = appendFrame(s.buf, r.ch, rec)
	s.marks = append(s.marks, m)
	r.newest = rec.Position
}

// trim drops the oldest slabs while there is more than is allowed.
func (r *ring) trim() {
	for len(r.slabs) > 1 && (r.held > r.tail.opts.RingBytes || r.tail.held.Load() > r.tail.opts.TotalBytes) {
		old := r.slabs[0]
		r.slabs = slices.Delete(r.slabs, 0, 1)
		r.grow(-cap(old.buf))
		r.base = eventlog.Position{Epoch: r.newest.Epoch, Seq: r.slabs[0].first - 1}
	}
}

func (r *ring) clear() {
	r.slabs = nil
	r.grow(-r.held)
}

func (r *ring) grow(n int) {
	r.held += n
	r.tail.held.Add(int64(n))
}

// holds reports whether the ring has everything after the position. The caller
// holds mu.
func (r *ring) holds(at eventlog.Position) bool {
	if at.Epoch != r.newest.Epoch && at != r.base {
		return false
	}
	return at.Seq >= r.base.Seq
}

// from returns the slab with the frame after the position, and the frame's place
// in it; nil when there is none yet. The caller holds mu, and holds(at) is true.
func (r *ring) from(at eventlog.Position) (*slab, int) {
	if at.Seq >= r.newest.Seq && at.Epoch == r.newest.Epoch {
		return nil, 0
	}
	next := at.Seq + 1
	for i := len(r.slabs) - 1; i >= 0; i-- {
		if s := r.slabs[i]; next >= s.first {
			return s, int(next - s.first)
		}
	}
	return nil, 0
}

// frameBound is at least the size of the record's frame, in bytes, for data
// without line ends, which is what the log holds.
func frameBound(rec eventlog.Record) int {
	return len("id: \nevent: \ndata: \n\n") + idSize + len(rec.Type) + len(rec.Data)
}

const idSize = 16 // characters of the id of one channel

func appendFrame(dst []byte, ch channel.Name, rec eventlog.Record) ([]byte, mark) {
	m := mark{start: uint32(len(dst))}
	dst = append(dst, "id: "...)
	dst = cursor.Append(dst, []channel.Name{ch}, []eventlog.Position{rec.Position})
	dst = append(dst, '\n')
	m.fields = uint32(len(dst))
	data := oneLine(rec.Data)
	dst, _ = sse.Frame{Type: rec.Type, Data: data}.Append(dst) // a log holds no type with a line end
	m.json = uint32(len(dst) - len(data) - len("\n\n"))
	return dst, m
}

// oneLine is JSON without its line ends, which stand between tokens only. Ingest
// stores none, but a log keeps what others put there as it came, and an envelope
// has to close behind the last line.
func oneLine(data []byte) []byte {
	if bytes.IndexByte(data, '\n') < 0 && bytes.IndexByte(data, '\r') < 0 {
		return data
	}
	return bytes.ReplaceAll(bytes.ReplaceAll(data, []byte("\r"), []byte(" ")), []byte("\n"), []byte(" "))
}

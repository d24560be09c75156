// Package tail is one process's cache of the newest part of the channels that
// somebody there reads. Every frame is encoded once, whoever reads it; a reader
// holds only its own position, and one that has fallen off the cache reads the
// log at its own pace and comes back. So nobody waits for a slow reader.
//
// It promises haste and order, never completeness: the log is the truth, and a
// hole in it comes to the reader as an eventlog.GapError. The package knows
// nothing of HTTP, of who may read, or of the host that it runs in.
package tail

import (
	"context"
	"log/slog"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/eventlog"
)

// Options of a Tail; each has a default.
type Options struct {
	// Bell, if there is one, makes a publish arrive sooner than the next poll.
	Bell eventlog.Bell
	// Interval between two polls of the heads: 250 ms by default, 2 s with a
	// bell. While something moves it is halved, after QuietAfter without
	// anything new it is doubled.
	Interval time.Duration
	// RingBytes bounds the frames kept of one channel, 1 MiB by default.
	RingBytes int
	// TotalBytes bounds the frames kept of all channels, 128 MiB by default.
	// Beyond it a channel keeps only its newest slab.
	TotalBytes int64
	// Logger gets a line when the log cannot be read; slog.Default by default.
	Logger *slog.Logger
}

// QuietAfter is how long nothing must have moved before polls are spread out.
const QuietAfter = 30 * time.Second

// complainEvery bounds how often a failing log is spoken of.
const complainEvery = 10 * time.Second

// Tail follows channels for all readers of a process. Run makes it move.
type Tail struct {
	log  eventlog.Log
	opts Options

	held   atomic.Int64  // bytes of all slabs
	failed atomic.Bool   // a read has failed since the last poll
	wake   chan struct{} // capacity 1; tells Run that some channel is dirty

	mu       sync.Mutex             // guards what follows; taken before a ring's
	rings    map[channel.Name]*ring // a ring is here while it has a reader
	dirty    map[*ring]bool         // to be read, and nobody is at it
	fetching int                    // fetchers at work
	quiet    time.Time              // no complaint before
	unsaid   int                    // complaints since the last that was made
}

// New returns a Tail over the log.
func New(log eventlog.Log, o Options) *Tail {
	if o.Interval <= 0 {
		o.Interval = 250 * time.Millisecond
		if o.Bell != nil {
			o.Interval = 2 * time.Second
		}
	}
	if o.RingBytes <= 0 {
		o.RingBytes = 1 << 20
	}
	if o.TotalBytes <= 0 {
		o.TotalBytes = 128 << 20
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return &Tail{
		log:   log,
		opts:  o,
		wake:  make(chan struct{}, 1),
		rings: map[channel.Name]*ring{},
		dirty: map[*ring]bool{},
	}
}

// Run polls the heads of the followed channels, listens to the bell and reads
// what is new, until ctx is done; then it waits for what it started and returns
// the error of ctx.
func (t *Tail) Run(ctx context.Context) error {
	var work sync.WaitGroup
	defer work.Wait()
	var rings <-chan eventlog.Ring
	if t.opts.Bell != nil {
		rings = t.opts.Bell.Listen(ctx)
	}
	work.Go(func() { t.poll(ctx) })
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case r, ok := <-rings:
			if !ok {
				rings = nil // a bell that is gone costs latency only
				continue
			}
			t.moved(map[channel.Name]eventlog.Position{r.Channel: r.Position})
		case <-t.wake:
		}
		for r := t.hire(); r != nil; r = t.hire() {
			work.Go(func() { t.fetchers(ctx, r) })
		}
	}
}

// Heads returns the newest known position of each channel: of followed ones
// from memory (as late as one poll), of all others from the log in one read.
func (t *Tail) Heads(ctx context.Context, chs []channel.Name) (map[channel.Name]eventlog.Position, error) {
	heads := make(map[channel.Name]eventlog.Position, len(chs))
	var unknown []channel.Name
	t.mu.Lock()
	for _, ch := range chs {
		if r := t.rings[ch]; r != nil {
			heads[ch] = r.head()
		} else {
			unknown = append(unknown, ch)
		}
	}
	t.mu.Unlock()
	if len(unknown) == 0 {
		return heads, nil
	}
	read, err := t.log.Heads(ctx, unknown)
	if err != nil {
		return nil, err
	}
	maps.Copy(heads, read)
	return heads, nil
}

// Start is where a reader begins in one channel.
type Start struct {
	Channel channel.Name
	Head    eventlog.Position // as Heads said
	At      eventlog.Position // the reader has everything up to here
}

// Follow returns a reader of the channels. With envelope, each event says which
// channel it is of and carries the positions in all channels as its id. Close
// must be called when the reader is no longer needed.
func (t *Tail) Follow(starts []Start, envelope bool) *Reader {
	rd := &Reader{tail: t, wake: make(chan struct{}, 1), envelope: envelope, feeds: make([]feed, 0, len(starts))}
	t.attach(rd, starts)
	return rd
}

// attach has the reader follow the channels too.
func (t *Tail) attach(rd *Reader, starts []Start) {
	t.mu.Lock()
	for _, s := range starts {
		r := t.rings[s.Channel]
		if r == nil {
			r = newRing(t, s.Channel, s.Head)
			t.rings[s.Channel] = r
		} else if ahead(s.Head, r.head()) {
			t.want(r, s.Head)
		}
		r.join(rd)
		rd.feeds = append(rd.feeds, feed{ring: r, at: s.At})
	}
	dirty := len(t.dirty) > 0
	t.mu.Unlock()
	if dirty {
		t.nudge()
	}
}

// detach ends the reader's following of these feeds of it.
func (t *Tail) detach(rd *Reader, feeds []feed) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, f := range feeds {
		if f.ring.leave(rd) == 0 && t.rings[f.ring.ch] == f.ring {
			delete(t.rings, f.ring.ch)
			delete(t.dirty, f.ring)
			f.ring.drop()
		}
	}
}

// Followed returns how many channels are followed at the moment.
func (t *Tail) Followed() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.rings)
}

// HeldBytes is the memory of the frames held, in bytes.
func (t *Tail) HeldBytes() int64 { return t.held.Load() }

// moved notes where channels are said to be, and reports whether one of them is
// further than its ring.
func (t *Tail) moved(heads map[channel.Name]eventlog.Position) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	further := false
	for ch, at := range heads {
		if r := t.rings[ch]; r != nil && ahead(at, r.head()) {
			t.want(r, at)
			further = true
		}
	}
	return further
}

// want has the ring read up to at least the position. The caller holds mu.
func (t *Tail) want(r *ring, at eventlog.Position) {
	if ahead(at, r.target) {
		r.target = at
	}
	if !r.fetching {
		t.dirty[r] = true
	}
}

func (t *Tail) nudge() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// complain logs a warning, at most one in complainEvery: a log that is down
// fails every read of every channel.
func (t *Tail) complain(ctx context.Context, what string, attrs ...slog.Attr) {
	now := time.Now()
	t.mu.Lock()
	if now.Before(t.quiet) {
		t.unsaid++
		t.mu.Unlock()
		return
	}
	attrs = append(attrs, slog.Int("unsaid", t.unsaid))
	t.quiet, t.unsaid = now.Add(complainEvery), 0
	t.mu.Unlock()
	t.opts.Logger.LogAttrs(ctx, slog.LevelWarn, what, attrs...)
}

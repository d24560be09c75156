package tail

import (
	"context"
	"log/slog"

	"github.com/runnel-sse/runnel/pkg/eventlog"
)

const (
	maxFetchers = 16  // reads of the log under way at once
	pageLimit   = 256 // records of one read
)

// hire returns a channel for one more fetcher, or nil.
func (t *Tail) hire() *ring {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.fetching >= maxFetchers {
		return nil // one of them takes it when it is done with its own
	}
	r := t.take()
	if r != nil {
		t.fetching++
	}
	return r
}

// take returns a dirty channel, now in the caller's hands, or nil. The caller
// holds mu.
func (t *Tail) take() *ring {
	for r := range t.dirty {
		delete(t.dirty, r)
		r.fetching = true
		return r
	}
	return nil
}

// fetchers reads the channel, then others, until none is dirty.
func (t *Tail) fetchers(ctx context.Context, r *ring) {
	for r != nil {
		t.fetch(ctx, r)
		t.mu.Lock()
		if r = t.take(); r == nil {
			t.fetching--
		}
		t.mu.Unlock()
	}
}

// fetch reads what is new of one channel into its ring, until the ring is as far
// as the channel is known to be. A log that is late or fails is asked again when
// the next poll, or a bell, says so.
func (t *Tail) fetch(ctx context.Context, r *ring) {
	for {
		t.mu.Lock()
		target := r.target
		t.mu.Unlock()
		page, err := t.log.Read(ctx, r.ch, r.head(), pageLimit)
		gap, isGap := asGap(err)
		switch {
		case isGap:
			// Every reader that stood before Resume finds that out by its own
			// position, and says so to its client.
			r.restart(gap.Resume)
		case err == nil:
			r.publish(page)
		case ctx.Err() == nil:
			t.failed.Store(true)
			t.complain(ctx, "tail: read failed, will try again", slog.String("channel", r.ch.String()), slog.Any("error", err))
		}
		stuck := err != nil && !isGap || err == nil && len(page) == 0
		if t.fetched(r, target, stuck) {
			return
		}
	}
}

// fetched reports whether the fetching of the ring is over: also when the last
// reader has left meanwhile, since then it gets no further. A fetcher that is
// stuck goes on only if it has heard of something new since it had that target.
func (t *Tail) fetched(r *ring, target eventlog.Position, stuck bool) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.rings[r.ch] == r && ahead(r.target, r.head()) && (!stuck || r.target != target) {
		return false
	}
	r.target = eventlog.Position{}
	r.fetching = false
	return true
}

// Package memory is the log, the registry and the bell within one process, for
// tests and for `runnel dev`. What it holds is gone when the process ends.
//
// It can misbehave on demand as a storage in the cloud does: see Misbehave.
package memory

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/eventlog"
)

// LogOptions are the settings of a log. The zero value keeps everything.
type LogOptions struct {
	// Now is the clock; nil: time.Now.
	Now func() time.Time
	// Retention is how long a stream's events are kept; nil or 0: for ever.
	Retention func(stream string) time.Duration
	// MaxRecords bounds what one channel holds: beyond it the oldest go early,
	// which readers are told as a gap, and so many ids are remembered at most.
	// 0: no bound.
	MaxRecords int
	// Seed makes the epochs repeatable; 0: random ones.
	Seed uint64
}

// Log is an eventlog.Log in the memory of the process.
type Log struct {
	o LogOptions

	mu       sync.RWMutex
	channels map[channel.Name]*history
	epochs   *rand.Rand // guarded by mu
}

var _ eventlog.Log = (*Log)(nil)

// NewLog returns an empty log.
func NewLog(o LogOptions) *Log {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Retention == nil {
		o.Retention = func(string) time.Duration { return 0 }
	}
	seed := o.Seed
	if seed == 0 {
		seed = rand.Uint64()
	}
	return &Log{o: o, channels: map[channel.Name]*history{}, epochs: rand.New(rand.NewPCG(seed, 0))}
}

// Append is eventlog.Log's. A batch of any size is stored all or none.
func (l *Log) Append(ctx context.Context, ch channel.Name, events []eventlog.Event) ([]eventlog.Position, error) {
	if err := appendable(ctx, events); err != nil {
		return nil, fmt.Errorf("memory: append to %s: %w", ch, err)
	}
	if len(events) == 0 {
		return nil, nil
	}
	h := l.history(ch)
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.append(l.o.Now().UnixMilli(), events), nil
}

func appendable(ctx context.Context, events []eventlog.Event) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	for i, e := range events {
		if err := e.Validate(); err != nil {
			return fmt.Errorf("event %d: %w", i, err)
		}
	}
	return nil
}

// Read is eventlog.Log's. The records' Data is shared: it must not be written to.
func (l *Log) Read(ctx context.Context, ch channel.Name, after eventlog.Position, limit int) ([]eventlog.Record, error) {
	records, err := l.read(ctx, ch, after, limit)
	if err != nil {
		return nil, fmt.Errorf("memory: read %s: %w", ch, err)
	}
	return records, nil
}

func (l *Log) read(ctx context.Context, ch channel.Name, after eventlog.Position, limit int) ([]eventlog.Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l.mu.RLock()
	h := l.channels[ch]
	l.mu.RUnlock()
	if h == nil {
		if after.IsZero() {
			return nil, nil
		}
		return nil, &eventlog.GapError{Channel: ch, After: after}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	records, resume, whole := h.read(l.o.Now().UnixMilli(), after, max(limit, 1))
	if !whole {
		return nil, &eventlog.GapError{Channel: ch, After: after, Resume: resume}
	}
	return records, nil
}

// Heads is eventlog.Log's.
func (l *Log) Heads(ctx context.Context, chs []channel.Name) (map[channel.Name]eventlog.Position, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("memory: heads of %d channels: %w", len(chs), err)
	}
	heads := make(map[channel.Name]eventlog.Position, len(chs))
	l.mu.RLock()
	defer l.mu.RUnlock()
	for _, ch := range chs {
		if h := l.channels[ch]; h != nil {
			if head := h.position(); head.Seq > 0 {
				heads[ch] = head
			}
		}
	}
	return heads, nil
}

// history returns the channel's, made when it is not there yet.
func (l *Log) history(ch channel.Name) *history {
	l.mu.RLock()
	h := l.channels[ch]
	l.mu.RUnlock()
	if h != nil {
		return h
	}
	retention := l.o.Retention(ch.Stream())
	l.mu.Lock()
	defer l.mu.Unlock()
	if h = l.channels[ch]; h == nil {
		h = &history{
			epoch:      eventlog.Epoch(1 + l.epochs.Uint32N(uint32(eventlog.MaxEpoch))),
			retention:  retention.Milliseconds(),
			maxRecords: l.o.MaxRecords,
			ids:        map[string]remembered{},
		}
		l.channels[ch] = h
	}
	return h
}

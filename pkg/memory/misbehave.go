package memory

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/eventlog"
	"github.com/runnel-sse/runnel/pkg/eventlog/batch"
)

// Faults are how often a log misbehaves, each from 0 (never) to 1 (always). All
// of them are what the port allows, so code that uses a log must cope.
type Faults struct {
	// Seed makes the faults repeatable, as far as the calls are.
	Seed uint64

	LostRace   float64 // Append stores nothing and fails with ErrContended
	Throttled  float64 // a call does nothing and fails with ErrUnavailable
	LostAnswer float64 // Append stores everything and yet fails with ErrUnavailable
	Torn       float64 // Append of more than one atomic piece stores the first ones and fails with ErrUnavailable
	StaleHead  float64 // a head is late, by channel; an early one is not there yet
	ShortRead  float64 // Read returns fewer records than there are, or none, as a late replica does
}

// errFault is the cause within the errors of a log that misbehaves.
var errFault = errors.New("fault on demand")

// Misbehave returns a log that keeps its events in the given one and does as
// storages in the cloud do: it loses races, throttles, answers late, and fails
// though it has stored. Run your own code through it.
func Misbehave(log eventlog.Log, f Faults) eventlog.Log {
	return &misbehaving{log: log, f: f, random: rand.New(rand.NewPCG(f.Seed, 1))}
}

type misbehaving struct {
	log eventlog.Log
	f   Faults

	mu     sync.Mutex
	random *rand.Rand // guarded by mu
}

// happens draws whether a fault of that frequency comes now.
func (m *misbehaving) happens(frequency float64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.random.Float64() < frequency
}

// upTo draws a number from 0 to n.
func (m *misbehaving) upTo(n uint64) uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.random.Uint64N(n + 1)
}

func (m *misbehaving) Append(ctx context.Context, ch channel.Name, events []eventlog.Event) ([]eventlog.Position, error) {
	if err := appendable(ctx, events); err != nil {
		return m.log.Append(ctx, ch, events) // says the same, and stores nothing
	}
	var pieces [][]eventlog.Event
	for piece := range batch.Pieces(events) {
		pieces = append(pieces, piece)
	}
	switch {
	case m.happens(m.f.LostRace):
		return nil, fault("append to "+ch.String(), eventlog.ErrContended)
	case m.happens(m.f.Throttled):
		return nil, fault("append to "+ch.String(), eventlog.ErrUnavailable)
	case len(pieces) > 1 && m.happens(m.f.Torn):
		for _, piece := range pieces[:1+m.upTo(uint64(len(pieces)-2))] {
			if _, err := m.log.Append(ctx, ch, piece); err != nil {
				return nil, err
			}
		}
		return nil, fault("append to "+ch.String(), eventlog.ErrUnavailable)
	}
	at, err := m.log.Append(ctx, ch, events)
	if err == nil && m.happens(m.f.LostAnswer) {
		return nil, fault("append to "+ch.String(), eventlog.ErrUnavailable)
	}
	return at, err
}

func (m *misbehaving) Read(ctx context.Context, ch channel.Name, after eventlog.Position, limit int) ([]eventlog.Record, error) {
	if ctx.Err() == nil && m.happens(m.f.Throttled) {
		return nil, fault("read "+ch.String(), eventlog.ErrUnavailable)
	}
	records, err := m.log.Read(ctx, ch, after, limit)
	if err == nil && len(records) > 0 && m.happens(m.f.ShortRead) {
		records = records[:m.upTo(uint64(len(records)-1))] // a prefix, never a hole
	}
	return records, err
}

func (m *misbehaving) Heads(ctx context.Context, chs []channel.Name) (map[channel.Name]eventlog.Position, error) {
	if ctx.Err() == nil && m.happens(m.f.Throttled) {
		return nil, fault(fmt.Sprint("heads of ", len(chs), " channels"), eventlog.ErrUnavailable)
	}
	heads, err := m.log.Heads(ctx, chs)
	for _, ch := range chs { // in this order, so that a seed gives the same again
		at, written := heads[ch]
		if !written || !m.happens(m.f.StaleHead) {
			continue
		}
		if at.Seq -= min(at.Seq, 1+m.upTo(9)); at.Seq == 0 {
			delete(heads, ch)
			continue
		}
		heads[ch] = at
	}
	return heads, err
}

func fault(doing string, err error) error {
	return fmt.Errorf("memory: %s: %w: %w", doing, err, errFault)
}

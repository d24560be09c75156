package memory_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/eventlog"
	"github.com/runnel-sse/runnel/pkg/eventlog/logtest"
	"github.com/runnel-sse/runnel/pkg/memory"
)

// TestSuiteAllowsWhatThePortAllows: late and contended is still a log.
func TestSuiteAllowsWhatThePortAllows(t *testing.T) {
	t.Parallel()
	logtest.Run(t, func(_ *testing.T, o logtest.Options) eventlog.Log {
		log := memory.NewLog(memory.LogOptions{Now: o.Now, Retention: o.Retention})
		return memory.Misbehave(log, memory.Faults{Seed: 1, LostRace: 0.2, StaleHead: 0.3, ShortRead: 0.3})
	})
}

// TestFaults: each fault does what it says, and shows as the port says.
func TestFaults(t *testing.T) {
	t.Parallel()
	events := []eventlog.Event{{ID: "a", Type: "A"}, {ID: "b", Type: "A"}, {ID: "c", Type: "A"}}
	var many []eventlog.Event
	for i := range 3 * eventlog.AtomicEvents {
		many = append(many, eventlog.Event{ID: fmt.Sprint(i), Type: "A"})
	}
	for name, tc := range map[string]struct {
		faults memory.Faults
		events []eventlog.Event
		want   error
		stored func(n int) bool
	}{
		"none":            {events: events, stored: func(n int) bool { return n == 3 }},
		"lost race":       {faults: memory.Faults{LostRace: 1}, events: events, want: eventlog.ErrContended, stored: func(n int) bool { return n == 0 }},
		"throttled":       {faults: memory.Faults{Throttled: 1}, events: events, want: eventlog.ErrUnavailable, stored: func(n int) bool { return n == 0 }},
		"lost answer":     {faults: memory.Faults{LostAnswer: 1}, events: events, want: eventlog.ErrUnavailable, stored: func(n int) bool { return n == 3 }},
		"torn, one piece": {faults: memory.Faults{Torn: 1}, events: events, stored: func(n int) bool { return n == 3 }},
		"torn":            {faults: memory.Faults{Torn: 1}, events: many, want: eventlog.ErrUnavailable, stored: func(n int) bool { return n == 64 || n == 128 }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plain, ch := memory.NewLog(memory.LogOptions{}), channel.MustParse("S:a")
			log := memory.Misbehave(plain, tc.faults)
			at, err := log.Append(t.Context(), ch, tc.events)
			if tc.want == nil {
				require.NoError(t, err)
				require.Len(t, at, len(tc.events))
			} else {
				require.ErrorIs(t, err, tc.want)
				require.Nil(t, at)
			}
			records, err := plain.Read(t.Context(), ch, eventlog.Position{}, 1000)
			require.NoError(t, err)
			require.True(t, tc.stored(len(records)), "%d are stored", len(records))
			if tc.faults.Throttled == 1 {
				_, err = log.Read(t.Context(), ch, eventlog.Position{}, 1)
				require.ErrorIs(t, err, eventlog.ErrUnavailable)
				_, err = log.Heads(t.Context(), []channel.Name{ch})
				require.ErrorIs(t, err, eventlog.ErrUnavailable)
			}
		})
	}
}

func TestLateAnswersAreAPrefix(t *testing.T) {
	t.Parallel()
	plain, ch := memory.NewLog(memory.LogOptions{}), channel.MustParse("S:a")
	var events []eventlog.Event
	for range 20 {
		events = append(events, eventlog.Event{Type: "A"})
	}
	at, err := plain.Append(t.Context(), ch, events)
	require.NoError(t, err)
	log := memory.Misbehave(plain, memory.Faults{Seed: 3, StaleHead: 1, ShortRead: 1})
	lengths := map[int]bool{}
	for range 200 {
		heads, err := log.Heads(t.Context(), []channel.Name{ch})
		require.NoError(t, err)
		require.Less(t, heads[ch].Seq, uint64(20), "late")
		records, err := log.Read(t.Context(), ch, eventlog.Position{}, 100)
		require.NoError(t, err)
		require.Less(t, len(records), 20, "short")
		lengths[len(records)] = true
		for i, r := range records {
			require.Equal(t, at[i], r.Position)
		}
	}
	require.True(t, lengths[0] && len(lengths) > 10, "from nothing to nearly all: %v", lengths)
}

// TestNothingIsLostThroughFaults: appenders that try again and readers that go
// on, over a log that does everything the port allows.
func TestNothingIsLostThroughFaults(t *testing.T) {
	t.Parallel()
	for range 12 {
		seed := rand.Uint64()
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			simulate(t, seed)
		})
	}
}

const simWriters, simBatches = 6, 12

func simulate(t *testing.T, seed uint64) {
	log := memory.Misbehave(memory.NewLog(memory.LogOptions{Seed: seed | 1}), memory.Faults{
		Seed: seed, LostRace: 0.2, Throttled: 0.2, LostAnswer: 0.3, Torn: 0.3, StaleHead: 0.4, ShortRead: 0.4,
	})
	ch := channel.MustParse("CommentStream:item:1")
	var total uint64
	var wg sync.WaitGroup
	for w := range simWriters {
		r := rand.New(rand.NewPCG(seed, uint64(w)))
		var batches [][]eventlog.Event
		for b := range simBatches {
			var batch []eventlog.Event
			for i := range 1 + r.IntN(100) {
				batch = append(batch, eventlog.Event{ID: fmt.Sprintf("%d-%d-%d", w, b, i), Type: "A"})
				total++
			}
			batches = append(batches, batch)
		}
		wg.Go(func() {
			for _, batch := range batches {
				if err := persist(t.Context(), log, ch, batch); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 3 {
		wg.Go(func() {
			seen, err := follow(t.Context(), log, ch, total)
			if err == nil {
				err = inOrder(seen)
			}
			if err != nil {
				t.Errorf("seed %d: %v", seed, err)
			}
		})
	}
	wg.Wait()
}

// persist is a caller that tries again until it is told where its events are.
func persist(ctx context.Context, log eventlog.Log, ch channel.Name, events []eventlog.Event) error {
	for {
		at, err := log.Append(ctx, ch, events)
		switch {
		case err == nil && len(at) == len(events):
			return nil
		case errors.Is(err, eventlog.ErrContended), errors.Is(err, eventlog.ErrUnavailable):
			continue
		default:
			return fmt.Errorf("%d positions for %d events: %w", len(at), len(events), err)
		}
	}
}

// follow reads until it has seen so many events, and fails on a hole.
func follow(ctx context.Context, log eventlog.Log, ch channel.Name, total uint64) (seen []eventlog.Record, err error) {
	var after eventlog.Position
	for after.Seq < total && ctx.Err() == nil {
		heads, err := log.Heads(ctx, []channel.Name{ch})
		if err == nil && heads[ch].Seq > total {
			return nil, fmt.Errorf("the head is ahead: %v", heads[ch])
		}
		records, err := log.Read(ctx, ch, after, 40)
		if errors.Is(err, eventlog.ErrUnavailable) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, r := range records {
			if r.Position.Seq != after.Seq+1 {
				return nil, fmt.Errorf("%v follows %v", r.Position, after)
			}
			after = r.Position
		}
		seen = append(seen, records...)
	}
	return seen, ctx.Err()
}

// inOrder: each writer's events are all there, once, in the order of its calls.
func inOrder(seen []eventlog.Record) error {
	type place struct{ batch, i int }
	last := map[int]place{}
	for _, r := range seen {
		var w int
		var p place
		if _, err := fmt.Sscanf(r.ID, "%d-%d-%d", &w, &p.batch, &p.i); err != nil {
			return err
		}
		l, begun := last[w]
		next := !begun && p == place{} || begun && (p == place{l.batch, l.i + 1} || p == place{l.batch + 1, 0})
		if !next {
			return fmt.Errorf("writer %d: %v follows %v", w, p, l)
		}
		last[w] = p
	}
	if len(last) != simWriters {
		return fmt.Errorf("%d writers, want %d", len(last), simWriters)
	}
	return nil
}

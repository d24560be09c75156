package dynamo_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/dynamo"
	"github.com/runnel-sse/runnel/pkg/eventlog"
	"github.com/runnel-sse/runnel/pkg/eventlog/logtest"
	"github.com/runnel-sse/runnel/pkg/subscriber"
	"github.com/runnel-sse/runnel/pkg/subscriber/subscribertest"
)

// TestLogThroughFaults: what the SDK and the log try again by themselves, nobody
// who calls them sees: all of the contract holds.
func TestLogThroughFaults(t *testing.T) {
	client, seed := open(t), newSeed()
	logtest.Run(t, func(t *testing.T, o logtest.Options) eventlog.Log {
		flaky, _ := through(t, client, seed, 0, true)
		return dynamo.NewLog(flaky, newTable(t, client, dynamo.EventLogTable), dynamo.LogOptions{Now: o.Now, Retention: o.Retention})
	})
}

func TestRegistryThroughFaults(t *testing.T) {
	client, seed := open(t), newSeed()
	subscribertest.Run(t, func(t *testing.T, o subscribertest.Options) subscribertest.Storage {
		flaky, _ := through(t, client, seed, 0, true)
		table := newTable(t, client, dynamo.SubscribersTable)
		return subscribertest.Storage{
			Registry: func(f subscribertest.Faults) subscriber.Storage {
				return dynamo.NewRegistry(inMood(flaky, f), table, dynamo.RegistryOptions{Now: o.Now})
			},
			Audit: func(t *testing.T) { audit(t, client, table) },
		}
	})
}

// TestWhatWasDoneBeforeAThrottleIsNotDoneAgain: the answer is lost, and when the
// SDK asks again, the transaction is said to be cancelled by a throttle. Whoever
// takes that for "nothing was written" writes twice, or counts too few.
func TestWhatWasDoneBeforeAThrottleIsNotDoneAgain(t *testing.T) {
	client := open(t)
	flaky, faults := through(t, client, 1, 0, true)
	faults.rate = 0

	log := dynamo.NewLog(flaky, newTable(t, client, dynamo.EventLogTable), dynamo.LogOptions{})
	ch := channel.MustParse("CommentStream:item:1")
	faults.script = []string{"reset", "cancelled"}
	at, err := log.Append(t.Context(), ch, []eventlog.Event{{Type: "WithoutID"}})
	require.NoError(t, err)
	records, err := log.Read(t.Context(), ch, eventlog.Position{}, 10)
	require.NoError(t, err)
	require.Len(t, records, 1)
	require.Equal(t, records[0].Position, at[0])

	now := time.Now()
	registry := dynamo.NewRegistry(flaky, newTable(t, client, dynamo.SubscribersTable), dynamo.RegistryOptions{Now: func() time.Time { return now }})
	require.NoError(t, registry.Renew(t.Context(), "p", now.Add(time.Minute)))
	_, err = registry.Join(t.Context(), subscriber.Connection{ID: "c", Process: "p", Seats: []subscriber.Seat{{Channel: ch}}}, subscriber.Limits{})
	require.NoError(t, err)
	now = now.Add(time.Hour)
	faults.script = []string{"reset", "cancelled"}
	removed, err := registry.Reap(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, removed)
}

const simWriters, simBatches, simSize = 6, 10, 4

// TestNothingIsLostOrDoubledWhateverComesThrough: without any retry of the SDK
// every fault comes through to the log, and what it cannot mend to its caller.
func TestNothingIsLostOrDoubledWhateverComesThrough(t *testing.T) {
	client, seed := open(t), newSeed()
	table := newTable(t, client, dynamo.EventLogTable)
	ch := channel.MustParse("CommentStream:item:1")
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	s := &simulation{told: map[string]eventlog.Position{}, unsure: map[string]bool{}}
	var work sync.WaitGroup
	var all []*faulty
	for w := range simWriters {
		if w%2 == 0 { // two writers share a process, and so its lanes
			flaky, faults := through(t, client, seed, w, false)
			all = append(all, faults)
			s.log = append(s.log, dynamo.NewLog(flaky, table, dynamo.LogOptions{}))
		}
		log := s.log[w/2]
		work.Go(func() {
			for b := range simBatches {
				s.write(ctx, t, log, ch, w, b)
			}
		})
	}
	work.Go(func() { s.follow(ctx, t, ch) })
	work.Wait()
	require.False(t, t.Failed())
	var met strings.Builder
	for _, f := range all {
		met.WriteString(f.counts())
	}
	require.Contains(t, met.String(), "reset")
	require.Contains(t, met.String(), "cancelled")

	seen := map[string]eventlog.Position{}
	plain := dynamo.NewLog(client, table, dynamo.LogOptions{})
	for at := (eventlog.Position{}); ; {
		page, err := plain.Read(ctx, ch, at, 1000)
		require.NoError(t, err)
		if len(page) == 0 {
			break
		}
		for _, r := range page {
			require.Equal(t, at.Seq+1, r.Position.Seq, "no hole")
			at = r.Position
			require.NotContains(t, seen, string(r.Data), "stored once")
			seen[string(r.Data)] = at
		}
	}
	for data, at := range s.told {
		require.Equal(t, at, seen[data], "%s is where its writer was told", data)
		delete(seen, data)
	}
	for data := range seen {
		require.True(t, s.unsure[data], "%s is stored, and nobody was told", data)
	}
}

// simulation is what the writers were told.
type simulation struct {
	log []*dynamo.Log

	mu     sync.Mutex
	told   map[string]eventlog.Position // by data; guarded by mu
	unsure map[string]bool              // may be stored or not; guarded by mu
}

// write appends as a careful caller does. Every other batch has no ids: then
// only what is surely not stored may be tried again.
func (s *simulation) write(ctx context.Context, t *testing.T, log *dynamo.Log, ch channel.Name, w, b int) {
	events := make([]eventlog.Event, simSize)
	for i := range events {
		name := fmt.Sprintf("w%d-b%d-%d", w, b, i)
		events[i] = eventlog.Event{Type: "Noted", Data: []byte(`"` + name + `"`)}
		if b%2 == 0 {
			events[i].ID = name
		}
	}
	for ctx.Err() == nil {
		at, err := log.Append(ctx, ch, events)
		unsure := errors.Is(err, eventlog.ErrUnavailable)
		switch {
		case err == nil:
			s.mu.Lock()
			defer s.mu.Unlock()
			for i, e := range events {
				s.told[string(e.Data)] = at[i]
			}
			return
		case unsure && b%2 == 1:
			s.mu.Lock()
			defer s.mu.Unlock()
			for _, e := range events {
				s.unsure[string(e.Data)] = true
			}
			return
		case !unsure && !errors.Is(err, eventlog.ErrContended):
			t.Errorf("append: %v", err)
			return
		}
	}
	t.Errorf("append: %v", ctx.Err())
}

// follow reads until it has seen every event that has an id.
func (s *simulation) follow(ctx context.Context, t *testing.T, ch channel.Name) {
	const want = simWriters * simBatches / 2 * simSize
	var at eventlog.Position
	for withID := 0; withID < want; {
		page, err := s.log[0].Read(ctx, ch, at, 7)
		if err != nil && !errors.Is(err, eventlog.ErrUnavailable) {
			t.Errorf("read after %v, %d of %d: %v", at, withID, want, err)
			return
		}
		for _, r := range page {
			if r.Position.Seq != at.Seq+1 {
				t.Errorf("%v after %v: a hole or a double", r.Position, at)
				return
			}
			if at = r.Position; r.ID != "" {
				withID++
			}
		}
	}
}

// TestCountersEqualTheItemsWhateverComesThrough, likewise.
func TestCountersEqualTheItemsWhateverComesThrough(t *testing.T) {
	client, seed := open(t), newSeed()
	table := newTable(t, client, dynamo.SubscribersTable)
	const workers, steps, limit = 8, 12, 6
	chs := []channel.Name{channel.MustParse("CommentStream:item:1"), channel.MustParse("CommentStream:item:2")}
	seats := []subscriber.Seat{{Channel: chs[0], Limit: limit}, {Channel: chs[1], Limit: limit}}
	plain := dynamo.NewRegistry(client, table, dynamo.RegistryOptions{})
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	var work sync.WaitGroup
	var in sync.Map // connections that are in, as their workers were told
	for w := range workers {
		flaky, _ := through(t, client, seed, w, false)
		r := dynamo.NewRegistry(flaky, table, dynamo.RegistryOptions{})
		c := subscriber.Connection{ID: fmt.Sprint("c", w), Process: fmt.Sprint("p", w), Seats: seats, Joined: time.Now().UTC().Truncate(time.Millisecond)}
		work.Go(func() {
			until := time.Now().Add(time.Hour)
			if err := again(ctx, func() error { return r.Renew(ctx, c.Process, until) }); err != nil {
				t.Errorf("renew: %v", err)
				return
			}
			for step := range steps {
				err := again(ctx, func() error {
					_, err := r.Join(ctx, c, subscriber.Limits{})
					return err
				})
				switch {
				case err == nil:
					in.Store(c.ID, true)
				case !errors.Is(err, subscriber.ErrFull):
					t.Errorf("join: %v", err)
					return
				}
				if n, err := plain.Count(ctx, chs[0]); err != nil || n > limit || n < 0 {
					t.Errorf("%d are in, at most %d may: %v", n, limit, err)
				}
				if step == steps-1 {
					return
				}
				if err := again(ctx, func() error {
					_, err := r.Leave(ctx, c)
					return err
				}); err != nil {
					t.Errorf("leave: %v", err)
					return
				}
				in.Delete(c.ID)
			}
		})
	}
	work.Wait()
	require.False(t, t.Failed())
	for _, ch := range chs {
		list, err := plain.List(ctx, ch, "", 100)
		require.NoError(t, err)
		for _, s := range list {
			_, told := in.Load(s.Connection)
			require.True(t, told, "%s is in, and was told that it is not", s.Connection)
		}
		n, err := plain.Count(ctx, ch)
		require.NoError(t, err)
		require.Len(t, list, n, "the count of %s", ch)
	}
	told := 0
	in.Range(func(any, any) bool { told++; return true })
	list, err := plain.List(ctx, chs[0], "", 100)
	require.NoError(t, err)
	require.Len(t, list, told, "who was told to be in is in")
}

// again repeats what is unavailable.
func again(ctx context.Context, do func() error) error {
	for {
		if err := do(); !errors.Is(err, subscriber.ErrUnavailable) || ctx.Err() != nil {
			return err
		}
	}
}

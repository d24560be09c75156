package logtest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/eventlog"
)

// patience is how long a case waits for a storage that is late or contended.
const patience = 30 * time.Second

// event has an id and says it in its data.
func event(id string) eventlog.Event {
	return eventlog.Event{ID: id, Type: "Noted", Data: []byte(`{"id":"` + id + `"}`)}
}

func events(ids ...string) []eventlog.Event {
	var es []eventlog.Event
	for _, id := range ids {
		es = append(es, event(id))
	}
	return es
}

func numbered(format string, n int) []eventlog.Event {
	var es []eventlog.Event
	for i := range n {
		es = append(es, event(fmt.Sprintf(format, i+1)))
	}
	return es
}

// tryAppend appends as a careful caller does: it tries again what may be tried
// again, which is everything when all events have an id.
func (f fixture) tryAppend(ctx context.Context, ch channel.Name, es []eventlog.Event) ([]eventlog.Position, error) {
	safe := true
	for _, e := range es {
		safe = safe && e.ID != ""
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		at, err := f.Append(ctx, ch, es)
		again := errors.Is(err, eventlog.ErrContended) || safe && errors.Is(err, eventlog.ErrUnavailable)
		if !again {
			return at, err
		}
		if !pause(ctx, time.Duration(1+rand.IntN(20))*time.Millisecond) {
			return at, err
		}
	}
}

// pause waits and reports whether ctx still goes on.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// store stores the events and returns their positions.
func (f fixture) store(t *testing.T, ch channel.Name, es ...eventlog.Event) []eventlog.Position {
	t.Helper()
	at, err := f.tryAppend(t.Context(), ch, es)
	require.NoError(t, err)
	require.Len(t, at, len(es), "one position for each event")
	return at
}

// eventually repeats what may be late until it comes out right.
func eventually(t *testing.T, check func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		err := check()
		if err == nil {
			return
		}
		if !pause(ctx, 5*time.Millisecond) {
			require.NoError(t, err)
		}
	}
}

// page reads once, and fails on a hole or on more than was asked for.
func (f fixture) page(ctx context.Context, ch channel.Name, after eventlog.Position, limit int) ([]eventlog.Record, error) {
	records, err := f.Read(ctx, ch, after, limit)
	if errors.Is(err, eventlog.ErrUnavailable) {
		return nil, nil // late, as far as a reader can tell
	}
	if err != nil {
		return nil, err
	}
	if len(records) > limit {
		return nil, fmt.Errorf("%d records, asked for %d", len(records), limit)
	}
	for _, r := range records {
		if r.Position.Seq != after.Seq+1 {
			return nil, fmt.Errorf("a hole or a double: %v after %v", r.Position, after)
		}
		if !after.IsZero() && r.Position.Epoch != after.Epoch {
			return nil, fmt.Errorf("another epoch within a page: %v after %v", r.Position, after)
		}
		after = r.Position
	}
	return records, nil
}

// read follows the channel in pages until it has n records, and then makes sure
// that there are no more.
func (f fixture) read(t *testing.T, ch channel.Name, after eventlog.Position, n, limit int) []eventlog.Record {
	t.Helper()
	var all []eventlog.Record
	eventually(t, func() error {
		for {
			records, err := f.page(t.Context(), ch, after, limit)
			require.NoError(t, err)
			if len(records) == 0 {
				break
			}
			all = append(all, records...)
			after = all[len(all)-1].Position
		}
		if len(all) < n {
			return fmt.Errorf("%d records of %s, want %d", len(all), ch, n)
		}
		return nil
	})
	require.Len(t, all, n, "too many records of %s", ch)
	return all
}

// readIDs is read for cases that look at ids alone.
func (f fixture) readIDs(t *testing.T, ch channel.Name, after eventlog.Position, n int) []string {
	t.Helper()
	var ids []string
	for _, r := range f.read(t, ch, after, n, 100) {
		ids = append(ids, r.ID)
	}
	return ids
}

// gap reads what must end in a gap and returns it.
func (f fixture) gap(t *testing.T, ch channel.Name, after eventlog.Position) *eventlog.GapError {
	t.Helper()
	var gap *eventlog.GapError
	eventually(t, func() error {
		records, err := f.Read(t.Context(), ch, after, 100)
		if !errors.As(err, &gap) {
			return fmt.Errorf("read %s after %v: %d records, error %v; want a gap", ch, after, len(records), err)
		}
		require.ErrorIs(t, err, eventlog.ErrGap)
		require.Empty(t, records, "records beside a gap")
		return nil
	})
	require.Equal(t, ch, gap.Channel)
	require.Equal(t, after, gap.After)
	return gap
}

// head waits until the head of the channel is at the position.
func (f fixture) head(t *testing.T, ch channel.Name, want eventlog.Position) {
	t.Helper()
	eventually(t, func() error {
		heads, err := f.Heads(t.Context(), []channel.Name{ch})
		if err != nil {
			return err
		}
		if heads[ch] != want {
			return fmt.Errorf("head of %s is %v, want %v", ch, heads[ch], want)
		}
		return nil
	})
}

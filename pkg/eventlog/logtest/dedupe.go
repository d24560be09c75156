package logtest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/eventlog"
)

var dedupeCases = map[string]func(*testing.T, fixture){
	"a repeat adds nothing":            repeat,
	"a repeat inside one batch":        repeatInside,
	"a partial repeat stores the rest": partialRepeat,
	"a repeat of a large batch":        repeatLarge,
	"ids are the channel's own":        idsPerChannel,
	"ids are forgotten after a day":    dedupeWindow,
	"no id, no deduplication":          withoutID,
}

func repeat(t *testing.T, f fixture) {
	first := f.store(t, one, events("a", "b")...)
	for range 3 {
		f.clock.move(time.Minute)
		require.Equal(t, first, f.store(t, one, events("a", "b")...))
	}
	// In another order, and with other data, it is the id that counts.
	changed := event("a")
	changed.Data = []byte(`"changed"`)
	require.Equal(t, []eventlog.Position{first[1], first[0]}, f.store(t, one, event("b"), changed))
	f.head(t, one, first[1])
	records := f.read(t, one, eventlog.Position{}, 2, 100)
	require.Equal(t, `{"id":"a"}`, string(records[0].Data), "the first one stays")
}

func repeatInside(t *testing.T, f fixture) {
	at := f.store(t, one, events("a", "b", "a", "c", "b")...)
	require.Equal(t, []uint64{1, 2, 1, 3, 2}, seqs(at))
	require.Equal(t, []string{"a", "b", "c"}, f.readIDs(t, one, eventlog.Position{}, 3))
}

func partialRepeat(t *testing.T, f fixture) {
	f.store(t, one, events("a", "b", "c")...)
	at := f.store(t, one, events("x", "b", "y", "a", "z")...)
	require.Equal(t, []uint64{4, 2, 5, 1, 6}, seqs(at))
	require.Equal(t, []string{"a", "b", "c", "x", "y", "z"}, f.readIDs(t, one, eventlog.Position{}, 6))
	// Known and new, with and without id.
	at = f.store(t, one, event("z"), eventlog.Event{Type: "NoID"}, event("new"))
	require.Equal(t, []uint64{6, 7, 8}, seqs(at))
}

func repeatLarge(t *testing.T, f fixture) {
	all := numbered("e%d", 150)
	f.store(t, one, all[:70]...)
	at := f.store(t, one, all...)
	for i, p := range at {
		require.Equal(t, uint64(i+1), p.Seq)
	}
	require.Equal(t, at, f.store(t, one, all...))
	f.read(t, one, eventlog.Position{}, 150, 1000)
}

func idsPerChannel(t *testing.T, f fixture) {
	require.Equal(t, []uint64{1, 2}, seqs(f.store(t, one, events("a", "b")...)))
	require.Equal(t, []uint64{1, 2}, seqs(f.store(t, other, events("b", "a")...)))
	require.Equal(t, []string{"a", "b"}, f.readIDs(t, one, eventlog.Position{}, 2))
	require.Equal(t, []string{"b", "a"}, f.readIDs(t, other, eventlog.Position{}, 2))
}

func dedupeWindow(t *testing.T, f fixture) {
	f.store(t, one, event("a"))
	f.clock.move(eventlog.DedupeWindow - 2*time.Second)
	require.Equal(t, []uint64{1}, seqs(f.store(t, one, event("a"))), "known for a day")
	f.clock.move(4 * time.Second)
	require.Equal(t, []uint64{2}, seqs(f.store(t, one, event("a"))), "forgotten after a day")
	require.Equal(t, []uint64{2}, seqs(f.store(t, one, event("a"))), "known by its new position")
	require.Equal(t, []string{"a", "a"}, f.readIDs(t, one, eventlog.Position{}, 2))

	// The window is a day even where the event itself is kept for less.
	f.store(t, fades, event("a"))
	f.clock.move(short + time.Minute)
	require.Equal(t, []uint64{1, 2}, seqs(f.store(t, fades, events("a", "b")...)))
}

func withoutID(t *testing.T, f fixture) {
	same := eventlog.Event{Type: "Noted", Data: []byte(`"same"`)}
	require.Equal(t, []uint64{1, 2}, seqs(f.store(t, one, same, same)))
	require.Equal(t, []uint64{3}, seqs(f.store(t, one, same)))
	f.read(t, one, eventlog.Position{}, 3, 100)
}

func seqs(at []eventlog.Position) []uint64 {
	var out []uint64
	for _, p := range at {
		out = append(out, p.Seq)
	}
	return out
}

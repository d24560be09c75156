package logtest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/eventlog"
)

var retentionCases = map[string]func(*testing.T, fixture){
	"what has expired is a gap":             expired,
	"retention is the stream's":             retentionPerStream,
	"everything has expired":                allExpired,
	"sequence numbers outlive their events": seqsOutlive,
}

// expired stores a1 a2 | b1 | c1 c2 twenty-five minutes apart, and then lets
// the first batch expire.
func expired(t *testing.T, f fixture) {
	a := f.store(t, fades, events("a1", "a2")...)
	f.clock.move(25 * time.Minute)
	b := f.store(t, fades, event("b1"))
	f.clock.move(25 * time.Minute)
	c := f.store(t, fades, events("c1", "c2")...)
	zero := eventlog.Position{}
	f.clock.move(10*time.Minute - time.Second)
	require.Equal(t, []string{"a1", "a2", "b1", "c1", "c2"}, f.readIDs(t, fades, zero, 5), "not yet")

	f.clock.move(2 * time.Second)
	for name, after := range map[string]eventlog.Position{
		"from the beginning":       zero,
		"before the epoch's first": {Epoch: a[0].Epoch},
		"inside what has expired":  a[0],
	} {
		require.Equal(t, a[1], f.gap(t, fades, after).Resume, name)
	}
	// After the last expired one nothing is missing: Resume is such a place.
	require.Equal(t, []string{"b1", "c1", "c2"}, f.readIDs(t, fades, a[1], 3))
	require.Equal(t, []string{"c1", "c2"}, f.readIDs(t, fades, b[0], 2))
	require.Empty(t, f.readIDs(t, fades, c[1], 0))

	f.clock.move(25 * time.Minute)
	require.Equal(t, b[0], f.gap(t, fades, a[1]).Resume)
	require.Equal(t, []string{"c2"}, f.readIDs(t, fades, c[0], 1))
}

func retentionPerStream(t *testing.T, f fixture) {
	f.store(t, fades, event("a"))
	f.store(t, one, event("a"))
	f.clock.move(short + time.Minute)
	f.gap(t, fades, eventlog.Position{})
	require.Equal(t, []string{"a"}, f.readIDs(t, one, eventlog.Position{}, 1))
}

func allExpired(t *testing.T, f fixture) {
	at := f.store(t, fades, events("a", "b", "c")...)
	f.clock.move(48 * time.Hour)
	for _, after := range []eventlog.Position{{}, {Epoch: at[0].Epoch}, at[0], at[1]} {
		require.Equal(t, at[2], f.gap(t, fades, after).Resume)
	}
	// A reader who had seen all of it has lost nothing, however late it comes.
	require.Empty(t, f.readIDs(t, fades, at[2], 0))
	f.head(t, fades, at[2])
}

func seqsOutlive(t *testing.T, f fixture) {
	first := f.store(t, fades, events("a", "b")...)
	f.clock.move(48 * time.Hour)
	next := f.store(t, fades, event("c"))[0]
	require.Equal(t, eventlog.Position{Epoch: first[0].Epoch, Seq: 3}, next)
	require.Equal(t, []string{"c"}, f.readIDs(t, fades, first[1], 1))
	require.Equal(t, first[1], f.gap(t, fades, eventlog.Position{}).Resume)
	f.head(t, fades, next)
}

package logtest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/eventlog"
)

var sizeCases = map[string]func(*testing.T, fixture){
	"a refused batch stores nothing":       refused,
	"at the limits":                        limits,
	"300 small events at once":             manyEvents,
	"3 MB at once":                         manyBytes,
	"a batch at the bounds of all-or-none": atomicBounds,
}

func refused(t *testing.T, f fixture) {
	for name, tc := range map[string]struct {
		bad  eventlog.Event
		want error
	}{
		"no type":         {bad: eventlog.Event{ID: "x"}, want: eventlog.ErrInvalid},
		"control in type": {bad: eventlog.Event{Type: "A\nB"}, want: eventlog.ErrInvalid},
		"control in id":   {bad: eventlog.Event{ID: "a\x00", Type: "A"}, want: eventlog.ErrInvalid},
		"id one over":     {bad: eventlog.Event{ID: strings.Repeat("i", eventlog.MaxID+1), Type: "A"}, want: eventlog.ErrTooLarge},
		"type one over":   {bad: eventlog.Event{Type: strings.Repeat("T", eventlog.MaxType+1)}, want: eventlog.ErrTooLarge},
		"data one over":   {bad: eventlog.Event{Type: "A", Data: make([]byte, eventlog.MaxData+1)}, want: eventlog.ErrTooLarge},
	} {
		// Also behind more good events than one piece holds.
		for _, good := range []int{0, 1, 2 * eventlog.AtomicEvents} {
			_, err := f.Append(t.Context(), one, append(numbered("e%d", good), tc.bad, event("last")))
			require.ErrorIs(t, err, tc.want, name)
		}
	}
	heads, err := f.Heads(t.Context(), []channel.Name{one})
	require.NoError(t, err)
	require.Empty(t, heads)
	require.Equal(t, []uint64{1}, seqs(f.store(t, one, event("e1"))), "neither event nor id was stored")
}

func limits(t *testing.T, f fixture) {
	full := eventlog.Event{
		ID:   strings.Repeat("i", eventlog.MaxID),
		Type: strings.Repeat("T", eventlog.MaxType),
		Data: noise(1, eventlog.MaxData),
	}
	at := f.store(t, one, full)
	require.Equal(t, at, f.store(t, one, full))
	got := f.read(t, one, eventlog.Position{}, 1, 100)[0]
	require.Equal(t, full.ID, got.ID)
	require.Equal(t, full.Type, got.Type)
	require.True(t, bytes.Equal(full.Data, got.Data))
	// Whoever reads on finds what comes after it.
	f.store(t, one, event("next"))
	require.Equal(t, []string{"next"}, f.readIDs(t, one, at[0], 1))
}

func manyEvents(t *testing.T, f fixture) {
	f.store(t, one, event("before"))
	all := numbered("e%d", 300)
	at := f.store(t, one, all...)
	for i, p := range at {
		require.Equal(t, uint64(i+2), p.Seq)
	}
	for i, r := range f.read(t, one, at[0], 299, 1000) {
		require.Equal(t, all[i+1].ID, r.ID)
	}
}

func manyBytes(t *testing.T, f fixture) {
	var all []eventlog.Event
	for i := range 15 {
		e := event(fmt.Sprint("big", i))
		e.Data = noise(uint64(i), 200<<10+i*117)
		all = append(all, e, event(fmt.Sprint("small", i)))
	}
	at := f.store(t, one, all...)
	require.Equal(t, uint64(30), at[29].Seq)
	for i, r := range f.read(t, one, eventlog.Position{}, 30, 1000) {
		require.Equal(t, all[i].ID, r.ID)
		require.True(t, bytes.Equal(all[i].Data, r.Data), "the data of %s", r.ID)
	}
	require.Equal(t, at, f.store(t, one, all...))
}

// atomicBounds: what cannot be compressed, with ids of full length, at both
// bounds at once.
func atomicBounds(t *testing.T, f fixture) {
	var all []eventlog.Event
	for i := range eventlog.AtomicEvents {
		all = append(all, eventlog.Event{
			ID:   strings.Repeat("i", eventlog.MaxID-2) + fmt.Sprintf("%02d", i),
			Type: strings.Repeat("T", eventlog.MaxType),
			Data: noise(uint64(i), eventlog.AtomicBytes/eventlog.AtomicEvents),
		})
	}
	at := f.store(t, one, all...)
	for i, r := range f.read(t, one, eventlog.Position{}, len(all), 1000) {
		require.Equal(t, at[i], r.Position)
		require.True(t, bytes.Equal(all[i].Data, r.Data))
	}
}

// noise is data that no compression makes smaller.
func noise(seed uint64, n int) []byte {
	var key [32]byte
	key[0], key[1] = byte(seed), byte(seed>>8)
	b := make([]byte, n)
	_, _ = rand.NewChaCha8(key).Read(b)
	return b
}

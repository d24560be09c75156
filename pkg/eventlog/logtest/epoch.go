package logtest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/eventlog"
)

var epochCases = map[string]func(*testing.T, fixture){
	"a position of another epoch is a gap":        anotherEpoch,
	"a position ahead of the channel is a gap":    aheadOfHead,
	"a position in an unwritten channel is a gap": forgotten,
}

func anotherEpoch(t *testing.T, f fixture) {
	at := f.store(t, fades, events("a", "b", "c")...)
	require.NotZero(t, at[0].Epoch)
	require.LessOrEqual(t, at[0].Epoch, eventlog.MaxEpoch)
	strange := at[0].Epoch ^ 1
	if strange == 0 {
		strange = 2
	}
	beginning := eventlog.Position{Epoch: at[0].Epoch}
	for _, seq := range []uint64{0, 1, 3, 99} {
		gap := f.gap(t, fades, eventlog.Position{Epoch: strange, Seq: seq})
		require.Equal(t, beginning, gap.Resume, "all of this epoch is kept")
	}
	require.Equal(t, []string{"a", "b", "c"}, f.readIDs(t, fades, beginning, 3))

	f.clock.move(short + time.Minute)
	f.store(t, fades, event("d"))
	require.Equal(t, at[2], f.gap(t, fades, eventlog.Position{Epoch: strange, Seq: 2}).Resume)
}

func aheadOfHead(t *testing.T, f fixture) {
	at := f.store(t, one, events("a", "b")...)
	for _, seq := range []uint64{3, 64, eventlog.MaxSeq} {
		gap := f.gap(t, one, eventlog.Position{Epoch: at[0].Epoch, Seq: seq})
		require.Equal(t, eventlog.Position{Epoch: at[0].Epoch}, gap.Resume)
	}
	require.Empty(t, f.readIDs(t, one, at[1], 0))
}

// forgotten: the reader remembers a channel that the log knows nothing of.
func forgotten(t *testing.T, f fixture) {
	gap := f.gap(t, one, eventlog.Position{Epoch: 7, Seq: 3})
	require.Equal(t, eventlog.Position{}, gap.Resume)
	require.Empty(t, f.readIDs(t, one, gap.Resume, 0))
}

package memory_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/eventlog"
	"github.com/runnel-sse/runnel/pkg/memory"
)

func TestBoundIsAnHonestGap(t *testing.T) {
	t.Parallel()
	log, ch := memory.NewLog(memory.LogOptions{MaxRecords: 10}), channel.MustParse("S:a")
	var last eventlog.Position
	for i := range 25 {
		at, err := log.Append(t.Context(), ch, []eventlog.Event{{ID: fmt.Sprint(i), Type: "A"}})
		require.NoError(t, err)
		last = at[0]
	}
	_, err := log.Read(t.Context(), ch, eventlog.Position{}, 100)
	var gap *eventlog.GapError
	require.ErrorAs(t, err, &gap)
	require.Equal(t, eventlog.Position{Epoch: last.Epoch, Seq: 15}, gap.Resume)
	records, err := log.Read(t.Context(), ch, gap.Resume, 100)
	require.NoError(t, err)
	require.Len(t, records, 10)
	// Ids are bounded by the same number.
	at, err := log.Append(t.Context(), ch, []eventlog.Event{{ID: "24", Type: "A"}, {ID: "1", Type: "A"}})
	require.NoError(t, err)
	require.Equal(t, []uint64{25, 26}, []uint64{at[0].Seq, at[1].Seq})
}

func TestClockThatGoesBack(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(1e12)
	log := memory.NewLog(memory.LogOptions{
		Now:       func() time.Time { return now },
		Retention: func(string) time.Duration { return time.Hour },
	})
	ch := channel.MustParse("S:a")
	for _, step := range []time.Duration{0, -30 * time.Minute, 0} {
		now = time.UnixMilli(1e12).Add(step)
		_, err := log.Append(t.Context(), ch, []eventlog.Event{{Type: "A"}})
		require.NoError(t, err)
	}
	now = time.UnixMilli(1e12).Add(45 * time.Minute)
	records, err := log.Read(t.Context(), ch, eventlog.Position{}, 10)
	require.NoError(t, err, "the second must not expire before the first")
	require.Len(t, records, 3)
	require.Equal(t, records[0].At, records[1].At, "times never fall along a channel")
}

func TestSeedRepeatsEpochs(t *testing.T) {
	t.Parallel()
	first := func(seed uint64) eventlog.Epoch {
		at, err := memory.NewLog(memory.LogOptions{Seed: seed}).Append(t.Context(), channel.MustParse("S:a"), []eventlog.Event{{Type: "A"}})
		require.NoError(t, err)
		return at[0].Epoch
	}
	require.Equal(t, first(7), first(7))
	require.NotEqual(t, first(7), first(8))
}

package memory_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/eventlog"
	"github.com/runnel-sse/runnel/pkg/memory"
)

func ringAt(seq uint64) eventlog.Ring {
	return eventlog.Ring{Channel: channel.MustParse("S:a"), Position: eventlog.Position{Epoch: 1, Seq: seq}}
}

func TestBell(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		bell := memory.NewBell()
		bell.Ring(t.Context(), ringAt(1)) // nobody hears it, nobody waits
		ctx, leave := context.WithCancel(t.Context())
		a, b := bell.Listen(ctx), bell.Listen(t.Context())
		bell.Ring(t.Context(), ringAt(2))
		require.Equal(t, ringAt(2), <-a)
		require.Equal(t, ringAt(2), <-b)

		leave()
		synctest.Wait()
		_, open := <-a
		require.False(t, open, "closed when its context is done")
		bell.Ring(t.Context(), ringAt(3))
		require.Equal(t, ringAt(3), <-b)
	})
}

func TestBellNeverWaits(t *testing.T) {
	t.Parallel()
	bell := memory.NewBell()
	slow := bell.Listen(t.Context())
	const rings = 10_000
	for i := range uint64(rings) {
		bell.Ring(t.Context(), ringAt(i+1)) // would hang here
	}
	n := len(slow)
	require.Positive(t, n)
	for i := range n {
		require.Equal(t, ringAt(uint64(rings-n+i+1)), <-slow, "the newest are kept, in order")
	}
}

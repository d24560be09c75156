package control

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTheLimiterForgetsAndStaysSmall(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	l := newLimiter(1, 1, 10, func() time.Time { return now })
	require.Zero(t, l.take("a"))
	require.Equal(t, time.Second, l.take("a"))
	for i := range 15 { // one turn: a is among the old, and still known
		require.Zero(t, l.take(fmt.Sprint(i)))
		require.LessOrEqual(t, len(l.young)+len(l.old), 20)
	}
	require.Equal(t, time.Second, l.take("a"))
	for i := range 1000 {
		l.take(fmt.Sprint("x", i))
		require.LessOrEqual(t, len(l.young)+len(l.old), 20)
	}
	require.Zero(t, l.take("a"), "forgotten")
	now = now.Add(-time.Hour)
	require.Equal(t, time.Second, l.take("a"), "a clock that goes back gives nothing")

	require.Zero(t, l.take(""))
	require.Zero(t, l.take(""), "nobody is counted as nobody")
	off := newLimiter(-1, 60, 10, time.Now)
	for range 100 {
		require.Zero(t, off.take("a"))
	}
}

package gateway

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestAClockThatIsSetKeepsNoExpiredStreamOpen looks at life alone: a test cannot
// set the clock. That the clock is set back by an hour is, to a stream that is
// open, as if its token said an hour more.
func TestAClockThatIsSetKeepsNoExpiredStreamOpen(t *testing.T) {
	t.Parallel()
	now := time.Now()
	const left = 10 * time.Minute
	for name, tc := range map[string]struct{ set, ends time.Duration }{
		"not set":  {0, left},
		"back":     {-time.Hour, left},
		"far back": {-1e6 * time.Hour, left},
		"forward":  {4 * time.Minute, left - 4*time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLife(now, time.Hour, terms{}, now.Add(left).Round(0))
			l.wall = l.wall.Add(-tc.set)
			require.NoError(t, l.over(now.Add(tc.ends-1), true))
			require.Equal(t, errExpired, l.over(now.Add(tc.ends), true))
			require.Equal(t, errExpired, l.over(now.Add(tc.ends), false))
			require.False(t, l.end().After(now.Add(left)), "and its timer is set for no later")
		})
	}
}

func TestTheEarliestEndCounts(t *testing.T) {
	t.Parallel()
	now := time.Now()
	quiet := terms{quiet: time.Minute}
	parked := terms{open: 20 * time.Second, closed: time.Minute}
	for name, tc := range map[string]struct {
		terms     terms
		expires   time.Duration
		low, high time.Duration
		why       error
	}{
		"life":             {terms{}, 0, 8 * time.Minute, 10 * time.Minute, errLife},
		"lease":            {quiet, 0, 48 * time.Second, time.Minute, errLife},
		"parked":           {parked, 0, 16 * time.Second, 20 * time.Second, errParked},
		"token":            {quiet, 10 * time.Second, 10 * time.Second, 10 * time.Second, errExpired},
		"a token for long": {terms{}, time.Hour, 8 * time.Minute, 10 * time.Minute, errLife},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var expires time.Time
			if tc.expires > 0 {
				expires = now.Add(tc.expires)
			}
			l := newLife(now, 10*time.Minute, tc.terms, expires)
			require.NoError(t, l.over(l.end().Add(-1), false))
			require.Equal(t, tc.why, l.over(l.end(), false))
			require.GreaterOrEqual(t, l.end().Sub(now), tc.low)
			require.LessOrEqual(t, l.end().Sub(now), tc.high)
		})
	}
}

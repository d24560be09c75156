package gateway_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/gateway"
	"github.com/runnel-sse/runnel/pkg/schema"
)

func TestLeasesArePlayedByTheRules(t *testing.T) {
	t.Parallel()
	const s = time.Second
	every := func(pause time.Duration) (times []time.Duration) {
		for at := pause; at < time.Hour; at += pause {
			times = append(times, at)
		}
		return times
	}
	quiet := gateway.Leases{MaxLife: 15 * time.Minute, QuietLife: time.Minute}
	parked := gateway.Leases{MaxLife: 15 * time.Minute, QuietLife: time.Minute, Economy: &schema.Economy{Open: 25 * s, Closed: 60 * s}}
	for name, tc := range map[string]struct {
		leases           gateway.Leases
		events           []time.Duration
		least, most      time.Duration
		awayMin, awayMax time.Duration
	}{
		"fixed":                   {gateway.Leases{MaxLife: time.Minute}, every(s), 48 * s, 60 * s, s / 20, s},
		"quiet":                   {quiet, nil, 48 * s, 60 * s, s / 20, s},
		"one event":               {quiet, []time.Duration{40 * s}, 88 * s, 100 * s, s / 20, s},
		"an event that came late": {quiet, []time.Duration{61 * s}, 48 * s, 60 * s, s / 20, s},
		"busy":                    {quiet, every(10 * s), 720 * s, 900 * s, s / 20, s},
		"parked, however busy":    {parked, every(s), 20 * s, 25 * s, 60 * s, 66 * s},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			shortest, longest := time.Hour, time.Duration(0)
			for range 200 {
				lasts, away := tc.leases.Play(tc.events)
				require.GreaterOrEqual(t, lasts, tc.least)
				require.LessOrEqual(t, lasts, tc.most)
				require.GreaterOrEqual(t, away, tc.awayMin)
				require.LessOrEqual(t, away, tc.awayMax)
				shortest, longest = min(shortest, lasts), max(longest, lasts)
			}
			require.Greater(t, longest-shortest, (tc.most-tc.least)/2, "ends are spread")
		})
	}
}

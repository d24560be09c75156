package main

import (
	"errors"
	"math"
	"net/netip"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMedian(t *testing.T) {
	t.Parallel()
	require.True(t, math.IsNaN(median(nil)))
	require.InDelta(t, 3, median([]float64{3}), 0)
	require.InDelta(t, 3.5, median([]float64{3, 4}), 0)
	require.InDelta(t, 4, median([]float64{3, 4, 100}), 0)
}

func TestNumber(t *testing.T) {
	t.Parallel()
	for want, tc := range map[string]struct {
		v      float64
		digits int
	}{
		"0":         {0, 0},
		"999":       {999.4, 0},
		"1,000":     {999.6, 0},
		"1,234,567": {1234567, 0},
		"12,345.68": {12345.678, 2},
		"-123":      {-123, 0},
		"-1,234.5":  {-1234.5, 1},
		"–":         {math.NaN(), 2},
	} {
		require.Equal(t, want, number(tc.v, tc.digits))
	}
}

func TestATableHasMediansRatiosAndTargets(t *testing.T) {
	t.Parallel()
	s := scenario{
		title:   "Some",
		columns: []column{{throughput, 0}, {p99, 1}},
		main:    throughput,
		targets: []target{atLeast(throughput, 3, "Node.js"), atMost(p99, 10, " ms"), atLeast(throughput, 1, "absent")},
	}
	cs := []contender{{name: ours}, {name: "Node.js"}, {name: "broken"}}
	table := s.table(cs, map[string][]sample{
		ours:      {{throughput: 9000, p99: 11}, {throughput: 6000, p99: 12.25}, {throughput: 6001, p99: 13}},
		"Node.js": {{throughput: 2000, p99: 1}},
	}, map[string]error{"broken": errors.New("no luck\nat all")})
	require.Equal(t, `## Some

| server | deliveries/s | p99 ms | range of deliveries/s | Runnel, times as good |
|---|---:|---:|---:|---:|
| Runnel | 6,001 | 12.2 | 6,000–9,000 |  |
| Node.js | 2,000 | 1.0 | 2,000–2,000 | 3.0 × |

- broken: not all runs went through: no luck
- Target: deliveries/s at least 3 × Node.js. **Met**: 3.0 ×.
- Target: p99 ms at most 10. **Missed**: 12.2 ms.
- Target: deliveries/s at least 1 × absent. Not measured in this run.
`, table)
}

func TestLessIsBetterWhereItIs(t *testing.T) {
	t.Parallel()
	s := scenario{columns: []column{{p99, 1}}, main: p99}
	medians := map[string]sample{ours: {p99: 5}, "go-sse": {p99: 20}}
	require.Equal(t, "4.0 ×", s.ratio("go-sse", medians))
	require.Empty(t, s.ratio(ours, medians))
}

func TestAScenarioOfOursAloneComparesNothing(t *testing.T) {
	t.Parallel()
	s := scenario{
		title: "Some", columns: []column{{p99, 0}}, main: p99, alone: true, args: []string{"--more"},
		needs: "SOME_ENDPOINT", hint: "set it", note: "A note.",
	}
	start := func(netip.AddrPort) *exec.Cmd { return exec.Command("server", "dev") }
	all := []contender{{name: ours, command: start}, {name: "Node.js", command: start}}
	entrants := s.entrants(all)
	require.Len(t, entrants, 1)
	require.Equal(t, []string{"server", "dev", "--more"}, entrants[0].command(netip.AddrPort{}).Args)
	require.Equal(t, []string{"server", "dev"}, all[0].command(netip.AddrPort{}).Args, "elsewhere as before")
	require.Equal(t, `## Some

| server | p99 ms | range of p99 ms |
|---|---:|---:|
| Runnel | 7 | 7–7 |

A note.

`, s.table(entrants, map[string][]sample{ours: {{p99: 7}}}, nil))

	set := func(string) string { return "http://127.0.0.1:1" }
	require.Empty(t, s.leftOut(entrants, set))
	require.Equal(t, "SOME_ENDPOINT is not set; set it.", s.leftOut(entrants, func(string) string { return "" }))
	require.Contains(t, s.leftOut(s.entrants(all[1:]), set), "only Runnel")
}

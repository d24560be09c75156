package leases_test

import (
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/bench/leases"
)

// every is a rule without chance.
func every(lasts, away time.Duration) leases.Rule {
	return leases.Rule{Lease: func(from time.Duration, _ []time.Duration) (to, back time.Duration) {
		return from + lasts, from + lasts + away
	}}
}

func TestPlayAddsUp(t *testing.T) {
	t.Parallel()
	const s = time.Second
	span := func(state leases.State, from, to time.Duration, said bool) leases.Span {
		return leases.Span{State: state, From: from, To: to, Said: said}
	}
	visit := leases.Visit{Spans: []leases.Span{
		span(leases.Reading, 0, 30*s, false), span(leases.Hidden, 30*s, 80*s, false),
		span(leases.Gone, 80*s, 200*s, true),
		span(leases.Reading, 200*s, 210*s, false), span(leases.Gone, 210*s, 0, false),
	}}
	for name, tc := range map[string]struct {
		rule    leases.Rule
		goodbye bool
		want    leases.Bill
	}{
		"one lease for each stay": {
			rule: every(900*s, 0),
			want: leases.Bill{Connections: 2, Paid: 1800 * s, Unread: 820*s + 890*s, Hidden: 50 * s},
		},
		"with a goodbye": {
			rule: every(900*s, 0), goodbye: true,
			want: leases.Bill{Connections: 2, Paid: 80*s + s/2 + 900*s, Unread: s/2 + 890*s, Hidden: 50 * s},
		},
		"several leases": { // 0-60, 61-121; 200-260
			rule: every(60*s, s),
			want: leases.Bill{Connections: 3, Paid: 180 * s, Unread: 41*s + 50*s, Hidden: 49 * s, Away: s, LongestAway: s},
		},
		"gone while parked": { // 0-25, then away until 85; 200-225
			rule: every(25*s, 60*s),
			want: leases.Bill{Connections: 2, Paid: 50 * s, Unread: 15 * s, Away: 55 * s, LongestAway: 55 * s},
		},
		"a lease that ends a little later": {
			rule: every(80*s+s/4, 0), goodbye: true,
			want: leases.Bill{Connections: 2, Paid: 160*s + s/2, Unread: s/4 + 70*s + s/4, Hidden: 50 * s},
		},
		"a lease that ends with the page": {
			rule: every(10*s, 0),
			want: leases.Bill{Connections: 9, Paid: 90 * s, Hidden: 50 * s},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.want, leases.Play([]leases.Visit{visit}, tc.rule, tc.goodbye))
		})
	}
}

func TestPhasesOfOtherVisitsAreAlternatives(t *testing.T) {
	t.Parallel()
	patterns, err := leases.Load(fstest.MapFS{"a.json": {Data: []byte(`{"name":"x","source":"y","visits":10,"phases":[
		{"state":"gone","seconds":{"uniform":[1,1]},"when":[0,0.3]}, {"state":"hidden","seconds":{"uniform":[1,1]},"when":[0.3,1]}, {"state":"gone"}]}`)}})
	require.NoError(t, err)
	seen := map[leases.State]int{}
	for _, v := range leases.Day(patterns, 100, 1) {
		require.Len(t, v.Spans, 2)
		seen[v.Spans[0].State]++
	}
	require.InDelta(t, 300, seen[leases.Gone], 60)
	require.Equal(t, 1000, seen[leases.Gone]+seen[leases.Hidden])
}

func TestABillIsPriced(t *testing.T) {
	t.Parallel()
	b := leases.Bill{Connections: 1_000_000, Paid: 1_000_000 * time.Second}
	require.InDelta(t, 1.1*0.125*13.3333+0.2, b.Lambda(), 0.01, "the start of a connection is billed too")
	require.InDelta(t, 26*0.625+0.625/15+2*0.125, b.Dynamo(), 0.001)
	require.InDelta(t, b.Lambda()+b.Dynamo(), b.Cost(), 1e-9)
}

// The gateway's rules on a small day. Its ends are random within a fifth, so the
// bounds are wide; that the order is this one is what the design rests on.
func TestWhatTheRulesCost(t *testing.T) {
	t.Parallel()
	patterns, err := leases.Patterns()
	require.NoError(t, err)
	visits := leases.Day(patterns, 300, 7)
	require.Equal(t, visits, leases.Day(patterns, 300, 7), "a seed gives its day")
	require.NotEqual(t, visits, leases.Day(patterns, 300, 8))

	rules := leases.Rules()
	require.Len(t, rules, 4)
	var plain, said []leases.Bill
	for _, rule := range rules {
		plain = append(plain, leases.Play(visits, rule, false))
		said = append(said, leases.Play(visits, rule, true))
	}
	unread := func(b leases.Bill) float64 { return b.Unread.Seconds() / b.Paid.Seconds() }
	fixed15, fixed60, adaptive, economy := plain[0], plain[1], plain[2], plain[3]
	require.Greater(t, unread(fixed15), 0.4)
	require.Less(t, unread(adaptive), 0.2)
	require.Less(t, unread(fixed60), unread(adaptive), "a busy channel keeps a reader that has left")
	require.Less(t, adaptive.Connections, fixed60.Connections, "and one that has not")
	require.Less(t, adaptive.Cost(), 0.7*fixed15.Cost())
	require.Less(t, economy.Cost(), 0.5*adaptive.Cost())
	require.LessOrEqual(t, adaptive.LongestAway, time.Second)
	require.InDelta(t, 63, economy.LongestAway.Seconds(), 3.1, "parked for 60 s, spread by a tenth")
	for i := range plain {
		require.Less(t, said[i].Unread, plain[i].Unread, "a goodbye saves: %s", rules[i].Name)
	}
}

func TestAReportSaysWhereItIsFrom(t *testing.T) {
	t.Parallel()
	patterns, err := leases.Patterns()
	require.NoError(t, err)
	report := leases.Report(patterns, leases.Rules(), 20, 1)
	require.Regexp(t, `^<!-- Written by "make bench/leases"\. Do not edit: run it again\. -->\n`, report)
	for _, p := range patterns {
		require.Contains(t, report, p.Source)
	}
	require.NotContains(t, report, "NaN")
	require.NotContains(t, report, "%!")
}

func TestABadPatternIsRefused(t *testing.T) {
	t.Parallel()
	const end = `{"state":"gone"}`
	for name, tc := range map[string]struct{ src, want string }{
		"not JSON":     {`{`, "a.json: unexpected"},
		"unknown":      {`{"nmae":"x"}`, `a.json: json: unknown field "nmae"`},
		"no source":    {`{"name":"x","visits":1,"phases":[` + end + `]}`, "a pattern needs a name, a source"},
		"no phases":    {`{"name":"x","source":"y","visits":1}`, "it has no phases"},
		"too many":     {`{"name":"x","source":"y","visits":101,"phases":[` + end + `]}`, "visits above 0 and up to 100"},
		"state":        {`{"name":"x","source":"y","visits":1,"phases":[{"state":"asleep"},` + end + `]}`, `phase 1: state "asleep"; write reading, hidden or gone`},
		"no seconds":   {`{"name":"x","source":"y","visits":1,"phases":[{"state":"reading"},` + end + `]}`, "phase 1: write seconds as weibull"},
		"shape":        {`{"name":"x","source":"y","visits":1,"phases":[{"state":"reading","seconds":{"weibull":{"shape":0,"scale":1}}},` + end + `]}`, "phase 1: write seconds"},
		"uniform":      {`{"name":"x","source":"y","visits":1,"phases":[{"state":"reading","seconds":{"uniform":[2,1]}},` + end + `]}`, "phase 1: write seconds"},
		"when":         {`{"name":"x","source":"y","visits":1,"phases":[{"state":"reading","when":[0.5,0.5],"seconds":{"uniform":[1,2]}},` + end + `]}`, "phase 1: write when as [from, to]"},
		"said":         {`{"name":"x","source":"y","visits":1,"phases":[{"state":"gone","said":1.1}]}`, "phase 1: said is a chance"},
		"never leaves": {`{"name":"x","source":"y","visits":1,"phases":[{"state":"reading","seconds":{"uniform":[1,2]}}]}`, "phase 1: the last is gone"},
		"comes back":   {`{"name":"x","source":"y","visits":1,"phases":[{"state":"gone","seconds":{"uniform":[1,2]}}]}`, "phase 1: the last is gone"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := leases.Load(fstest.MapFS{"a.json": {Data: []byte(tc.src)}})
			require.ErrorContains(t, err, tc.want)
		})
	}
	_, err := leases.Load(fstest.MapFS{})
	require.ErrorContains(t, err, "no pattern *.json in the folder")
}

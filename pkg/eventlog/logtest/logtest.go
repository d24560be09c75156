// Package logtest says in tests what package eventlog says in words. Every log
// passes it; what it does not check, no caller may rely on.
//
// It allows all that the port allows: reads and heads that are late, and calls
// that fail with ErrContended, which it repeats as a caller would.
package logtest

import (
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/eventlog"
)

// Options are the settings that a case needs of the log that it is given.
type Options struct {
	// Now is the only clock that the log may ask; the case moves it.
	Now func() time.Time
	// Retention is how long events of a stream are kept. It is never 0.
	Retention func(stream string) time.Duration
}

// Retentions of the suite: streams are kept for long, but for the one whose
// events the cases let expire.
const (
	brief = "Brief"
	short = time.Hour
	long  = 30 * 24 * time.Hour
)

// fixture is what a case works with: an empty log and the clock that it asks.
type fixture struct {
	eventlog.Log
	clock *clock
}

// Run checks the promises of a log. open is called once for each case, from
// many goroutines at once; it returns an empty log with the given settings and
// cleans up with t.Cleanup.
func Run(t *testing.T, open func(t *testing.T, o Options) eventlog.Log) {
	cases := map[string]func(*testing.T, fixture){}
	for _, part := range []map[string]func(*testing.T, fixture){
		orderCases, dedupeCases, sizeCases, retentionCases, epochCases, concurrencyCases,
	} {
		maps.Copy(cases, part)
	}
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newClock()
			cases[name](t, fixture{clock: c, Log: open(t, Options{Now: c.Now, Retention: retention})})
		})
	}
}

func retention(stream string) time.Duration {
	if stream == brief {
		return short
	}
	return long
}

// clock stands still until a case moves it. It begins at the present, since a
// storage may delete by its own clock what was stored for a time long past.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock {
	return &clock{now: time.Now().UTC().Truncate(time.Millisecond)}
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

var (
	one   = channel.MustParse("CommentStream:item:1")
	other = channel.MustParse("CommentStream:item:10")
	fades = channel.MustParse(brief + ":item:1")
)

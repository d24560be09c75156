package gateway_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/command"
	"github.com/runnel-sse/runnel/pkg/gateway"
	"github.com/runnel-sse/runnel/pkg/obs"
)

// ledger is a subscriber.Budget.
type ledger struct {
	mu     sync.Mutex
	spent  map[string]int64 // by stream and month
	writes int
	deaf   bool
}

func (l *ledger) Spend(_ context.Context, stream, month string, seconds int64) (int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.writes++
	if l.deaf {
		return 0, errors.New("deaf on purpose")
	}
	l.spent[stream+month] += seconds
	return l.spent[stream+month], nil
}

func (l *ledger) Spent(ctx context.Context, stream, month string) (int64, error) {
	return l.Spend(ctx, stream, month, 0)
}

// deafen has it answer nothing, and returns how often it was called.
func (l *ledger) deafen(on bool) (calls int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.deaf = on
	return l.writes
}

func (l *ledger) total() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Duration(l.spent["ThriftyStream2000-01"]) * time.Second
}

func TestABudgetIsStretchedBeforeItIsOverspent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, m := &ledger{spent: map[string]int64{}}, &numbersOf{}
		h := open(t, func(c *gateway.Config) { c.Budget, c.Metrics = l, m })
		const readers, hours, budget = 10, 10, 20 * time.Hour // a fifth of what they would take
		var mu sync.Mutex
		said := map[string]time.Duration{} // when first
		var used time.Duration
		began := time.Now()
		var all sync.WaitGroup
		for range readers {
			all.Go(func() {
				for time.Since(began) < hours*time.Hour {
					came := time.Now()
					w := &plainWriter{header: http.Header{}}
					h.gateway.ServeHTTP(w, request(t, context.Background(), "/sse/ThriftyStream/page:1"))
					mu.Lock()
					used += time.Since(came)
					for _, word := range []string{`"budget":"short"}` + "\n", `"budget":"economy"}` + "\n", `{"reason":"lease","budget":"short"}`, `{"reason":"economy","budget":"economy"}`} {
						if _, before := said[word]; !before && strings.Contains(w.text.String(), word) {
							said[word] = time.Since(began)
						}
					}
					mu.Unlock()
					time.Sleep(retryOf(t, w.text.String()))
				}
			})
		}
		all.Wait()
		require.Len(t, said, 4, "in connected and at the end: %v", said)
		require.LessOrEqual(t, used, budget)
		require.GreaterOrEqual(t, used, budget*9/10, "nor is it kept for nobody")
		require.InDelta(t, used.Hours(), l.total().Hours(), 0.1)
		percent := m.of(obs.BudgetSpent)
		require.InDelta(t, 100*used.Hours()/budget.Hours(), percent[len(percent)-1], 0.5)
	})
}

func TestWhatIsSpentIsWrittenOnceAMinuteAndWhenTheLastLeaves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &ledger{spent: map[string]int64{}}
		h := open(t, func(c *gateway.Config) { c.Budget, c.MaxLife = l, 24*time.Hour })
		began := time.Now()
		var streams []*stream
		for range 20 {
			s := h.connect("/sse?channel=ThriftyStream:page:1&channel=CommentStream:item:42")
			s.idle()
			streams = append(streams, s)
		}
		require.Equal(t, 1, l.deafen(false), "asked once")
		time.Sleep(10*time.Minute + time.Second)
		require.Equal(t, 11, l.deafen(false), "one a minute for all")
		l.deafen(true)
		time.Sleep(90 * time.Second)
		l.deafen(false)
		for _, s := range streams {
			s.close()
		}
		synctest.Wait()
		require.InDelta(t, 20*time.Since(began).Seconds(), l.total().Seconds(), 1, "nothing is forgotten")
		before := l.deafen(false)
		time.Sleep(time.Hour)
		require.Equal(t, before, l.deafen(false), "and nothing written while nothing is spent")
	})
}

func TestAStreamThatIsOpenHearsOfItsBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &ledger{spent: map[string]int64{}}
		h := open(t, func(c *gateway.Config) { c.Budget, c.MaxLife = l, 24*time.Hour })
		began := time.Now()
		for range 10 {
			s := h.connect("/sse/ThriftyStream/page:1")
			require.Empty(t, s.hello.Budget)
			s.idle()
		}
		time.Sleep(89 * time.Minute)
		require.Equal(t, 10, h.gateway.Open())
		time.Sleep(2 * time.Minute) // three quarters of 20 hours are spent after 90
		require.Zero(t, h.gateway.Open())
		require.InDelta(t, 15, l.total().Hours(), 0.2)
		s := h.connect("/sse/ThriftyStream/page:1")
		defer s.close()
		require.Equal(t, "short", s.hello.Budget)
		require.Equal(t, int64(30_000), s.hello.LeaseMS)
		require.Less(t, time.Since(began), 2*time.Hour)
	})
}

func TestAChannelCountsForItsBudgetWhileItIsRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &ledger{spent: map[string]int64{}}
		h := open(t, func(c *gateway.Config) { c.Budget, c.MaxLife = l, 24*time.Hour })
		s := h.connect(several)
		defer s.close()
		thrifty := []string{"ThriftyStream:page:1"}
		time.Sleep(10 * time.Second)
		h.post(command.Command{Type: command.Renew, Connection: s.hello.Connection, Subject: "7", Add: thrifty})
		renewed(t, s)
		s.idle()
		time.Sleep(10 * time.Minute)
		h.post(command.Command{Type: command.Renew, Connection: s.hello.Connection, Subject: "7", Remove: thrifty})
		time.Sleep(time.Hour)
		require.InDelta(t, 600, l.total().Seconds(), 1)
	})
}

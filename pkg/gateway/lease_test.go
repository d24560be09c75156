package gateway_test

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/gateway"
	"github.com/runnel-sse/runnel/pkg/obs"
)

func adaptive(c *gateway.Config) { c.QuietLife = time.Minute }

func TestAQuietLeaseIsShortAndABusyOneIsLong(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		every     time.Duration // something is published
		low, high time.Duration
	}{
		"quiet":                 {time.Hour, 48 * time.Second, time.Minute},
		"busy":                  {40 * time.Second, 12 * time.Minute, 15 * time.Minute},
		"busy for four minutes": {40 * time.Second, 4*time.Minute + 48*time.Second, 5*time.Minute + time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := open(t, adaptive)
				began := time.Now()
				s := h.connect("/sse/CommentStream/item:42")
				require.Equal(t, int64(60_000), s.hello.LeaseMS)
				ctx, stop := context.WithCancel(t.Context())
				published := make(chan struct{})
				go func() {
					defer close(published)
					for i := 0; ctx.Err() == nil; i++ {
						if time.Sleep(tc.every); strings.HasSuffix(name, "four minutes") && time.Since(began) > 4*time.Minute {
							return
						}
						h.publish(item, i, 1)
					}
				}()
				events, err := s.end()
				require.NoError(t, err)
				require.JSONEq(t, `{"reason":"lease"}`, events[len(events)-1].Data)
				require.GreaterOrEqual(t, time.Since(began), tc.low)
				require.LessOrEqual(t, time.Since(began), tc.high)
				stop()
				<-published
			})
		})
	}
}

// TestAReaderWhoIsStillThereMissesNothing: it does what a browser does, and
// short leases are no loss and no delay.
func TestAReaderWhoIsStillThereMissesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &numbersOf{}
		h := open(t, func(c *gateway.Config) { adaptive(c); c.Metrics = m })
		const n = 60
		go func() {
			for i := range n {
				time.Sleep(time.Duration(20+i*2) * time.Second)
				h.publish(item, i, 1)
			}
		}()
		var got []string
		var id string
		var away time.Duration // the longest
		for len(got) < n {
			s := h.connect("/sse/CommentStream/item:42", "Last-Event-ID", id)
			require.True(t, id == "" || s.hello.Recovered)
			events, err := s.end()
			require.NoError(t, err)
			for _, e := range events {
				if id = e.ID; e.Type == "Counted" {
					got = append(got, e.Data)
				}
			}
			retry, _ := s.events.Retry()
			away = max(away, retry)
			time.Sleep(retry)
		}
		require.Equal(t, numbers(0, n), got)
		require.LessOrEqual(t, away, time.Second+10*time.Millisecond, "and it comes back at once")
		require.Equal(t, m.count(obs.StreamsRotated)-1, m.count(obs.StreamsResumed), "an operator sees that it did")
	})
}

func TestAPatientStreamParksItsReaders(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &numbersOf{}
		h := open(t, func(c *gateway.Config) { adaptive(c); c.Metrics = m })
		began := time.Now()
		s := h.connect("/sse/PatientStream/job:1")
		require.Equal(t, int64(20_000), s.hello.LeaseMS)
		require.Equal(t, int64(120_000), s.hello.ParkedMS)
		require.Empty(t, s.hello.Budget, "it wants that itself")
		events, err := s.end()
		require.NoError(t, err)
		require.GreaterOrEqual(t, time.Since(began), 16*time.Second)
		require.LessOrEqual(t, time.Since(began), 20*time.Second)
		require.Equal(t, "sse.rotate", events[0].Type)
		require.JSONEq(t, `{"reason":"economy"}`, events[0].Data)
		retry, _ := s.events.Retry()
		require.GreaterOrEqual(t, retry, 2*time.Minute)
		require.LessOrEqual(t, retry, 2*time.Minute+13*time.Second)
		require.Equal(t, 1, m.count(obs.StreamsParked))

		s = h.connect("/sse?channel=PatientStream:job:1&channel=CommentStream:item:42")
		defer s.close()
		require.Zero(t, s.hello.ParkedMS, "another channel of it cannot wait")
		require.Equal(t, int64(60_000), s.hello.LeaseMS)
	})
}

func TestAReaderThatIsCatchingUpIsNotSentAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		const n = 60_000
		h.flood(channel.MustParse("PatientStream:job:1"), n)
		began := time.Now()
		s := h.connect("/sse/PatientStream/job:1?since=earliest")
		for i := range n {
			if i%1000 == 0 {
				time.Sleep(time.Second) // of 20 that it has
			}
			require.Equal(t, numbers(i, 1)[0], s.next().Data)
		}
		require.GreaterOrEqual(t, time.Since(began), time.Minute)
		require.Equal(t, "sse.rotate", s.next().Type, "but then")
	})
}

// retryOf is the last that the stream said.
func retryOf(t *testing.T, text string) time.Duration {
	_, last, ok := strings.Cut(text[strings.LastIndex(text, "retry: "):], "retry: ")
	require.True(t, ok)
	line, _, _ := strings.Cut(last, "\n")
	ms, err := strconv.Atoi(line)
	require.NoError(t, err)
	return time.Duration(ms) * time.Millisecond
}

// TestReadersThatGoTogetherComeBackOneAfterTheOther opens ten thousand streams
// within one second and looks when their readers come back.
func TestReadersThatGoTogetherComeBackOneAfterTheOther(t *testing.T) {
	t.Parallel()
	const readers, most = 10_000, 1000 // and so many of them in one second
	for name, drain := range map[string]bool{"their leases end": false, "their process stops": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := open(t, adaptive)
				began := time.Now()
				back := make([]time.Duration, readers)
				fault := make([]time.Duration, readers)
				var streams sync.WaitGroup
				for i := range readers {
					streams.Go(func() {
						time.Sleep(time.Duration(i) * time.Second / readers)
						w := &plainWriter{header: http.Header{}}
						h.gateway.ServeHTTP(w, request(t, context.Background(), "/sse/CommentStream/item:42"))
						fault[i] = retryOf(t, w.writes[0])
						back[i] = time.Since(began) + retryOf(t, w.text.String())
					})
				}
				if drain {
					time.Sleep(2 * time.Second)
					h.gateway.Drain()
				}
				streams.Wait()
				first, last, busiest := window(back)
				require.GreaterOrEqual(t, last-first, 9*time.Second)
				require.LessOrEqual(t, busiest, most*12/10)
				if drain {
					require.LessOrEqual(t, last-first, 12*time.Second, "and no later than that needs")
				}
				first, last, busiest = window(fault[readers/2:]) // of those that came to a full house
				require.GreaterOrEqual(t, last-first, 8*time.Second, "nor all at once when it crashes")
				require.LessOrEqual(t, busiest, most*13/10)
			})
		})
	}
}

// window returns the first and the last of the times, and how many lie within
// one second at the most.
func window(times []time.Duration) (first, last time.Duration, busiest int) {
	first = times[0]
	bins := map[time.Duration]int{}
	for _, at := range times {
		first, last = min(first, at), max(last, at)
		bins[at/time.Second]++
		busiest = max(busiest, bins[at/time.Second])
	}
	return first, last, busiest
}

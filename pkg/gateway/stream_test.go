package gateway_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/cursor"
	"github.com/runnel-sse/runnel/pkg/eventlog"
	"github.com/runnel-sse/runnel/pkg/gateway"
)

func TestConnectedComesFirstAndSaysWhereTheReaderStands(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		h.publish(item, 1, 3)
		s := h.connect("/sse/CommentStream/item:42")
		defer s.close()
		require.Equal(t, "CommentStream:item:42", s.hello.Channel)
		require.True(t, s.hello.Recovered)
		require.Len(t, s.hello.Channels, 1)
		require.False(t, s.hello.Channels[0].Resumed)
		require.NotEmpty(t, s.hello.Connection)
		require.Equal(t, int64(15_000), s.hello.HeartbeatMS)
		require.Equal(t, int64(900_000), s.hello.LeaseMS)
		c, err := cursor.Parse(s.first.ID)
		require.NoError(t, err)
		at, ok := c.At(item)
		require.True(t, ok)
		require.Equal(t, uint64(3), at.Seq, "the newest position")
		retry, ok := s.events.Retry()
		require.True(t, ok)
		require.GreaterOrEqual(t, retry, 2*time.Second)
		require.LessOrEqual(t, retry, 5*time.Second)

		require.Equal(t, "text/event-stream", s.header.Get("Content-Type"))
		require.Equal(t, "no-store, no-transform", s.header.Get("Cache-Control"))
		require.Equal(t, "no", s.header.Get("X-Accel-Buffering"))
	})
}

func TestADropBeforeTheFirstEventLosesNothing(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]int{"a new channel": 0, "an old one": 3} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := open(t, nil)
				h.publish(item, 1, before)
				s := h.connect("/sse/CommentStream/item:42")
				s.close()
				h.publish(item, before+1, 2)
				s = h.connect("/sse/CommentStream/item:42", "Last-Event-ID", s.first.ID)
				defer s.close()
				require.True(t, s.hello.Recovered)
				require.Equal(t, numbers(before+1, 2), s.take(2))
			})
		})
	}
}

func TestEventsArriveAndResume(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s := h.connect("/sse/CommentStream/item:42")
		h.publish(item, 1, 5)
		var last string
		for i := range 3 {
			e := s.next()
			require.Equal(t, "Counted", e.Type)
			require.Equal(t, numbers(i+1, 1)[0], e.Data)
			last = e.ID
		}
		s.close()
		h.publish(item, 6, 5)

		id := url.QueryEscape(last)
		for how, open := range map[string]func() *stream{
			"header":        func() *stream { return h.connect("/sse/CommentStream/item:42", "Last-Event-ID", last) },
			"last_event_id": func() *stream { return h.connect("/sse/CommentStream/item:42?last_event_id=" + id) },
			"lastEventId":   func() *stream { return h.connect("/sse/CommentStream/item:42?lastEventId=" + id) },
			"lastEventID":   func() *stream { return h.connect("/sse/CommentStream/item:42?lastEventID=" + id) },
			"header wins": func() *stream {
				return h.connect("/sse/CommentStream/item:42?since=earliest&last_event_id="+s.first.ID, "Last-Event-ID", last)
			},
			"several": func() *stream {
				return h.connect("/sse?channel=CommentStream:item:42&channel=NotificationStream:user:7", "Last-Event-ID", last)
			},
		} {
			s := open()
			require.True(t, s.hello.Channels[0].Resumed, how)
			require.True(t, s.hello.Channels[0].Recovered, how)
			if how == "several" {
				require.False(t, s.hello.Channels[1].Recovered, "a channel that the cursor says nothing of")
				e := s.next()
				require.Equal(t, "sse.gap", e.Type)
				require.JSONEq(t, `{"channel":"NotificationStream:user:7","reason":"cursor"}`, e.Data)
				require.Equal(t, `{"channel":"CommentStream:item:42","data":{"n":4}}`, s.next().Data)
			} else {
				require.Equal(t, last, s.first.ID, "%s: never ahead of the replay", how)
				require.Equal(t, numbers(4, 7), s.take(7), how)
			}
			s.close()
		}
	})
}

func TestSince(t *testing.T) {
	t.Parallel()
	for since, want := range map[string][]string{
		"earliest": numbers(1, 20),
		"-5":       numbers(16, 5),
		"-20":      numbers(1, 20),
		"-1000":    numbers(1, 20),
		"now":      nil,
	} {
		t.Run(since, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := open(t, nil)
				h.publish(item, 1, 20)
				s := h.connect("/sse/CommentStream/item:42?since=" + since)
				defer s.close()
				require.True(t, s.hello.Recovered)
				h.publish(item, 21, 1)
				require.Equal(t, append(want, numbers(21, 1)...), s.take(len(want)+1))
			})
		})
	}
}

func TestSinceIsSatisfiedWithWhatIsKept(t *testing.T) {
	t.Parallel()
	for _, since := range []string{"earliest", "-10"} {
		synctest.Test(t, func(t *testing.T) {
			h := open(t, nil)
			h.publish(item, 1, 5)
			time.Sleep(retention + time.Second)
			h.publish(item, 6, 2)
			s := h.connect("/sse/CommentStream/item:42?since=" + since)
			defer s.close()
			require.True(t, s.hello.Recovered, since)
			require.Equal(t, numbers(6, 2), s.take(2), since)
		})
	}
}

func TestSeveralChannelsOverOneConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		const path = "/sse?channel=CommentStream:item:42&channel=NotificationStream:user:7&channel=CommentStream:item:42"
		s := h.connect(path)
		require.Empty(t, s.hello.Channel)
		require.Len(t, s.hello.Channels, 2, "named twice, read once")
		h.publish(item, 1, 1)
		require.Equal(t, `{"channel":"CommentStream:item:42","data":{"n":1}}`, s.next().Data)
		h.publish(user, 1, 1)
		e := s.next()
		require.Equal(t, `{"channel":"NotificationStream:user:7","data":{"n":1}}`, e.Data)
		s.close()

		h.publish(item, 2, 1)
		h.publish(user, 2, 1)
		s = h.connect(path, "Last-Event-ID", e.ID)
		require.True(t, s.hello.Recovered)
		require.ElementsMatch(t, []string{
			`{"channel":"CommentStream:item:42","data":{"n":2}}`,
			`{"channel":"NotificationStream:user:7","data":{"n":2}}`,
		}, s.take(2))
		s.close()

		s = h.connect("/sse/NotificationStream/user:7", "Last-Event-ID", e.ID)
		require.True(t, s.hello.Recovered, "a cursor of more channels holds for one of them")
		require.Equal(t, numbers(2, 1), s.take(1))
		s.close()
	})
}

func TestAGapIsSaidWithWhatIsMissing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s := h.connect("/sse/CommentStream/item:42")
		h.publish(item, 1, 4)
		s.take(1)
		second := s.next().ID
		s.close()
		time.Sleep(retention + time.Second)
		h.publish(item, 5, 2)

		s = h.connect("/sse/CommentStream/item:42", "Last-Event-ID", second)
		defer s.close()
		require.False(t, s.hello.Recovered)
		require.Equal(t, "expired", s.hello.Channels[0].Reason)
		require.Equal(t, second, s.first.ID, "until the client knows of the gap, its place is the old one")
		e := s.next()
		require.Equal(t, "sse.gap", e.Type)
		require.JSONEq(t, `{"channel":"CommentStream:item:42","reason":"expired","after":2,"until":4}`, e.Data)
		require.Equal(t, numbers(5, 2), s.take(2))

		again := h.connect("/sse/CommentStream/item:42", "Last-Event-ID", e.ID)
		defer again.close()
		require.True(t, again.hello.Recovered, "the id of the gap is the new place")
		require.Equal(t, numbers(5, 2), again.take(2))
	})
}

func TestAChannelThatBeganAgainIsAGap(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		h.publish(item, 1, 3)
		other := cursor.One(item, eventlog.Position{Epoch: 0xabcdef, Seq: 3})
		s := h.connect("/sse/CommentStream/item:42", "Last-Event-ID", other)
		defer s.close()
		require.Equal(t, "reset", s.hello.Channels[0].Reason)
		e := s.next()
		require.Equal(t, "sse.gap", e.Type)
		require.JSONEq(t, `{"channel":"CommentStream:item:42","reason":"reset"}`, e.Data)
		require.Equal(t, numbers(1, 3), s.take(3), "and all that is kept")
	})
}

func TestADamagedOrForeignCursorIsAFreshStartThatIsSaid(t *testing.T) {
	t.Parallel()
	good := cursor.One(item, eventlog.Position{Epoch: 1, Seq: 1})
	for name, id := range map[string]string{
		"of another server":  "urn:uuid:5c1e5d7e-6d3c-4c8e-9f1f-0a2b3c4d5e6f",
		"a number":           "17",
		"damaged":            "V" + good[1:len(good)-1] + "A",
		"of another channel": cursor.One(user, eventlog.Position{Epoch: 1, Seq: 1}),
		"cut off":            good[:10],
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := open(t, nil)
				h.publish(item, 1, 3)
				s := h.connect("/sse/CommentStream/item:42", "Last-Event-ID", id)
				defer s.close()
				require.False(t, s.hello.Recovered)
				require.Equal(t, "cursor", s.hello.Channels[0].Reason)
				require.Equal(t, "sse.gap", s.next().Type)
				h.publish(item, 4, 1)
				require.Equal(t, numbers(4, 1), s.take(1))
			})
		})
	}
}

func TestHeartbeats(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s := h.connect("/sse/CommentStream/item:42")
		done := make(chan struct{})
		go func() { defer close(done); _, _ = s.end() }()
		time.Sleep(5 * time.Minute)
		s.close()
		<-done
		text := s.raw.String()
		beats := strings.Count(text, "\n:\n") + strings.Count(text, ":\n:\n")
		require.GreaterOrEqual(t, beats, 300/15)
		require.LessOrEqual(t, beats, 300/12+1)
		require.NotContains(t, text, ":\n\n", "a blank line after it is an empty message to some clients")
	})
}

func TestThePlannedEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(c *gateway.Config) { c.MaxLife = 10 * time.Minute })
		ends := map[time.Duration]bool{}
		for range 10 {
			began := time.Now()
			s := h.connect("/sse/CommentStream/item:42")
			events, err := s.end()
			require.NoError(t, err, "a clean end")
			life := time.Since(began)
			require.GreaterOrEqual(t, life, 8*time.Minute)
			require.LessOrEqual(t, life, 10*time.Minute)
			ends[life] = true
			last := events[len(events)-1]
			require.Equal(t, "sse.rotate", last.Type)
			require.JSONEq(t, `{"reason":"lease"}`, last.Data)
			require.Equal(t, s.first.ID, last.ID)
			retry, _ := s.events.Retry()
			require.GreaterOrEqual(t, retry, 50*time.Millisecond)
			require.LessOrEqual(t, retry, time.Second)
		}
		require.Greater(t, len(ends), 1, "not all at once")
	})
}

func TestAStreamEndsBeforeTheDeadlineOfItsRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		for range 5 {
			ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
			began := time.Now()
			w := &plainWriter{header: http.Header{}}
			h.gateway.ServeHTTP(w, request(t, ctx, "/sse/CommentStream/item:42"))
			require.LessOrEqual(t, time.Since(began), 55*time.Second)
			require.GreaterOrEqual(t, time.Since(began), 44*time.Second)
			require.NoError(t, ctx.Err())
			require.Contains(t, w.text.String(), "event: sse.rotate\n")
			cancel()
		}
	})
}

func TestDrainEndsAllStreamsAndRefusesNewOnes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		h.publish(item, 1, 1)
		a, b := h.connect("/sse/CommentStream/item:42"), h.connect("/sse/NotificationStream/user:7")
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		require.ErrorIs(t, h.gateway.Wait(short), context.DeadlineExceeded)
		cancel()
		h.gateway.Drain()
		h.gateway.Drain() // harmless
		for _, s := range []*stream{a, b} {
			events, err := s.end()
			require.NoError(t, err)
			require.Equal(t, "sse.rotate", events[len(events)-1].Type)
			require.JSONEq(t, `{"reason":"shutdown"}`, events[len(events)-1].Data)
		}
		require.NoError(t, h.gateway.Wait(t.Context()))
		require.Equal(t, http.StatusServiceUnavailable, h.get("/sse/CommentStream/item:42").StatusCode)
	})
}

// plainWriter is a ResponseWriter as Lambda's is: no Flush, no deadlines.
type plainWriter struct {
	header http.Header
	status int
	writes []string
	text   strings.Builder
}

func (w *plainWriter) Header() http.Header { return w.header }
func (w *plainWriter) WriteHeader(status int) {
	w.status = status
}

func (w *plainWriter) Write(b []byte) (int, error) {
	w.writes = append(w.writes, string(b))
	return w.text.Write(b)
}

func request(t *testing.T, ctx context.Context, path string) *http.Request {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://runnel.test"+path, nil)
	require.NoError(t, err)
	return r
}

func TestEveryWriteIsWholeFramesAndNoFlusherIsNeeded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(c *gateway.Config) { c.MaxLife = time.Minute })
		published := make(chan struct{})
		defer func() { <-published }()
		go func() {
			defer close(published)
			for i := range 50 {
				h.publish(item, i, 1+i%3)
				time.Sleep(700 * time.Millisecond)
			}
		}()
		w := &plainWriter{header: http.Header{}}
		h.gateway.ServeHTTP(w, request(t, t.Context(), "/sse/CommentStream/item:42"))
		require.Equal(t, http.StatusOK, w.status)
		for _, b := range w.writes {
			require.True(t, b == ":\n" || strings.HasSuffix(b, "\n\n"), "%q", b)
			require.NotContains(t, b, "\n\n\n")
		}
	})
}

func TestAReaderThatTakesNothingIsCutOffAndForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(c *gateway.Config) { c.WriteTimeout = 20 * time.Second })
		dead := h.connect("/sse/CommentStream/item:42") // and never reads again
		defer dead.close()
		live := h.connect("/sse/CommentStream/item:42")
		defer live.close()
		published := make(chan struct{})
		go func() {
			defer close(published)
			for i := range 100 {
				h.publish(item, i, 1)
				time.Sleep(time.Second)
			}
		}()
		require.Equal(t, numbers(0, 100), live.take(100), "nobody else is delayed")
		<-published
		require.Equal(t, 1, h.gateway.Open())
		n, err := h.registry.Count(t.Context(), item)
		require.NoError(t, err)
		require.Equal(t, 1, n)
	})
}

func TestALogThatFailsForLongEndsTheStreamInThePlannedWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		h.publish(item, 1, 300)
		// The head says that there is something, the log never has it.
		late := &lateLog{Log: h.log}
		h = openOver(t, h.log, late, nil)
		s := h.connect("/sse/CommentStream/item:42?since=earliest")
		events, err := s.end()
		require.NoError(t, err)
		require.JSONEq(t, `{"reason":"unavailable"}`, events[len(events)-1].Data)
		require.Contains(t, h.lines.String(), "history cannot be read")
	})
}

// lateLog answers its first read, and none after it.
type lateLog struct {
	eventlog.Log
	reads int
}

func (l *lateLog) Read(ctx context.Context, ch channel.Name, after eventlog.Position, limit int) ([]eventlog.Record, error) {
	if l.reads++; l.reads > 1 {
		return nil, fmt.Errorf("%w: on purpose", eventlog.ErrUnavailable)
	}
	return l.Log.Read(ctx, ch, after, min(limit, 10))
}

package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/eventlog"
	"github.com/runnel-sse/runnel/pkg/gateway"
	"github.com/runnel-sse/runnel/pkg/memory"
)

// idOf is what every id on the wire looks like: ASCII without a space or any of
// "():<>?@[\]{}, 16 bytes a channel.
const idOf = `^[!#-'*-9;=A-Z^-z|~]{1,%d}$`

// TestEveryFrameHasAnIDAndNoneIsAnIDAlone looks at the bytes: a parser forgives,
// and hides what other parsers trip over.
func TestEveryFrameHasAnIDAndNoneIsAnIDAlone(t *testing.T) {
	t.Parallel()
	many := func(n int) string {
		var q []string
		for i := range n {
			q = append(q, fmt.Sprintf("channel=CommentStream:item:%d", 42+i))
		}
		return "/sse?" + strings.Join(q, "&")
	}
	for path, channels := range map[string]int{"/sse/CommentStream/item:42": 1, many(1): 1, many(8): 8, many(32): 32} {
		t.Run(fmt.Sprintf("%.40s of %d", path, channels), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := open(t, func(c *gateway.Config) { c.MaxLife = time.Minute })
				h.publish(item, 1, 3)
				go func() {
					for i := range 20 {
						time.Sleep(time.Second)
						h.publish(item, 4+i, 1)
					}
				}()
				w := &plainWriter{header: http.Header{}}
				r := request(t, t.Context(), path)
				r.Header.Set("Last-Event-ID", "17") // of elsewhere, so a gap is said too
				h.gateway.ServeHTTP(w, r)

				types := map[string]int{}
				for block := range strings.SplitSeq(strings.ReplaceAll(w.text.String(), "\n:\n", "\n"), "\n\n") {
					if block = strings.TrimPrefix(block, ":\n"); block == "" {
						continue
					}
					fields := map[string][]string{}
					for line := range strings.SplitSeq(block, "\n") {
						name, value, ok := strings.Cut(line, ": ")
						require.True(t, ok, "%q", line)
						fields[name] = append(fields[name], value)
					}
					require.Len(t, fields["data"], 1, block)
					require.True(t, json.Valid([]byte(fields["data"][0])), block)
					require.Len(t, fields["id"], 1, block)
					require.Regexp(t, fmt.Sprintf(idOf, min(16*channels, 1000)), fields["id"][0])
					if channels <= 8 {
						require.LessOrEqual(t, len(fields["id"][0]), 128)
					}
					types[strings.Join(fields["event"], "+")]++
					delete(fields, "id")
					delete(fields, "data")
					delete(fields, "event")
					delete(fields, "retry")
					require.Empty(t, fields, "a field that no client knows")
				}
				require.Equal(t, map[string]int{"": 1, "sse.gap": channels, "Counted": 20, "sse.rotate": 1}, types)
			})
		})
	}
}

func TestADropBeforeTheReplayLosesNothing(t *testing.T) {
	t.Parallel()
	for since, want := range map[string][]string{"earliest": numbers(1, 5), "-3": numbers(3, 3)} {
		t.Run(since, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := open(t, nil)
				h.publish(item, 1, 5)
				s := h.connect("/sse/CommentStream/item:42?since=" + since)
				s.close() // the client has seen connected and nothing else
				s = h.connect("/sse/CommentStream/item:42", "Last-Event-ID", s.first.ID)
				defer s.close()
				require.Equal(t, want, s.take(len(want)))
			})
		})
	}
}

// TestEveryAnswerHasABody: a function URL that streams leaves an answer without
// one open until the function's time is up, and bills it.
func TestEveryAnswerHasABody(t *testing.T) {
	t.Parallel()
	const one = "/sse/CommentStream/item:42"
	for name, tc := range map[string]struct {
		method, path string
		preflight    bool
		status       int
	}{
		"a preflight":              {method: "OPTIONS", path: one, preflight: true, status: 200},
		"options":                  {method: "OPTIONS", path: one, status: 200},
		"head":                     {method: "HEAD", path: one, status: 405},
		"another method":           {method: "POST", path: one, status: 405},
		"what is not there":        {method: "GET", path: "/", status: 404},
		"a health check":           {method: "GET", path: "/healthz", status: 404},
		"almost our path":          {method: "GET", path: "/sseCommentStream/item:42", status: 404},
		"a malformed query":        {method: "GET", path: one + "?%zz", status: 400},
		"a refusal that will pass": {method: "GET", path: one, status: 503},
		"the same as a stream":     {method: "GET", path: one + "?refuse=stream", status: 200},
		"empty names":              {method: "GET", path: "/sse//", status: 400},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := open(t, func(c *gateway.Config) { c.AllowedOrigins = []string{"*"} })
				h.gateway.Drain() // so that nothing streams for long
				w := &plainWriter{header: http.Header{}, status: 200}
				r := request(t, t.Context(), tc.path)
				r.Method = tc.method
				if tc.preflight {
					r.Header.Set("Origin", "https://app.example.com")
					r.Header.Set("Access-Control-Request-Method", "GET")
				}
				h.gateway.ServeHTTP(w, r)
				require.Equal(t, tc.status, w.status)
				require.NotEmpty(t, w.text.String())
			})
		})
	}
}

// TestALineEndOfAStrangerEndsNoLine: what a request says comes back in headers
// and frames, and must not become one of its own.
func TestALineEndOfAStrangerEndsNoLine(t *testing.T) {
	t.Parallel()
	const evil = "x\r\nX-Evil: yes\r\n\r\ndata: evil\n\nid: evil\x00"
	for name, adjust := range map[string]func(r *http.Request){
		"origin":        func(r *http.Request) { r.Header["Origin"] = []string{"https://app.example.com\r\n" + evil} },
		"last event id": func(r *http.Request) { r.Header["Last-Event-ID"] = []string{evil} },
		"path":          func(r *http.Request) { r.URL.Path = "/sse/CommentStream/item:" + evil },
		"stream type":   func(r *http.Request) { r.URL.Path = "/sse/" + evil + "/item:42" },
		"method":        func(r *http.Request) { r.Method = evil },
	} {
		for _, draining := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, draining %v", name, draining), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					h := open(t, func(c *gateway.Config) {
						c.MaxLife = time.Second
						c.AllowedOrigins = []string{"https://app.example.com"}
					})
					if draining {
						h.gateway.Drain()
					}
					w := &plainWriter{header: http.Header{}, status: 200}
					r := request(t, t.Context(), "/sse/CommentStream/item:42?refuse=stream")
					adjust(r)
					h.gateway.ServeHTTP(w, r)
					var head bytes.Buffer
					for name, values := range w.header {
						fmt.Fprintln(&head, name, values)
					}
					for line := range strings.SplitSeq(head.String()+w.text.String(), "\n") {
						require.NotContains(t, line, "\r")
						require.False(t, strings.HasPrefix(line, "X-Evil") || strings.HasPrefix(line, "data: evil") || strings.HasPrefix(line, "id: evil"), line)
					}
				})
			})
		}
	}
}

func TestConnectedSaysTheLifeThatItsRequestHas(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
		defer cancel()
		w := &plainWriter{header: http.Header{}}
		h.gateway.ServeHTTP(w, request(t, ctx, "/sse/CommentStream/item:42"))
		require.Contains(t, w.writes[0], `"lease_ms":55000`, "the platform's deadline and the margin before it")
	})
}

func TestReadersThatCameTogetherDoNotComeBackTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		begin, again := map[time.Duration]bool{}, map[time.Duration]bool{}
		var all []*stream
		for range 20 {
			s := h.connect("/sse/CommentStream/item:42")
			retry, ok := s.events.Retry()
			require.True(t, ok)
			require.GreaterOrEqual(t, retry, 2*time.Second)
			require.LessOrEqual(t, retry, 5*time.Second+20*time.Millisecond)
			begin[retry] = true
			all = append(all, s)
		}
		h.gateway.Drain()
		for _, s := range all {
			_, err := s.end()
			require.NoError(t, err)
			retry, _ := s.events.Retry()
			require.GreaterOrEqual(t, retry, 50*time.Millisecond)
			require.LessOrEqual(t, retry, time.Second+20*time.Millisecond, "with the turns of 20 readers")
			again[retry] = true
		}
		require.Greater(t, len(begin), 10, "after a crash")
		require.Greater(t, len(again), 10, "after a planned end")
	})
}

// asked counts what a log is asked.
type asked struct {
	eventlog.Log
	calls atomic.Int64
}

func (a *asked) Heads(ctx context.Context, chs []channel.Name) (map[channel.Name]eventlog.Position, error) {
	a.calls.Add(1)
	return a.Log.Heads(ctx, chs)
}

func (a *asked) Read(ctx context.Context, ch channel.Name, after eventlog.Position, limit int) ([]eventlog.Record, error) {
	a.calls.Add(1)
	return a.Log.Read(ctx, ch, after, limit)
}

// notingWriter notes when each write came, and what the log had been asked by then.
type notingWriter struct {
	plainWriter
	log   *asked
	at    []time.Time
	calls []int64
}

func (w *notingWriter) Write(b []byte) (int, error) {
	w.at, w.calls = append(w.at, time.Now()), append(w.calls, w.log.calls.Load())
	return w.plainWriter.Write(b)
}

func TestHeartbeatsAreSpreadOutAndAskNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := memory.NewLog(memory.LogOptions{})
		counts := &asked{Log: log}
		h := openOver(t, log, counts, nil)
		w := &notingWriter{plainWriter: plainWriter{header: http.Header{}}, log: counts}
		h.gateway.ServeHTTP(w, request(t, t.Context(), "/sse/CommentStream/item:42"))
		pauses := map[time.Duration]bool{}
		last := len(w.at) - 2 // before the planned end
		for i := 1; i <= last; i++ {
			require.Equal(t, ":\n", w.writes[i])
			pause := w.at[i].Sub(w.at[i-1])
			require.GreaterOrEqual(t, pause, 12*time.Second)
			require.LessOrEqual(t, pause, 15*time.Second)
			pauses[pause] = true
		}
		require.Greater(t, len(pauses), 20, "no two alike")
		// After half a minute of quiet there are two polls a second, and nothing else.
		const quiet = 4
		polls := float64(w.at[last].Sub(w.at[quiet])) / float64(500*time.Millisecond)
		require.InDelta(t, polls, w.calls[last]-w.calls[quiet], 3)
	})
}

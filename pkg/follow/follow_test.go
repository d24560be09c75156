package follow_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/follow"
	"github.com/runnel-sse/runnel/pkg/sse"
)

func requireStatus(t *testing.T, err error, status int) *follow.StatusError {
	t.Helper()
	var refusal *follow.StatusError
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, status, refusal.Status)
	return refusal
}

func TestResumesWhereItWasCutOff(t *testing.T) {
	t.Parallel()
	all := script(t, follow.Options{}, nil,
		stream("retry: 2600\n", connected("0"), added("1"), "id: 2\nevent: CommentAdded\ndata: {\"n\"", errCut),
		stream(connected("1"), added("2"), "id: 3\nevent: CommentAdded\ndata: {}\n"), // ends before the blank line
		stream(errCut),
		stream(connected("2"), added("3")),
	)
	requireStatus(t, all.err, http.StatusNoContent)
	require.Equal(t, []string{
		`1 CommentAdded CommentStream:item:42 {"n":1}`,
		`2 CommentAdded CommentStream:item:42 {"n":2}`,
		`3 CommentAdded CommentStream:item:42 {"n":3}`,
	}, all.users())
	var ids []string
	for _, a := range all.attempts {
		ids = append(ids, a.lastID)
	}
	require.Equal(t, []string{"", "1", "2", "2", "3"}, ids)
	for _, wait := range all.waits() {
		require.Equal(t, 2600*time.Millisecond, wait, "what the server said once holds")
	}
}

func TestConnectedSaysHowItBegan(t *testing.T) {
	t.Parallel()
	all := script(t, follow.Options{}, nil, stream(connected("7")))
	require.Len(t, all.events, 1)
	e := all.events[0]
	require.True(t, e.Control)
	require.Equal(t, "7", e.ID)
	require.Equal(t, "CommentStream:item:42", e.Channel)
	c, ok := e.Connected()
	require.True(t, ok)
	require.Equal(t, follow.Connected{
		Connection: "c1", Heartbeat: time.Second, Lease: time.Minute,
		Channels: []follow.Arrival{{Channel: "CommentStream:item:42", Resumed: true, Recovered: true}},
	}, c)
	_, ok = follow.Event{Type: "message", Data: json.RawMessage(`{"type":"connected"}`)}.Connected()
	require.False(t, ok, "a publisher's event is none, whatever it holds")
}

func TestSaysWhatItIsAt(t *testing.T) {
	t.Parallel()
	all := script(t, follow.Options{}, nil, stream(connected("0")), refuse(http.StatusServiceUnavailable))
	var states []string
	for _, s := range all.statuses {
		states = append(states, s.State.String())
	}
	require.Equal(t, strings.Fields("connecting live waiting connecting waiting connecting"), states)
	require.ErrorContains(t, all.statuses[2].Err, "the stream ended: EOF")
	requireStatus(t, all.statuses[4].Err, http.StatusServiceUnavailable)
}

func TestWaitsBetweenAttempts(t *testing.T) {
	t.Parallel()
	busy := refuse(http.StatusServiceUnavailable)
	half := func() float64 { return 0.5 }
	for name, tc := range map[string]struct {
		o     follow.Options
		steps []http.HandlerFunc
		want  []string
	}{
		"failures double the spread": {
			o:     follow.Options{Rand: half},
			steps: []http.HandlerFunc{busy, refuse(500), refuse(502), refuse(504), busy, busy, busy, busy},
			want:  strings.Fields("750ms 1.25s 2.25s 4.25s 8.25s 15.25s 15.25s 15.25s"),
		},
		"never less than the least": {
			steps: []http.HandlerFunc{busy, busy, busy, busy},
			want:  strings.Fields("500ms 500ms 500ms 500ms"),
		},
		"bounds of one's own": {
			o:     follow.Options{Rand: half, MinWait: time.Second, MaxWait: 3 * time.Second},
			steps: []http.HandlerFunc{busy, busy, busy},
			want:  strings.Fields("1.5s 2s 2s"),
		},
		"a least above the most": {
			o:     follow.Options{Rand: half, MinWait: time.Minute},
			steps: []http.HandlerFunc{busy, busy},
			want:  strings.Fields("1m0s 1m0s"),
		},
		"Retry-After is the least": {
			o:     follow.Options{Rand: half},
			steps: []http.HandlerFunc{refuse(429, "Retry-After", "7"), refuse(503, "Retry-After", "0"), refuse(429, "Retry-After", "soon")},
			want:  strings.Fields("7.25s 1.25s 2.25s"),
		},
		"Retry-After as a date": { // a bubble begins at the start of the year 2000
			steps: []http.HandlerFunc{refuse(429, "Retry-After", "Sat, 01 Jan 2000 00:00:09 GMT"), refuse(429, "Retry-After", "Sat, 01 Jan 2000 00:00:08 GMT")},
			want:  strings.Fields("9s 500ms"),
		},
		"Retry-After beyond reason": {
			steps: []http.HandlerFunc{refuse(429, "Retry-After", "2000000000")},
			want:  strings.Fields("1h0m0s"),
		},
		"retry is the least": {
			o:     follow.Options{Rand: half},
			steps: []http.HandlerFunc{stream("retry: 2600\n\n"), busy, stream("retry: 10\n\n", errCut)},
			want:  strings.Fields("2.85s 3.35s 2.25s"),
		},
		"retry beyond reason": {
			steps: []http.HandlerFunc{stream("retry: 99999999999999999999\n")},
			want:  strings.Fields("1h0m0s"),
		},
		"a planned end is no failure": {
			o: follow.Options{Rand: half},
			steps: []http.HandlerFunc{
				busy, busy,
				stream(connected("1"), "retry: 70\nevent: sse.rotate\ndata: {}\n\n"),
				stream("retry: 3000\n", connected("1"), "retry: 0\nevent: sse.rotate\ndata: {}\n\n"),
				busy,
			},
			want: strings.Fields("750ms 1.25s 70ms 50ms 750ms"),
		},
		"a cut is one, though an end was planned": {
			steps: []http.HandlerFunc{stream(connected("1"), "retry: 70\nevent: sse.rotate\ndata: {}\n\n", errCut)},
			want:  strings.Fields("500ms"),
		},
		"refused in-band": {
			o:     follow.Options{Rand: half},
			steps: []http.HandlerFunc{stream("retry: 900\nevent: sse.refused\ndata: {\"reason\":\"limit\"}\n\n"), stream("event: sse.refused\ndata: {}\n\n")},
			want:  strings.Fields("1.15s 1.65s"),
		},
		"ten seconds live begin anew": {
			o:     follow.Options{Rand: half},
			steps: []http.HandlerFunc{busy, busy, stream(connected("1"), heartbeats(10)), busy},
			want:  strings.Fields("750ms 1.25s 750ms 1.25s"),
		},
		"nine do not": {
			o:     follow.Options{Rand: half},
			steps: []http.HandlerFunc{busy, busy, stream(connected("1"), heartbeats(9)), busy},
			want:  strings.Fields("750ms 1.25s 2.25s 4.25s"),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := script(t, tc.o, nil, tc.steps...)
			requireStatus(t, all.err, http.StatusNoContent)
			require.Len(t, all.attempts, len(tc.want)+1)
			var waits []string
			for _, wait := range all.waits() {
				waits = append(waits, wait.String())
			}
			require.Equal(t, tc.want, waits)
			require.GreaterOrEqual(t, all.attempts[len(all.attempts)-1].at, sum(all.waits()), "and it did wait")
		})
	}
}

func sum(waits []time.Duration) (total time.Duration) {
	for _, wait := range waits {
		total += wait
	}
	return total
}

func TestGivesUpWhereComingBackIsOfNoUse(t *testing.T) {
	t.Parallel()
	problem := func(status int, kind, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}
	}
	const json = "application/problem+json"
	for name, tc := range map[string]struct {
		step   http.HandlerFunc
		status int
		want   string
	}{
		"204":             {step: refuse(204), status: 204, want: "follow: the server answers 204 No Content"},
		"400":             {step: problem(400, json, `{"type":"about:blank","title":"Bad Request","status":400,"detail":"the key is empty"}`), status: 400, want: "follow: the server answers 400 Bad Request: the key is empty"},
		"401":             {step: problem(401, json, `{"title":"Token expired","detail":"at 12:00"}`), status: 401, want: "follow: the server answers 401 Unauthorized: Token expired: at 12:00"},
		"403":             {step: refuse(403), status: 403, want: "follow: the server answers 403 Forbidden"},
		"404":             {step: problem(404, "text/html", "<h1>no</h1>"), status: 404, want: "follow: the server answers 404 Not Found"},
		"410":             {step: refuse(410), status: 410, want: "follow: the server answers 410 Gone"},
		"a giant problem": {step: problem(403, json, `{"title":"`+strings.Repeat("x", 1<<20)+`"}`), status: 403, want: "follow: the server answers 403 Forbidden"},
		"another type":    {step: problem(200, "text/html; charset=utf-8", "<h1>hello</h1>"), want: `follow: the server answers "text/html; charset=utf-8", not a stream`},
		"no type":         {step: problem(200, "", "data: x\n\n"), want: `follow: the server answers "", not a stream`},
		"an event that is too large": {
			step: stream("data: " + strings.Repeat("x", 101) + "\n\n"),
			want: "follow: the stream ended: sse: event too large: more than 100 bytes of data",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := script(t, follow.Options{MaxEvent: 100}, nil, tc.step)
			require.EqualError(t, all.err, tc.want)
			require.Len(t, all.attempts, 1)
			if tc.status != 0 {
				requireStatus(t, all.err, tc.status)
			}
		})
	}
}

func TestTakesAStreamOfAnyParameters(t *testing.T) {
	t.Parallel()
	all := script(t, follow.Options{}, nil, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "Text/Event-Stream; charset=utf-8")
		_, _ = w.Write([]byte(connected("1") + added("1")))
	})
	require.Len(t, all.users(), 1)
}

func TestSilenceIsADeadConnection(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		o    follow.Options
		step http.HandlerFunc
		want time.Duration // when it came back, the wait of 500 ms included
	}{
		"after connected":         {step: stream(connected("1"), time.Hour), want: 3 * time.Second},
		"after a heartbeat":       {step: stream(connected("1"), 2*time.Second, ":\n", time.Hour), want: 5 * time.Second},
		"after half a line":       {step: stream(connected("1"), 2*time.Second, "da", time.Hour), want: 5 * time.Second},
		"a heartbeat too late":    {step: stream(connected("1"), 2501*time.Millisecond, ":\n", time.Hour), want: 3 * time.Second},
		"before connected":        {step: stream(":\n", time.Hour), want: 38 * time.Second},
		"before the headers":      {step: func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, want: 38 * time.Second},
		"in a refusal":            {step: stalled(503), want: 38 * time.Second},
		"with a heartbeat of 2 s": {o: follow.Options{Heartbeat: 2 * time.Second}, step: stream(":\n", time.Hour), want: 5500 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := script(t, tc.o, nil, tc.step)
			requireStatus(t, all.err, http.StatusNoContent)
			require.Len(t, all.attempts, 2)
			require.Equal(t, tc.want, all.attempts[1].at)
			if name != "in a refusal" {
				require.ErrorContains(t, all.statuses[len(all.statuses)-2].Err, "nothing heard for 2.5 heartbeats")
			}
		})
	}
}

// stalled begins a body and never ends it.
func stalled(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(status)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}
}

func TestASlowHandlerIsNoSilence(t *testing.T) {
	t.Parallel()
	all := script(t, follow.Options{}, func(follow.Event) error {
		time.Sleep(time.Hour) // in a bubble
		return nil
	}, stream(connected("1"), added("2"), ":\n", added("3"), time.Second, added("4")))
	require.Len(t, all.attempts, 2)
	require.Len(t, all.users(), 3)
}

func TestHandsAnEventOnOnce(t *testing.T) {
	t.Parallel()
	noID := "event: CommentAdded\ndata: {}\n\n"
	gap := "id: 2\nevent: sse.gap\ndata: {\"channel\":\"CommentStream:item:42\"}\n\n"
	all := script(t, follow.Options{}, nil,
		stream("id\nevent: X\ndata: 1\n\nid\nevent: X\ndata: 2\n\n", connected("0"), added("1"), added("2"), added("2"), noID, noID),
		stream(connected("2"), gap, added("1"), noID, added("2"), added("3")),
	)
	users := all.users()
	require.Equal(t, []string{" X  1", " X  2"}, users[:2], "an empty id is none")
	require.Equal(t, []string{
		"1 CommentAdded", "2 CommentAdded", "2 CommentAdded", "2 CommentAdded", "1 CommentAdded", "3 CommentAdded",
	}, first(users[2:], 2), "one without an id has the one before, and is never taken for a repeated one")
	require.Equal(t, []string{"0 message", "2 message", "2 sse.gap"}, first(controls(all), 2), "Runnel's own are always handed on")
}

func TestRemembers1024IDs(t *testing.T) {
	t.Parallel()
	var frames strings.Builder
	for i := range 1024 {
		frames.WriteString(added(fmt.Sprint(i)))
	}
	all := script(t, follow.Options{}, nil,
		stream(connected("x"), frames.String()),
		stream(connected("x"), added("0"), added("1023"), added("1024"), added("1"), added("0")), // 1024 takes the place of 0
	)
	users := all.users()
	require.Len(t, users, 1026)
	require.Equal(t, []string{"1023", "1024", "0"}, first(users[1023:], 1))
}

func controls(all told) (lines []string) {
	for i, line := range all.lines() {
		if all.events[i].Control {
			lines = append(lines, line)
		}
	}
	return lines
}

// first keeps the first words of each line.
func first(lines []string, words int) (cut []string) {
	for _, line := range lines {
		cut = append(cut, strings.Join(strings.Fields(line)[:words], " "))
	}
	return cut
}

func TestSeveralChannels(t *testing.T) {
	t.Parallel()
	const url = "http://runnel.test/sse?channel=CommentStream:item:42&channel=SystemStream:all"
	hello := `id: 0` + "\n" + `data: {"type":"connected","channel":"CommentStream:item:42","channels":[{"channel":"CommentStream:item:42"},{"channel":"SystemStream:all"}]}` + "\n\n"
	all := script(t, follow.Options{URL: url}, nil, stream(
		hello,
		"id: 1\nevent: CommentAdded\ndata: {\"channel\":\"CommentStream:item:42\",\"data\":{\"channel\":\"x\", \"n\":9007199254740993}}\n\n",
		"id: 2\nevent: SystemAlert\ndata: {\"channel\":\"SystemStream:all\",\"data\":null}\n\n",
		"id: 2a\nevent: sse.joined\ndata: {\"channel\":\"CommentStream:item:42\",\"data\":{\"user\":\"7\"}}\n\n",
		"id: 3\nevent: sse.gap\ndata: {\"channel\":\"SystemStream:all\",\"reason\":\"retention\"}\n\n",
		"retry: 50\nevent: sse.rotate\ndata: {}\n\n",
	))
	requireStatus(t, all.err, http.StatusNoContent)
	require.Equal(t, []string{
		`1 CommentAdded CommentStream:item:42 {"channel":"x", "n":9007199254740993}`,
		`2 SystemAlert SystemStream:all null`,
		`2a sse.joined CommentStream:item:42 {"user":"7"}`,
	}, all.users())
	require.Equal(t, []string{
		`3 sse.gap SystemStream:all {"channel":"SystemStream:all","reason":"retention"}`,
		`3 sse.rotate  {}`,
	}, controls(all)[1:])
	require.Empty(t, all.events[0].Channel, "connected is about all of them")

	for name, data := range map[string]string{
		"not JSON":   `{"n"`,
		"bare data":  `{"n":1}`,
		"no channel": `{"data":{}}`,
		"no data":    `{"channel":"SystemStream:all"}`,
		"an array":   `[]`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := script(t, follow.Options{URL: url}, nil, stream(hello, "id: 1\nevent: X\ndata: "+data+"\n\n"))
			require.ErrorContains(t, all.err, `follow: event X of several channels is not {"channel":…,"data":…}`)
			require.Empty(t, all.users())
		})
	}
}

func TestPresenceIsOfTheChannel(t *testing.T) {
	t.Parallel()
	hello := "id: 0\ndata: {\"type\":\"connected\",\"channel\":\"CommentStream:item:42\"}\n\n"
	all := script(t, follow.Options{}, nil, stream(hello, "id: 1\nevent: sse.left\ndata: {\"user\":\"7\"}\n\n"))
	require.Equal(t, []string{`1 sse.left CommentStream:item:42 {"user":"7"}`}, all.users())
}

func TestWhereToBegin(t *testing.T) {
	t.Parallel()
	const base = "http://runnel.test/sse/S/k"
	for name, tc := range map[string]struct {
		o             follow.Options
		first, second attempt // at aside
	}{
		"now":            {second: attempt{lastID: "1"}},
		"since":          {o: follow.Options{Since: "-10"}, first: attempt{query: "since=-10"}, second: attempt{lastID: "1"}},
		"id":             {o: follow.Options{LastEventID: "7"}, first: attempt{lastID: "7"}, second: attempt{lastID: "1"}},
		"id and since":   {o: follow.Options{LastEventID: "7", Since: "earliest"}, first: attempt{lastID: "7"}, second: attempt{lastID: "1"}},
		"since in URL":   {o: follow.Options{URL: base + "?since=earliest&x=1"}, first: attempt{query: "since=earliest&x=1"}, second: attempt{query: "x=1", lastID: "1"}},
		"id in URL":      {o: follow.Options{URL: base + "?last_event_id=5"}, first: attempt{query: "last_event_id=5"}, second: attempt{lastID: "1"}},
		"since in both":  {o: follow.Options{URL: base + "?since=earliest", Since: "-1"}, first: attempt{query: "since=-1"}, second: attempt{lastID: "1"}},
		"not ASCII, raw": {o: follow.Options{LastEventID: "é"}, first: attempt{lastID: "é"}, second: attempt{lastID: "1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := script(t, tc.o, nil, stream(connected("1")))
			require.Len(t, all.attempts, 2)
			all.attempts[0].at, all.attempts[1].at = 0, 0
			require.Equal(t, []attempt{tc.first, tc.second}, all.attempts)
		})
	}
}

func TestSendsItsHeaders(t *testing.T) {
	t.Parallel()
	header := http.Header{"Authorization": {"Bearer x"}}
	script(t, follow.Options{Header: header, LastEventID: "7"}, nil, func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Authorization"); got != "Bearer x" {
			t.Errorf("Authorization is %q", got)
		}
		if got := r.Header.Get("Accept"); got != sse.ContentType {
			t.Errorf("Accept is %q", got)
		}
		if got := r.Header.Get("Accept-Encoding"); got != "identity" {
			t.Errorf("Accept-Encoding is %q", got)
		}
		w.WriteHeader(http.StatusForbidden)
	})
	require.Equal(t, http.Header{"Authorization": {"Bearer x"}}, header, "the caller's own stays as it was")
}

func TestEndsWithItsHandler(t *testing.T) {
	t.Parallel()
	enough := errors.New("enough")
	all := script(t, follow.Options{}, func(e follow.Event) error {
		if e.Type == "CommentAdded" {
			return enough
		}
		return nil
	}, stream(connected("0"), added("1"), added("2")))
	require.Equal(t, enough, all.err)
	require.Len(t, all.users(), 1)
	require.Len(t, all.attempts, 1)
}

func TestEndsWithItsContext(t *testing.T) {
	t.Parallel()
	for name, step := range map[string]http.HandlerFunc{
		"connecting": stalledHeaders,
		"reading":    stream(connected("0"), heartbeats(100)),
		"waiting":    stream("retry: 60000\n"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				err := follow.Follow(ctx, follow.Options{URL: "http://runnel.test/sse/S/k", Client: pipe(t, step)},
					func(follow.Event) error { return nil })
				require.Equal(t, context.DeadlineExceeded, err)
				require.Equal(t, 10*time.Second, time.Since(began))
			})
		})
	}
}

func stalledHeaders(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

func TestRefusesWhatIsNoURL(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"", "sse/S/k", "localhost:8080/sse/S/k", "ftp://x/sse", "http://", "http://x\n/", ":"} {
		err := follow.Follow(t.Context(), follow.Options{URL: url}, nil)
		require.ErrorContains(t, err, "follow: ", "%q", url)
	}
}

// The same over real sockets: a server that cuts connections in the middle of
// events, in the middle of their characters, and repeats what was cut.
func TestOverSockets(t *testing.T) {
	t.Parallel()
	const events = 40
	var attempts atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := int(attempts.Add(1))
		last := 0
		_, _ = fmt.Sscan(r.Header.Get("Last-Event-ID"), &last)
		w.Header().Set("Content-Type", sse.ContentType)
		var out strings.Builder
		out.WriteString(fmt.Sprintf("retry: 1\nid: %d\ndata: {\"type\":\"connected\",\"heartbeat_ms\":15000,\"channel\":\"S:k\"}\n\n", last))
		for i := max(1, last); i <= events; i++ { // the last one once more
			out.WriteString(fmt.Sprintf("id: %d\nevent: X\ndata: {\"n\":%d,\"text\":\"😀\"}\n\n", i, i))
		}
		_, _ = w.Write([]byte(out.String()[:min(len(out.String()), 400+17*n)]))
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}))
	t.Cleanup(server.Close)

	done := errors.New("done")
	var got []string
	err := follow.Follow(t.Context(), follow.Options{URL: server.URL + "/sse/S/k", MinWait: time.Millisecond, MaxWait: time.Millisecond}, func(e follow.Event) error {
		if e.Control {
			return nil
		}
		var body struct {
			N    int
			Text string
		}
		if err := json.Unmarshal(e.Data, &body); err != nil {
			return err
		}
		if got = append(got, fmt.Sprint(e.ID, "=", body.N, body.Text)); body.N == events {
			return done
		}
		return nil
	})
	require.Equal(t, done, err)
	require.Len(t, got, events)
	for i, line := range got {
		require.Equal(t, fmt.Sprintf("%d=%d😀", i+1, i+1), line)
	}
	require.Greater(t, attempts.Load(), int64(3))
}

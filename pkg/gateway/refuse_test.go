package gateway_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/auth"
	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/command"
	"github.com/runnel-sse/runnel/pkg/eventlog"
	"github.com/runnel-sse/runnel/pkg/gateway"
	"github.com/runnel-sse/runnel/pkg/memory"
	"github.com/runnel-sse/runnel/pkg/sse"
	"github.com/runnel-sse/runnel/pkg/subscriber"
)

func TestRefusalsNameTheRule(t *testing.T) {
	t.Parallel()
	many := func(n int) string {
		var q []string
		for i := range n {
			q = append(q, fmt.Sprintf("channel=CommentStream:item:%d", i))
		}
		return "/sse?" + strings.Join(q, "&")
	}
	const one = "/sse/CommentStream/item:42"
	for name, tc := range map[string]struct {
		path   string
		header string // of Last-Event-ID
		status int
		code   string
		detail string // a part of it
	}{
		"unknown stream":           {path: "/sse/PriceStream/symbol:X", status: 404, code: "unknown-stream", detail: "PriceStream"},
		"not a path":               {path: "/sse/CommentStream", status: 404, code: "not-found", detail: "/sse/{StreamType}/{key}"},
		"too long a path":          {path: "/sse/CommentStream/item:42/x", status: 404, code: "not-found"},
		"key of another form":      {path: "/sse/CommentStream/user:42", status: 400, code: "malformed-channel", detail: "item:{item_id}"},
		"empty part":               {path: "/sse/CommentStream/item:", status: 400, code: "malformed-channel", detail: "empty part"},
		"line end in the name":     {path: "/sse/CommentStream/item:4%0d%0aX-Evil:%20yes", status: 400, code: "malformed-channel", detail: `'\r' is not allowed`},
		"NUL in the name":          {path: "/sse?channel=CommentStream:item:4%00", status: 400, code: "malformed-channel", detail: "not allowed"},
		"name too long":            {path: "/sse/CommentStream/item:" + strings.Repeat("4", 200), status: 400, code: "malformed-channel", detail: "at most 128"},
		"no channel":               {path: "/sse", status: 400, code: "no-channel"},
		"no channel either":        {path: "/sse/?x=1", status: 400, code: "no-channel"},
		"too many channels":        {path: many(33), status: 400, code: "too-many-channels", detail: "at most 32"},
		"broken query":             {path: "/sse?channel=%zz", status: 400, code: "malformed-query"},
		"since tomorrow":           {path: one + "?since=tomorrow", status: 400, code: "malformed-since", detail: "earliest"},
		"since too far":            {path: one + "?since=-1001", status: 400, code: "malformed-since", detail: "1000"},
		"since nothing":            {path: one + "?since=-0", status: 400, code: "malformed-since"},
		"cursor too long":          {path: one + "?last_event_id=" + strings.Repeat("x", 1025), status: 400, code: "malformed-cursor", detail: "1024"},
		"cursor with a space":      {path: one + "?last_event_id=a%20b", status: 400, code: "malformed-cursor", detail: "at byte 1"},
		"cursor with a line end":   {path: one + "?lastEventId=a%0Ab", status: 400, code: "malformed-cursor"},
		"cursor in a header":       {path: one, header: "ä", status: 400, code: "malformed-cursor"},
		"not admitted":             {path: "/sse/NotificationStream/user:7", status: 401, code: "unauthorized", detail: "NotificationStream:user:7"},
		"one of several forbidden": {path: "/sse?channel=CommentStream:item:1&channel=NotificationStream:user:7", status: 401, code: "unauthorized", detail: "NotificationStream:user:7"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := open(t, func(c *gateway.Config) { c.Guard = nil }) // then only public streams are served
				var header []string
				if tc.header != "" {
					header = []string{"Last-Event-ID", tc.header}
				}
				for _, suffix := range []string{"", "refuse=stream"} {
					path := tc.path
					if suffix != "" && strings.Contains(path, "?") {
						path += "&" + suffix
					} else if suffix != "" {
						path += "?" + suffix
					}
					res := h.get(path, header...)
					require.Equal(t, tc.status, res.StatusCode, "what is final is never in-band")
					require.Equal(t, "application/problem+json", res.Header.Get("Content-Type"))
					require.Empty(t, res.Header.Get("X-Evil"))
					var p struct {
						Type, Title, Detail string
						Status              int
					}
					require.NoError(t, json.NewDecoder(res.Body).Decode(&p))
					require.Equal(t, "urn:runnel:problem:"+tc.code, p.Type)
					require.Equal(t, tc.status, p.Status)
					require.Equal(t, http.StatusText(tc.status), p.Title)
					require.Contains(t, p.Detail, tc.detail)
				}
			})
		})
	}
}

// One binary serves one stream or several: what is another function's is said to
// be so, and served by nobody here, by whatever way it is asked for.
func TestAStreamOfAnotherFunctionIsServedElsewhere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(c *gateway.Config) { c.Streams = []string{"CommentStream", "ClaimStream"} })
		for path, function := range map[string]string{
			"/sse/ThriftyStream/page:1": "thrift", "/sse/PatientStream/job:1": "stream",
			"/sse?channel=CommentStream:item:1&channel=ThriftyStream:page:1": "thrift",
		} {
			res := h.get(path)
			require.Equal(t, http.StatusNotFound, res.StatusCode, path)
			var p struct{ Type, Detail string }
			require.NoError(t, json.NewDecoder(res.Body).Decode(&p))
			require.Equal(t, "urn:runnel:problem:served-elsewhere", p.Type)
			require.Contains(t, p.Detail, "is served by the function "+function+", at another address; here are CommentStream, ClaimStream")
		}
		s := h.connect(several)
		defer s.close()
		h.post(command.Command{
			Type: command.Renew, Connection: s.hello.Connection, Subject: "7", Expires: time.Now().Add(time.Hour), Add: []string{"ThriftyStream:page:1"},
		})
		require.Equal(t, "served-elsewhere", renewed(t, s).Refused.Reason)
	})
}

func TestAGatewayServesStreamsThatThereAre(t *testing.T) {
	t.Parallel()
	_, err := gateway.New(gateway.Config{Catalog: catalog, Streams: []string{"CommentStream", "PriceStream"}})
	require.ErrorContains(t, err, `Config.Streams has "PriceStream", and the catalog has no such stream`)
}

func TestAsManyChannelsAsAllowedAreServed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(c *gateway.Config) { c.MaxChannels = 3 })
		s := h.connect("/sse?channel=CommentStream:item:1&channel=CommentStream:item:2&channel=CommentStream:item:3")
		defer s.close()
		require.Len(t, s.hello.Channels, 3)
	})
}

func TestWhatWillPassIsRefusedAsTheClientAsks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(c *gateway.Config) { c.MaxConnections = 1 })
		s := h.connect("/sse/CommentStream/item:42")
		defer s.close()

		res := h.get("/sse/CommentStream/item:42")
		require.Equal(t, http.StatusServiceUnavailable, res.StatusCode)
		after, err := strconv.Atoi(res.Header.Get("Retry-After"))
		require.NoError(t, err)
		require.GreaterOrEqual(t, after, 2)
		require.LessOrEqual(t, after, 10)

		res = h.get("/sse/CommentStream/item:42?refuse=stream", "Last-Event-ID", s.first.ID)
		require.Equal(t, http.StatusOK, res.StatusCode)
		require.Equal(t, "text/event-stream", res.Header.Get("Content-Type"))
		events := sse.NewReader(res.Body)
		e, err := events.Next()
		require.NoError(t, err)
		require.Equal(t, "sse.refused", e.Type)
		require.Equal(t, s.first.ID, e.ID, "the client keeps its place")
		var told struct {
			Reason       string
			Status       int
			RetryAfterMS int64 `json:"retry_after_ms"`
		}
		require.NoError(t, json.Unmarshal([]byte(e.Data), &told))
		require.Equal(t, "busy", told.Reason)
		require.Equal(t, http.StatusServiceUnavailable, told.Status)
		retry, ok := events.Retry()
		require.True(t, ok)
		require.Equal(t, told.RetryAfterMS, retry.Milliseconds())
		_, err = events.Next()
		require.ErrorIs(t, err, io.EOF)
	})
}

// unable is a registry and a log that answer nothing but their error.
type unable struct {
	eventlog.Log
	*memory.Registry
	err error
}

func (u unable) Join(context.Context, subscriber.Connection, subscriber.Limits) ([]subscriber.News, error) {
	return nil, u.err
}

func (u unable) Heads(context.Context, []channel.Name) (map[channel.Name]eventlog.Position, error) {
	return nil, u.err
}

func TestEveryFaultHasItsStatusAndItsProblem(t *testing.T) {
	t.Parallel()
	decide := func(err error) func(*gateway.Config) {
		return func(c *gateway.Config) {
			c.Guard = guard(func(*http.Request) (auth.Principal, error) { return auth.Principal{}, err })
		}
	}
	join := func(err error) func(*gateway.Config) {
		return func(c *gateway.Config) {
			c.Registry = unable{Registry: memory.NewRegistry(memory.RegistryOptions{}), err: err}
		}
	}
	for name, tc := range map[string]struct {
		adjust func(*gateway.Config)
		log    error
		method string
		status int
		code   string
		later  bool // Retry-After
	}{
		"no token":        {adjust: decide(fmt.Errorf("gateway: %w: no token", auth.ErrUnauthorized)), status: 401, code: "unauthorized"},
		"another's":       {adjust: decide(auth.ErrForbidden), status: 403, code: "forbidden"},
		"a method":        {method: http.MethodPost, status: 405, code: "method"},
		"a full channel":  {adjust: join(&subscriber.LimitError{What: subscriber.OfChannel, Channel: item, Limit: 3}), status: 429, code: "channel-full", later: true},
		"a deaf registry": {adjust: join(subscriber.ErrUnavailable), status: 503, code: "unavailable", later: true},
		"a deaf log":      {log: fmt.Errorf("%w: throttled", eventlog.ErrUnavailable), status: 503, code: "unavailable", later: true},
		"a broken log":    {log: errors.New("secret"), status: 500, code: "internal"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				log := memory.NewLog(memory.LogOptions{})
				var read eventlog.Log = log
				if tc.log != nil {
					read = unable{Log: log, err: tc.log}
				}
				h := openOver(t, log, read, func(c *gateway.Config) {
					c.AllowedOrigins = []string{"https://app.example.com"}
					if tc.adjust != nil {
						tc.adjust(c)
					}
				})
				w := &plainWriter{header: http.Header{}}
				r := request(t, t.Context(), "/sse/CommentStream/item:42")
				r.Method = cmp.Or(tc.method, http.MethodGet)
				r.Header.Set("Origin", "https://app.example.com")
				h.gateway.ServeHTTP(w, r)
				require.Equal(t, tc.status, w.status)
				require.Equal(t, "application/problem+json", w.header.Get("Content-Type"))
				require.Equal(t, "no-store", w.header.Get("Cache-Control"))
				require.Equal(t, "https://app.example.com", w.header.Get("Access-Control-Allow-Origin"))
				require.Equal(t, tc.later, w.header.Get("Retry-After") != "")
				require.Equal(t, tc.status == 401 || tc.status == 403, strings.HasPrefix(w.header.Get("WWW-Authenticate"), "Bearer"))
				var p struct{ Type, Title, Detail string }
				require.NoError(t, json.Unmarshal([]byte(w.text.String()), &p))
				require.Equal(t, "urn:runnel:problem:"+tc.code, p.Type)
				require.Equal(t, http.StatusText(tc.status), p.Title)
				require.NotContains(t, p.Detail, "secret")
				require.Zero(t, h.gateway.Open())
				require.Zero(t, h.tail.Followed(), "a reader that was refused follows nothing")
			})
		})
	}
}

func TestAPlaceThatIsFreeAgainIsGivenAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(c *gateway.Config) { c.MaxConnections = 1 })
		for range 3 {
			s := h.connect("/sse/CommentStream/item:42")
			s.close()
			synctest.Wait()
		}
	})
}

func TestOtherMethods(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		for _, method := range []string{"POST", "PUT", "DELETE", "HEAD"} {
			req, err := http.NewRequestWithContext(t.Context(), method, "http://runnel.test/sse/CommentStream/item:42", nil)
			require.NoError(t, err)
			res, err := h.client.Do(req)
			require.NoError(t, err)
			require.NoError(t, res.Body.Close())
			require.Equal(t, http.StatusMethodNotAllowed, res.StatusCode)
			require.Equal(t, "GET, OPTIONS", res.Header.Get("Allow"))
		}
	})
}

func TestCORS(t *testing.T) {
	t.Parallel()
	const app, other = "https://app.example.com", "https://evil.example.com"
	for name, tc := range map[string]struct {
		allowed     []string
		origin      string
		want        string
		credentials bool
		vary        bool
	}{
		"on the list":     {allowed: []string{app}, origin: app, want: app, credentials: true, vary: true},
		"not on the list": {allowed: []string{app}, origin: other, vary: true},
		"a longer host":   {allowed: []string{app}, origin: app + ".evil.com", vary: true},
		"another scheme":  {allowed: []string{app}, origin: "http://app.example.com", vary: true},
		"no origin":       {allowed: []string{app}, vary: true},
		"the null origin": {allowed: []string{app}, origin: "null", vary: true},
		"everybody":       {allowed: []string{"*"}, origin: other, want: "*", vary: true},
		"somebody else's": {origin: app},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := open(t, func(c *gateway.Config) { c.AllowedOrigins = tc.allowed })
				header := []string{}
				if tc.origin != "" {
					header = []string{"Origin", tc.origin}
				}
				check := func(h http.Header) {
					require.Equal(t, tc.want, h.Get("Access-Control-Allow-Origin"))
					require.Equal(t, tc.credentials, h.Get("Access-Control-Allow-Credentials") == "true")
					require.Equal(t, tc.vary, h.Get("Vary") == "Origin")
					require.Equal(t, tc.want != "", h.Get("Access-Control-Expose-Headers") == "Retry-After")
				}
				s := h.connect("/sse/CommentStream/item:42", header...)
				check(s.header)
				s.close()
				check(h.get("/sse/NoStream/item:42", header...).Header)

				req, err := http.NewRequestWithContext(t.Context(), http.MethodOptions, "http://runnel.test/sse/CommentStream/item:42", nil)
				require.NoError(t, err)
				for i := 0; i < len(header); i += 2 {
					req.Header.Set(header[i], header[i+1])
				}
				req.Header.Set("Access-Control-Request-Method", "GET")
				req.Header.Set("Access-Control-Request-Headers", "authorization,last-event-id")
				res, err := h.client.Do(req)
				require.NoError(t, err)
				require.NoError(t, res.Body.Close())
				require.Equal(t, http.StatusOK, res.StatusCode)
				check(res.Header)
				want := ""
				if tc.want != "" {
					want = "Authorization, Cache-Control, Last-Event-ID"
				}
				require.Equal(t, want, res.Header.Get("Access-Control-Allow-Headers"))
				require.Equal(t, want != "", res.Header.Get("Access-Control-Allow-Methods") == "GET")
			})
		})
	}
}

func TestConfigFaultsAreAllSaid(t *testing.T) {
	t.Parallel()
	_, err := gateway.New(gateway.Config{MaxChannels: 65, AllowedOrigins: []string{"app.example.com"}})
	for _, part := range []string{"Config.Tail", "Config.Registry", "Config.Catalog", "MaxChannels", `origin "app.example.com"`} {
		require.ErrorContains(t, err, part)
	}
	for _, wrong := range [][]string{{"*", "https://a.example"}, {"https://a.example/"}, {"https://a.example/x"}, {"https://u@a.example"}} {
		_, err = gateway.New(gateway.Config{AllowedOrigins: wrong})
		require.ErrorContains(t, err, "origin", "%v", wrong)
	}
}

func TestAFaultOfTheServerIsLoggedAndNotTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(c *gateway.Config) {
			c.Guard = guard(func(*http.Request) (auth.Principal, error) {
				return auth.Principal{}, errors.New("the secret is out")
			})
		})
		res := h.get("/sse/CommentStream/item:42")
		require.Equal(t, http.StatusInternalServerError, res.StatusCode)
		body, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.NotContains(t, string(body), "secret")
		require.Contains(t, h.lines.String(), "the secret is out")
	})
}

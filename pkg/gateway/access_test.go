package gateway_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/auth"
	"github.com/runnel-sse/runnel/pkg/gateway"
	"github.com/runnel-sse/runnel/pkg/memory"
	"github.com/runnel-sse/runnel/pkg/obs"
	"github.com/runnel-sse/runnel/pkg/sse"
	"github.com/runnel-sse/runnel/pkg/subscriber"
)

func TestWhoIsRefusedLearnsWhyAsRFC6750Says(t *testing.T) {
	t.Parallel()
	const mine, theirs, public = "/sse/NotificationStream/user:7", "/sse/NotificationStream/user:8", "/sse/CommentStream/item:42"
	bad := func(code string) guard {
		return func(*http.Request) (auth.Principal, error) {
			return auth.Principal{}, &auth.Refusal{Code: code, Text: "the token is no good", Why: "its signature is of key k1"}
		}
	}
	for name, tc := range map[string]struct {
		guard     gateway.Guard
		path      string
		status    int
		code      string
		challenge string
	}{
		"nobody":                   {nil, mine, 401, "unauthorized", `Bearer realm="runnel"`},
		"nobody, what is public":   {nil, public, 200, "", ""},
		"the owner":                {as(auth.Principal{Subject: "7"}), mine, 200, "", ""},
		"another":                  {as(auth.Principal{Subject: "7"}), theirs, 403, "forbidden", `Bearer realm="runnel", error="insufficient_scope"`},
		"one of several":           {as(auth.Principal{Subject: "7"}), "/sse?channel=NotificationStream:user:7&channel=NotificationStream:user:8", 403, "forbidden", `Bearer realm="runnel", error="insufficient_scope"`},
		"a bad token":              {bad(auth.CodeInvalidToken), public, 401, "invalid-token", `Bearer realm="runnel", error="invalid_token", error_description="the token is no good"`},
		"two tokens":               {bad(auth.CodeInvalidRequest), public, 400, "invalid-request", `Bearer realm="runnel", error="invalid_request", error_description="the token is no good"`},
		"an expired one":           {as(auth.Principal{Subject: "7", Expires: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)}), mine, 401, "invalid-token", `Bearer realm="runnel", error="invalid_token", error_description="the token has expired"`},
		"it cannot be known":       {guard(func(*http.Request) (auth.Principal, error) { return auth.Principal{}, auth.ErrUnavailable }), public, 503, "unavailable", ""},
		"a ticket for the channel": {as(auth.Principal{Ticket: true, Only: nil}), public, 403, "forbidden", `Bearer realm="runnel", error="insufficient_scope"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := &numbersOf{}
				h := open(t, func(c *gateway.Config) { c.Guard, c.Metrics = tc.guard, m })
				res := h.get(tc.path)
				require.Equal(t, tc.status, res.StatusCode)
				require.Equal(t, tc.challenge, res.Header.Get("WWW-Authenticate"))
				if tc.status == 200 {
					return
				}
				body, err := io.ReadAll(res.Body)
				require.NoError(t, err)
				require.Contains(t, string(body), "urn:runnel:problem:"+tc.code+`"`)
				require.NotContains(t, string(body), "k1", "what helps an attacker is for the log")
				refused := map[int]obs.Metric{400: obs.RefusedRequest, 401: obs.RefusedAccess, 403: obs.RefusedAccess, 503: obs.RefusedBusy}
				require.Equal(t, 1, m.count(refused[tc.status]))
				require.Zero(t, h.count(), "and has no place")
				require.Zero(t, h.gateway.Open())
			})
		})
	}
}

func TestWhoItIsIsAskedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		h := open(t, func(c *gateway.Config) {
			c.Guard = guard(func(*http.Request) (auth.Principal, error) {
				asked++
				return auth.Principal{Subject: "7"}, nil
			})
		})
		h.get("/sse?channel=NotificationStream:user:x:y") // malformed: a ticket is not used up for it
		require.Zero(t, asked)
		s := h.connect("/sse?channel=CommentStream:item:1&channel=NotificationStream:user:7&channel=CommentStream:item:2")
		defer s.close()
		require.Equal(t, 1, asked)
	})
}

func TestAForeignPageGetsNothingWithCredentials(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, inFront := range []bool{false, true} {
			asked := 0
			h := open(t, func(c *gateway.Config) {
				c.AllowedOrigins, c.CORSInFront = []string{"https://app.example.com"}, inFront
				c.Guard = guard(func(*http.Request) (auth.Principal, error) {
					asked++
					return auth.Principal{Subject: "7"}, nil
				})
			})
			res := h.get("/sse/NotificationStream/user:7", "Origin", "https://evil.example", "Cookie", "__Host-runnel=x")
			require.Equal(t, http.StatusForbidden, res.StatusCode)
			require.Zero(t, asked)
			res = h.get("/sse/NotificationStream/user:7", "Origin", "https://app.example.com", "Cookie", "__Host-runnel=x")
			require.Equal(t, http.StatusOK, res.StatusCode)
			require.Equal(t, inFront, res.Header.Get("Access-Control-Allow-Origin") == "", "one of the two answers")
		}
	})
}

// strict is a registry that remembers who joined, and answers as it is told.
type strict struct {
	*memory.Registry
	mu     sync.Mutex
	joined []subscriber.Connection
	limits []subscriber.Limits
	refuse error
	news   []subscriber.News
}

func (s *strict) Join(ctx context.Context, c subscriber.Connection, l subscriber.Limits) ([]subscriber.News, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.joined, s.limits = append(s.joined, c), append(s.limits, l)
	if s.refuse != nil {
		return nil, s.refuse
	}
	_, err := s.Registry.Join(ctx, c, subscriber.Limits{})
	return s.news, err
}

func (s *strict) Leave(ctx context.Context, c subscriber.Connection) ([]subscriber.News, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := s.Registry.Leave(ctx, c)
	return s.news, err
}

func openStrict(t *testing.T, adjust func(*gateway.Config)) (*house, *strict) {
	var s *strict
	h := open(t, func(c *gateway.Config) {
		c.UserLimit = 0
		s = &strict{Registry: c.Registry.(*memory.Registry)}
		c.Registry = s
		if adjust != nil {
			adjust(c)
		}
	})
	return h, s
}

func TestLimitsAreTheTightestThereAre(t *testing.T) {
	t.Parallel()
	none := func(c *gateway.Config) { c.UserLimit, c.AddressLimit, c.ConnectRate = -1, -1, -1 }
	for name, tc := range map[string]struct {
		adjust func(*gateway.Config)
		path   string
		want   subscriber.Limits
		seats  []int
	}{
		"by default":              {nil, "/sse/CommentStream/item:42", subscriber.Limits{User: 50, Address: 200, Rate: 50}, []int{0}},
		"the stream's":            {nil, "/sse/NarrowStream/room:1", subscriber.Limits{User: 40, Address: 20, Rate: 50}, []int{1}},
		"one stream's":            {nil, "/sse?channel=CommentStream:item:42&channel=NarrowStream:room:1", subscriber.Limits{User: 40, Address: 20, Rate: 50}, []int{0, 1}},
		"none":                    {none, "/sse/CommentStream/item:42", subscriber.Limits{}, []int{0}},
		"none but the stream's":   {none, "/sse/NarrowStream/room:1", subscriber.Limits{User: 40, Address: 20}, []int{1}},
		"tighter than a stream's": {func(c *gateway.Config) { c.UserLimit = 3 }, "/sse/NarrowStream/room:1", subscriber.Limits{User: 3, Address: 20, Rate: 50}, []int{1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h, s := openStrict(t, tc.adjust)
				h.connect(tc.path).close()
				require.Equal(t, []subscriber.Limits{tc.want}, s.limits)
				require.Equal(t, "7", s.joined[0].User)
				var seats []int
				for _, seat := range s.joined[0].Seats {
					seats = append(seats, seat.Limit)
				}
				require.Equal(t, tc.seats, seats)
			})
		})
	}
}

func TestWhenceAReaderComes(t *testing.T) {
	t.Parallel()
	const proxied = "X-Forwarded-For"
	for name, tc := range map[string]struct {
		trusted, remote string
		said            []string
		want            string
	}{
		"a socket":                   {"", "192.0.2.1:5000", nil, "192.0.2.1"},
		"Lambda":                     {"", "192.0.2.1", nil, "192.0.2.1"},
		"IPv6":                       {"", "[2001:db8:1:2:3::4]:5000", nil, "2001:db8:1:2::/64"},
		"what nobody trusts":         {"", "192.0.2.1:5000", []string{"203.0.113.9"}, "192.0.2.1"},
		"what the proxy has seen":    {proxied, "192.0.2.1:5000", []string{"203.0.113.9"}, "203.0.113.9"},
		"not what the client says":   {proxied, "192.0.2.1:5000", []string{"198.51.100.1, 203.0.113.9"}, "203.0.113.9"},
		"nor in a header of its own": {proxied, "192.0.2.1:5000", []string{"198.51.100.1", "203.0.113.9"}, "203.0.113.9"},
		"past the proxy":             {proxied, "192.0.2.1:5000", nil, "192.0.2.1"},
		"no address":                 {proxied, "@", []string{"unknown"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h, s := openStrict(t, func(c *gateway.Config) { c.AddressHeader, c.MaxLife = tc.trusted, time.Second })
				r := request(t, t.Context(), "/sse/CommentStream/item:42")
				r.RemoteAddr = tc.remote
				for _, v := range tc.said {
					r.Header.Add(proxied, v)
				}
				h.gateway.ServeHTTP(httptest.NewRecorder(), r)
				require.Equal(t, tc.want, s.joined[0].Address)
			})
		})
	}
}

func TestNoPlaceIsSaidInTheWordsOfTheLimit(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		err    error
		status int
		code   string
		low    int // seconds of Retry-After
		high   int
	}{
		"channel": {&subscriber.LimitError{What: subscriber.OfChannel, Channel: item, Limit: 50}, 429, "channel-full", 2, 10},
		"user":    {&subscriber.LimitError{What: subscriber.OfUser, Limit: 5}, 429, "user-full", 2, 10},
		"address": {&subscriber.LimitError{What: subscriber.OfAddress, Limit: 5}, 429, "address-full", 2, 10},
		"rate":    {&subscriber.LimitError{What: subscriber.OfRate, Limit: 5}, 429, "connect-rate", 1, 3},
		"kicked":  {&subscriber.BlockedError{Target: subscriber.Target{User: "7"}, Until: time.Date(2000, 1, 1, 1, 0, 0, 0, time.UTC)}, 403, "blocked", 3600, 3600},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := &numbersOf{}
				h, s := openStrict(t, func(c *gateway.Config) { c.Metrics = m })
				s.refuse = tc.err
				res := h.get("/sse/CommentStream/item:42")
				require.Equal(t, tc.status, res.StatusCode)
				after, err := strconv.Atoi(res.Header.Get("Retry-After"))
				require.NoError(t, err)
				require.GreaterOrEqual(t, after, tc.low)
				require.LessOrEqual(t, after, tc.high)
				res = h.get("/sse/CommentStream/item:42?refuse=stream")
				if tc.status == 429 {
					require.Equal(t, http.StatusOK, res.StatusCode)
					e, err := sse.NewReader(res.Body).Next()
					require.NoError(t, err)
					require.Equal(t, "sse.refused", e.Type)
					require.Contains(t, e.Data, `"reason":"`+tc.code+`"`)
					require.Equal(t, 2, m.count(obs.RefusedLimit))
				} else {
					require.Equal(t, tc.status, res.StatusCode, "it is not for a moment")
					require.Equal(t, 2, m.count(obs.RefusedAccess))
				}
				require.Zero(t, h.gateway.Open())
				require.Zero(t, h.tail.Followed())
			})
		})
	}
}

func TestNewsAreHandedOnWhenReadersComeAndGo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var kinds []string
		h, s := openStrict(t, func(c *gateway.Config) {
			c.News = func(ctx context.Context, news []subscriber.News) {
				mu.Lock()
				defer mu.Unlock()
				for _, n := range news {
					if ctx.Err() != nil {
						panic(errors.New("the request is over, what is said of it is not"))
					}
					kinds = append(kinds, n.Kind)
				}
			}
		})
		s.news = []subscriber.News{{Kind: subscriber.Joined}}
		c := h.connect("/sse/CommentStream/item:42")
		s.mu.Lock()
		s.news = []subscriber.News{{Kind: subscriber.Left}}
		s.mu.Unlock()
		c.close()
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		require.Equal(t, []string{subscriber.Joined, subscriber.Left}, kinds)
	})
}

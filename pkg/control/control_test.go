package control_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/auth"
	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/command"
	"github.com/runnel-sse/runnel/pkg/control"
	"github.com/runnel-sse/runnel/pkg/memory"
	"github.com/runnel-sse/runnel/pkg/subscriber"
)

func TestATicketIsForWhatItsHolderMayRead(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	res, body := h.do("POST", "/ticket", `{"channels":["NotificationStream:user:7","CommentStream:item:1","CommentStream:item:1"]}`, as(t, "7")...)
	require.Equal(t, http.StatusOK, res.StatusCode, "%s", body)
	require.Equal(t, "no-store", res.Header.Get("Cache-Control"))
	var given struct {
		Ticket  string
		Expires time.Time
	}
	require.NoError(t, json.Unmarshal(body, &given))
	require.WithinDuration(t, time.Now().Add(time.Hour), given.Expires, 2*time.Minute)

	guard, err := auth.New(auth.Development())
	require.NoError(t, err)
	defer guard.Close()
	p, err := guard.Authenticate(httptest.NewRequest("GET", "/sse?ticket="+url.QueryEscape(given.Ticket), nil))
	require.NoError(t, err)
	require.Equal(t, "7", p.Subject)
	require.Equal(t, []channel.Name{channel.MustParse("NotificationStream:user:7"), channel.MustParse("CommentStream:item:1")}, p.Only)

	// A ticket is for a stream alone, not for another ticket.
	res, body = h.do("POST", "/ticket?ticket="+url.QueryEscape(given.Ticket), `{"channels":["CommentStream:item:1"]}`)
	h.refused(res, body, 403, "ticket", "send the token")
	require.NotContains(t, h.lines.String(), given.Ticket)
}

func TestARenewalReachesTheProcessOfTheConnection(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	header := []string{"Authorization", "Bearer " + token(t, "7", map[string]any{"channels": []string{"RoomStream:room:*"}, "team": "blue", "email": "a@b.example"})}
	body := `{"connection":"` + connection + `","add":["RoomStream:room:1","TeamStream:team:blue"],"remove":["CommentStream:item:2"]}`
	for range 2 {
		res, answer := h.do("POST", "/renew", body, header...)
		require.Equal(t, http.StatusAccepted, res.StatusCode, "%s", answer)
		var said struct{ Expires time.Time }
		require.NoError(t, json.Unmarshal(answer, &said))
		require.WithinDuration(t, time.Now().Add(time.Hour), said.Expires, 2*time.Minute)
	}
	mail := h.mail(process)
	require.Len(t, mail, 2, "each renewal is one of its own")
	require.WithinDuration(t, time.Now().Add(time.Hour), mail[0].Expires, 2*time.Minute)
	mail[0].Expires = time.Time{}
	require.Equal(t, command.Command{
		Type: command.Renew, Connection: connection, Subject: "7",
		Add: []string{"RoomStream:room:1", "TeamStream:team:blue"}, Remove: []string{"CommentStream:item:2"},
		Channels: []string{"RoomStream:room:*"}, Claims: map[string]string{"team": "blue"},
	}, mail[0])
}

func TestAGoodbyeNeedsTheIdAlone(t *testing.T) {
	t.Parallel()
	h := open(t, func(c *control.Config) { c.AllowedOrigins = []string{"https://app.example.com"} })
	// As navigator.sendBeacon sends it, from wherever, with the cookies of the browser.
	beacon := []string{"Content-Type", "text/plain;charset=UTF-8", "Origin", "https://elsewhere.example", "Cookie", "a=b"}
	for _, body := range []string{connection, " " + connection + "\n", `{"connection":"` + connection + `"}`} {
		res, answer := h.do("POST", "/goodbye", body, beacon...)
		require.Equal(t, http.StatusAccepted, res.StatusCode, "%s", answer)
		require.NotEmpty(t, answer, "a streamed answer without a body never ends on Lambda")
	}
	require.Equal(t, []command.Command{{Type: command.Goodbye, Connection: connection}}, h.mail(process), "said thrice, it is there once")
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	names := make([]string, 33)
	for i := range names {
		names[i] = fmt.Sprintf("%q", fmt.Sprintf("CommentStream:item:%d", i))
	}
	many, long := "["+strings.Join(names, ",")+"]", make([]string, 32)
	for i := range long {
		long[i] = fmt.Sprintf("%q", fmt.Sprintf("CommentStream:item:%0123d", i))
	}
	renew := func(rest string) string { return `{"connection":"` + connection + `"` + rest + `}` }
	for name, tc := range map[string]struct {
		method, path, body string
		anonymous          bool
		header             []string
		status             int
		code, detail       string
	}{
		"no such path":         {method: "GET", path: "/", status: 404, code: "not-found", detail: "POST /ticket"},
		"a path below":         {method: "POST", path: "/ticket/x", status: 404, code: "not-found"},
		"another method":       {method: "GET", path: "/ticket", status: 405, code: "method", detail: "POST"},
		"presence is read":     {method: "POST", path: "/presence/CommentStream:item:1", status: 405, code: "method", detail: "GET"},
		"no token":             {method: "POST", path: "/ticket", body: `{}`, anonymous: true, status: 401, code: "unauthorized", detail: "send a token"},
		"no token to renew":    {method: "POST", path: "/renew", body: renew(""), anonymous: true, status: 401, code: "unauthorized"},
		"a bad token":          {method: "POST", path: "/ticket", body: `{}`, header: []string{"Authorization", "Bearer x.y.z"}, status: 401, code: "invalid-token"},
		"a broken header":      {method: "POST", path: "/ticket", body: `{}`, header: []string{"Authorization", "Basic a"}, status: 401, code: "unauthorized"},
		"a form":               {method: "POST", path: "/ticket", body: `{}`, header: []string{"Content-Type", "text/plain"}, status: 415, code: "media-type", detail: "application/json"},
		"not JSON":             {method: "POST", path: "/ticket", body: `channels`, status: 400, code: "malformed-body"},
		"two values":           {method: "POST", path: "/ticket", body: `{} {}`, status: 400, code: "malformed-body"},
		"a member too many":    {method: "POST", path: "/ticket", body: `{"channel":"CommentStream:item:1"}`, status: 400, code: "malformed-body", detail: "docs/protocol.md"},
		"of another kind":      {method: "POST", path: "/ticket", body: `{"channels":"CommentStream:item:1"}`, status: 400, code: "malformed-body", detail: "channels: want []string, not string"},
		"no channel":           {method: "POST", path: "/ticket", body: `{"channels":[]}`, status: 400, code: "malformed-body", detail: "at least one"},
		"malformed channel":    {method: "POST", path: "/ticket", body: `{"channels":["CommentStream"]}`, status: 400, code: "malformed-channel", detail: "want Stream:key"},
		"key of another form":  {method: "POST", path: "/ticket", body: `{"channels":["CommentStream:user:1"]}`, status: 400, code: "malformed-channel", detail: "item:{item_id}"},
		"unknown stream":       {method: "POST", path: "/ticket", body: `{"channels":["PriceStream:a:1"]}`, status: 404, code: "unknown-stream"},
		"a mailbox":            {method: "POST", path: "/ticket", body: `{"channels":["Runnel:process:p"]}`, status: 404, code: "unknown-stream"},
		"somebody else's":      {method: "POST", path: "/ticket", body: `{"channels":["CommentStream:item:1","NotificationStream:user:8"]}`, status: 403, code: "forbidden", detail: "NotificationStream:user:8"},
		"too many channels":    {method: "POST", path: "/ticket", body: `{"channels":` + many + `}`, status: 400, code: "too-many-channels", detail: "at most 32"},
		"too long a ticket":    {method: "POST", path: "/ticket", body: `{"channels":[` + strings.Join(long, ",") + `]}`, status: 400, code: "malformed-body", detail: "at most 4096"},
		"too large":            {method: "POST", path: "/ticket", body: `{"channels":["` + strings.Repeat("x", 32<<10) + `"]}`, status: 413, code: "too-large", detail: "32768"},
		"no connection":        {method: "POST", path: "/renew", body: `{}`, status: 400, code: "malformed-body", detail: "connection"},
		"no such connection":   {method: "POST", path: "/renew", body: `{"connection":"x"}`, status: 400, code: "malformed-body", detail: "connection"},
		"adds a forbidden one": {method: "POST", path: "/renew", body: renew(`,"add":["NotificationStream:user:8"]`), status: 403, code: "forbidden"},
		"removes a broken one": {method: "POST", path: "/renew", body: renew(`,"remove":["x"]`), status: 400, code: "malformed-channel"},
		"an empty goodbye":     {method: "POST", path: "/goodbye", anonymous: true, status: 400, code: "malformed-body", detail: "connection"},
		"a goodbye to nobody":  {method: "POST", path: "/goodbye", body: "p:q.c", anonymous: true, status: 400, code: "malformed-body"},
		"half a goodbye":       {method: "POST", path: "/goodbye", body: `{"connection"`, anonymous: true, status: 400, code: "malformed-body"},
		"a long goodbye":       {method: "POST", path: "/goodbye", body: strings.Repeat("x", 32<<10+1), anonymous: true, status: 413, code: "too-large"},
		"presence of nothing":  {method: "GET", path: "/presence", status: 400, code: "malformed-channel"},
		"presence elsewhere":   {method: "GET", path: "/presence/NotificationStream:user:8", status: 403, code: "forbidden"},
		"presence unknown":     {method: "GET", path: "/presence/SystemStream:all", anonymous: true, status: 401, code: "unauthorized"},
		"presence of a path":   {method: "GET", path: "/presence/CommentStream/item:1", status: 400, code: "malformed-channel"},
		"a page too long":      {method: "GET", path: "/presence/CommentStream:item:1?limit=1001", status: 400, code: "malformed-query", detail: "1 to 1000"},
		"an empty page":        {method: "GET", path: "/presence/CommentStream:item:1?limit=0", status: 400, code: "malformed-query"},
		"after a control":      {method: "GET", path: "/presence/CommentStream:item:1?after=%0a", status: 400, code: "malformed-query", detail: "after"},
		"a broken query":       {method: "GET", path: "/presence/CommentStream:item:1?after=%zz", status: 400, code: "malformed-query"},
		"a foreign page":       {method: "GET", path: "/presence/CommentStream:item:1", header: []string{"Origin", "https://evil.example"}, status: 403, code: "foreign-origin"},
		"a foreign page's post": {
			method: "POST", path: "/ticket", body: `{"channels":["CommentStream:item:1"]}`,
			header: []string{"Origin", "https://evil.example"}, status: 403, code: "foreign-origin",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t, func(c *control.Config) { c.AllowedOrigins = []string{"https://app.example.com"} })
			var header []string
			if !tc.anonymous {
				header = as(t, "7")
			}
			res, body := h.do(tc.method, tc.path, tc.body, append(header, tc.header...)...)
			h.refused(res, body, tc.status, tc.code, tc.detail)
			require.Equal(t, "Origin", res.Header.Get("Vary"))
			require.Equal(t, tc.status == 401 || tc.code == "forbidden" || tc.code == "invalid-request", res.Header.Get("WWW-Authenticate") != "")
			require.Empty(t, h.mail(process), "nobody was told")
		})
	}
}

func TestWhatDoesNotAnswerIsSaidWithoutDetail(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fault  error
		status int
		code   string
	}{
		"for now":  {fmt.Errorf("secret: %w", subscriber.ErrUnavailable), 503, "unavailable"},
		"for good": {errors.New("secret"), 500, "internal"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t, nil)
			h.dir.fails = tc.fault
			res, body := h.do("GET", "/presence/CommentStream:item:1", "")
			h.refused(res, body, tc.status, tc.code, "")
			require.NotContains(t, string(body), "secret")
			require.Contains(t, h.lines.String(), "secret")
			require.Equal(t, tc.status == 503, res.Header.Get("Retry-After") == "2")
		})
	}
}

func TestPagesAreAnsweredForCORS(t *testing.T) {
	t.Parallel()
	h := open(t, func(c *control.Config) { c.AllowedOrigins = []string{"https://app.example.com"} })
	origin := []string{"Origin", "https://app.example.com"}
	res, _ := h.do("OPTIONS", "/ticket", "", append(origin, "Access-Control-Request-Method", "POST")...)
	require.Equal(t, "GET, POST", res.Header.Get("Access-Control-Allow-Methods"))
	require.Equal(t, "Authorization, Content-Type", res.Header.Get("Access-Control-Allow-Headers"))
	res, body := h.do("POST", "/ticket", `{"channels":["NotificationStream:user:7"]}`, append(origin, as(t, "7")...)...)
	require.Equal(t, http.StatusOK, res.StatusCode, "%s", body)
	require.Equal(t, "https://app.example.com", res.Header.Get("Access-Control-Allow-Origin"))
}

func TestAnAddressGetsItsShare(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	h := open(t, func(c *control.Config) {
		c.Rate, c.Burst, c.AddressHeader, c.Now = 2, 3, "X-Forwarded-For", func() time.Time { return now }
	})
	ask := func(from string) *http.Response {
		res, _ := h.do("GET", "/presence/CommentStream:item:1", "", "X-Forwarded-For", from)
		return res
	}
	for range 3 {
		require.Equal(t, http.StatusOK, ask("192.0.2.9, 198.51.100.1").StatusCode)
	}
	res := ask("203.0.113.5, 198.51.100.1") // only the last is the proxy's word
	require.Equal(t, http.StatusTooManyRequests, res.StatusCode)
	require.Equal(t, "1", res.Header.Get("Retry-After"))
	require.Equal(t, http.StatusOK, ask("198.51.100.2").StatusCode)
	now = now.Add(500 * time.Millisecond)
	require.Equal(t, http.StatusOK, ask("198.51.100.1").StatusCode)
	require.Equal(t, http.StatusTooManyRequests, ask("198.51.100.1").StatusCode)
}

func TestConfigFaultsAreAllSaid(t *testing.T) {
	t.Parallel()
	_, err := control.New(control.Config{MaxChannels: 65, AllowedOrigins: []string{"app.example.com"}})
	for _, part := range []string{"Config.Log", "Config.Directory", "Config.Catalog", "Config.Guard", "MaxChannels", `origin "app.example.com"`} {
		require.ErrorContains(t, err, part)
	}
}

func TestACommandRingsTheBell(t *testing.T) {
	t.Parallel()
	bell := memory.NewBell()
	h := open(t, func(c *control.Config) { c.Bell = bell })
	rings := bell.Listen(t.Context())
	res, _ := h.do("POST", "/goodbye", connection)
	require.Equal(t, http.StatusAccepted, res.StatusCode)
	require.Equal(t, command.Mailbox(process), (<-rings).Channel)
}

package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/sse"
)

// controlURL is where the server said that control requests go.
func (s served) controlURL(t *testing.T) string {
	t.Helper()
	found := regexp.MustCompile(`and (http://\S+) for tickets`).FindStringSubmatch(s.said)
	require.NotEmpty(t, found, s.said)
	return found[1]
}

// signIn is what the page does: a token of this server, and a ticket for it.
func (s served) signIn(t *testing.T, sub, channels string) (token, ticket string) {
	t.Helper()
	page := headers{"Content-Type": mediaJSON, "Origin": s.url, "Sec-Fetch-Site": "same-origin"}
	res, body := send(t, http.MethodPost, s.url+"/token", `{"sub":"`+sub+`"}`, page)
	require.Equal(t, http.StatusOK, res.StatusCode, body)
	var given struct{ Token, Control string }
	require.NoError(t, json.Unmarshal([]byte(body), &given))
	require.Equal(t, s.controlURL(t), given.Control)
	res, body = send(t, http.MethodPost, given.Control+"/ticket", `{"channels":[`+channels+`]}`, headers{
		"Content-Type": mediaJSON, "Origin": s.url, "Authorization": "Bearer " + given.Token,
	})
	require.Equal(t, http.StatusOK, res.StatusCode, body)
	require.Equal(t, s.url, res.Header.Get("Access-Control-Allow-Origin"), "the page has to read it")
	var answer struct{ Ticket string }
	require.NoError(t, json.Unmarshal([]byte(body), &answer))
	return given.Token, answer.Ticket
}

// reading opens a stream and returns it behind its first event, and its connection.
func reading(t *testing.T, address string) (stream *sse.Reader, connection string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	require.NoError(t, err)
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	t.Cleanup(func() { _ = res.Body.Close() })
	require.Equal(t, http.StatusOK, res.StatusCode)
	stream = sse.NewReader(res.Body)
	first, err := stream.Next()
	require.NoError(t, err)
	var hello struct{ Connection string }
	require.NoError(t, json.Unmarshal([]byte(first.Data), &hello))
	return stream, hello.Connection
}

const sevensChannel = "NotificationStream:user:7"

func TestThePageSignsInAndReadsWhatItsUserMay(t *testing.T) {
	t.Parallel()
	s := serveDev(t)
	const path = "/sse/NotificationStream/user:7"
	res, _ := send(t, http.MethodGet, s.url+path, "", nil)
	require.Equal(t, http.StatusUnauthorized, res.StatusCode, "policies are those of a deployment")
	token, ticket := s.signIn(t, "7", `"`+sevensChannel+`"`)
	res, _ = send(t, http.MethodGet, s.url+"/sse/NotificationStream/user:8", "", headers{"Authorization": "Bearer " + token})
	require.Equal(t, http.StatusForbidden, res.StatusCode)

	stream, connection := reading(t, s.url+path+"?ticket="+url.QueryEscape(ticket))
	res, body := send(t, http.MethodPost, s.controlURL(t)+"/renew", `{"connection":"`+connection+`"}`, headers{
		"Content-Type": mediaJSON, "Authorization": "Bearer " + token,
	})
	require.Equal(t, http.StatusAccepted, res.StatusCode, body)
	frame, err := stream.Next()
	require.NoError(t, err)
	require.Equal(t, "sse.changed", frame.Type)
	res, body = send(t, http.MethodPost, s.controlURL(t)+"/goodbye", connection, headers{"Content-Type": "text/plain"})
	require.Equal(t, http.StatusAccepted, res.StatusCode, body)
	_, err = stream.Next()
	require.Error(t, err, "a goodbye ends the stream")
}

func TestKickCutsReadersOffAndKeepsThemOut(t *testing.T) {
	t.Parallel()
	s := serveDev(t)
	_, ticket := s.signIn(t, "7", `"`+sevensChannel+`"`)
	address := s.url + "/sse/NotificationStream/user:7?ticket=" + url.QueryEscape(ticket)
	stream, _ := reading(t, address)
	others, _ := reading(t, s.url+"/sse/CommentStream/item:42")

	began := time.Now()
	status, out, errs := cli(t, "", "kick", "--url", s.url, "--until", "10m", "--reason", "spam", "7")
	require.Equal(t, statusOK, status, errs)
	require.Equal(t, "done\n", out)
	frame, err := stream.Next()
	require.NoError(t, err)
	require.Equal(t, "sse.closed", frame.Type)
	require.Contains(t, frame.Data, "kicked")
	require.Less(t, time.Since(began), patience)
	res, body := send(t, http.MethodGet, address, "", nil)
	require.Equal(t, http.StatusForbidden, res.StatusCode, body)
	require.Contains(t, body, "urn:runnel:problem:blocked")

	status, _, errs = cli(t, "", "kick", "--url", s.url, "--lift", "7")
	require.Equal(t, statusOK, status, errs)
	reading(t, address)

	_, _ = send(t, http.MethodPost, s.url+"/publish", deleted, headers{"Content-Type": mediaJSON})
	frame, err = others.Next()
	require.NoError(t, err)
	require.Equal(t, "CommentDeleted", frame.Type, "nobody else was cut off")
}

func TestWhoIsKicked(t *testing.T) {
	t.Parallel()
	const connection = "q1vZs5W0R6mLr9bJt-_x2A.Zy8aQ2hT0b3uCw7nE4dGfg"
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for name, tc := range map[string]struct {
		o    kickOptions
		name string
		want string
	}{
		"a user":              {kickOptions{}, "7", `{"command":"kick","user":"7"}`},
		"a user with a dot":   {kickOptions{}, "ada.lovelace", `{"command":"kick","user":"ada.lovelace"}`},
		"a user with a colon": {kickOptions{}, "urn:user:7", `{"command":"kick","user":"urn:user:7"}`},
		"a channel":           {kickOptions{}, "CommentStream:item:42", `{"command":"kick","channel":"CommentStream:item:42"}`},
		"a connection":        {kickOptions{}, connection, `{"command":"kick","connection":"` + connection + `"}`},
		"all the same a user": {kickOptions{as: "user"}, connection, `{"command":"kick","user":"` + connection + `"}`},
		"for a while":         {kickOptions{until: time.Minute, reason: "spam"}, "7", `{"command":"kick","user":"7","until":"2026-01-02T03:05:05Z","reason":"spam"}`},
		"in again":            {kickOptions{lift: true}, "7", `{"command":"allow","user":"7"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := tc.o.order(tc.name, now)
			require.NoError(t, err)
			require.Equal(t, tc.want, string(got))
		})
	}
	for _, args := range [][]string{{"kick"}, {"kick", "--as", "group", "7"}, {"kick", "--until", "-1m", "7"}, {"kick", "--lift", "--until", "1m", "7"}} {
		status, _, errs := cli(t, "", args...)
		require.NotEqual(t, statusOK, status, "%v %s", args, errs)
	}
	status, _, errs := cli(t, "", "kick", "--until", "1m", connection)
	require.Equal(t, statusFailed, status)
	require.Contains(t, errs, "name its user", "it is refused before it is sent")
}

func TestATokenIsForOurOwnPageAlone(t *testing.T) {
	t.Parallel()
	s := serveDev(t)
	for name, tc := range map[string]struct {
		body   string
		set    headers
		status int
	}{
		"another site":       {`{"sub":"7"}`, headers{"Content-Type": mediaJSON, "Origin": "https://evil.example"}, 403},
		"says the browser":   {`{"sub":"7"}`, headers{"Content-Type": mediaJSON, "Sec-Fetch-Site": "cross-site"}, 403},
		"another port":       {`{"sub":"7"}`, headers{"Content-Type": mediaJSON, "Origin": s.controlURL(t)}, 403},
		"another name of us": {`{"sub":"7"}`, headers{"Content-Type": mediaJSON, "Host": "evil.example"}, 421},
		"a form":             {`{"sub":"7"}`, headers{"Content-Type": "text/plain"}, 415},
		"nobody":             {`{}`, headers{"Content-Type": mediaJSON}, 400},
		"too much":           {`{"sub":"` + strings.Repeat("7", 4<<10) + `"}`, headers{"Content-Type": mediaJSON}, 400},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			res, body := send(t, http.MethodPost, s.url+"/token", tc.body, tc.set)
			require.Equal(t, tc.status, res.StatusCode, body)
			require.NotContains(t, body, `"token"`)
		})
	}
	res, _ := send(t, http.MethodGet, s.controlURL(t)+"/presence/CommentStream:item:42", "", headers{"Host": "evil.example"})
	require.Equal(t, http.StatusMisdirectedRequest, res.StatusCode)
	res, body := send(t, http.MethodGet, s.controlURL(t)+"/presence/CommentStream:item:42", "", nil)
	require.Equal(t, http.StatusOK, res.StatusCode, body)
	require.Contains(t, body, `"subscribers":0`)
}

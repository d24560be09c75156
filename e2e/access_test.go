package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/sqs"
	"github.com/runnel-sse/runnel/pkg/sse"
)

const (
	tokenSecret  = "e2e: a secret for tokens, 32 bytes and more"
	ticketSecret = "e2e: a secret for tickets, 32 bytes and more"
)

// estate is every program of a deployment but the sweep, each a process of its own.
type estate struct {
	*cloud
	t       *testing.T
	streams []*server
	control *server
	ingest  *process
	secrets []string // what must be in no log
}

func openEstate(t *testing.T) *estate {
	t.Helper()
	c := openCloud(t).withOwn(t)
	c.env = append(c.env, "TOKEN_SECRET="+tokenSecret, "TICKET_SECRET="+ticketSecret, "LEASE=10s", "LOG_LEVEL=DEBUG")
	e := &estate{cloud: c, t: t, secrets: []string{tokenSecret, ticketSecret}}
	e.streams = []*server{startStream(t, c), startStream(t, c)}
	addr := freeAddr(t)
	e.control = &server{url: "http://" + addr}
	e.control.process = process{t: t, args: []string{build(t, "functions/control")}, env: append(append([]string(nil), c.env...), "ADDR="+addr)}
	t.Cleanup(e.control.kill)
	e.control.restart()
	e.ingest = startIngest(t, c)
	return e
}

func (e *estate) token(sub string) string {
	text, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"sub": sub, "exp": time.Now().Add(time.Hour).Unix()}).SignedString([]byte(tokenSecret))
	require.NoError(e.t, err)
	e.secrets = append(e.secrets, text)
	return text
}

// ask sends a request to the control host and returns its answer.
func (e *estate) ask(method, path, token, body string, into any) int {
	e.t.Helper()
	req, err := http.NewRequestWithContext(e.t.Context(), method, e.control.url+path, strings.NewReader(body))
	require.NoError(e.t, err)
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(req)
	require.NoError(e.t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(e.t, err)
	require.NotEmpty(e.t, text, "an empty body hangs on a function URL that streams")
	if into != nil {
		require.NoError(e.t, json.Unmarshal(text, into), "%s", text)
	}
	return res.StatusCode
}

func (e *estate) ticket(sub string, chs ...channel.Name) string {
	e.t.Helper()
	names, err := json.Marshal(texts(chs))
	require.NoError(e.t, err)
	var given struct{ Ticket string }
	require.Equal(e.t, http.StatusOK, e.ask(http.MethodPost, "/ticket", e.token(sub), `{"channels":`+string(names)+`}`, &given))
	require.NotEmpty(e.t, given.Ticket)
	e.secrets = append(e.secrets, given.Ticket)
	return given.Ticket
}

func texts(chs []channel.Name) []string {
	var all []string
	for _, ch := range chs {
		all = append(all, ch.String())
	}
	return all
}

// listener is an open stream on several channels.
type listener struct {
	t          *testing.T
	res        *http.Response
	frames     chan sse.Event
	connection string
}

// listen opens a stream, or returns the status of its refusal.
func (e *estate) listen(s *server, ticket string, chs ...channel.Name) (*listener, int) {
	e.t.Helper()
	query := url.Values{"channel": texts(chs)}
	if ticket != "" {
		query.Set("ticket", ticket)
	}
	req, err := http.NewRequestWithContext(e.t.Context(), http.MethodGet, s.url+"/sse?"+query.Encode(), nil)
	require.NoError(e.t, err)
	res, err := http.DefaultClient.Do(req)
	require.NoError(e.t, err)
	if res.StatusCode != http.StatusOK {
		_ = res.Body.Close()
		return nil, res.StatusCode
	}
	l := &listener{t: e.t, res: res, frames: make(chan sse.Event, 100)}
	e.t.Cleanup(func() { _ = res.Body.Close() })
	go func() { // ends with the body
		defer close(l.frames)
		for r := sse.NewReader(res.Body); ; {
			f, err := r.Next()
			if err != nil {
				return
			}
			l.frames <- f
		}
	}()
	var hello struct{ Connection string }
	require.NoError(e.t, json.Unmarshal([]byte(l.next("message").Data), &hello))
	require.NotEmpty(e.t, hello.Connection)
	l.connection = hello.Connection
	return l, res.StatusCode
}

// next is the next frame of the type; what comes before it is passed over.
func (l *listener) next(typ string) sse.Event {
	l.t.Helper()
	late := time.After(patience)
	for {
		select {
		case f, open := <-l.frames:
			if !open {
				l.t.Fatalf("the stream ended before %s", typ)
			}
			if f.Type == typ || typ == "message" && f.Type == "" {
				return f
			}
		case <-late:
			l.t.Fatalf("no %s came", typ)
		}
	}
}

// ends waits for the end of the stream.
func (l *listener) ends() {
	l.t.Helper()
	late := time.After(patience)
	for {
		select {
		case _, open := <-l.frames:
			if !open {
				return
			}
		case <-late:
			l.t.Fatal("the stream goes on")
		}
	}
}

// kick runs `runnel kick` on the queue.
func (e *estate) kick(args ...string) {
	e.t.Helper()
	cmd := exec.CommandContext(e.t.Context(), build(e.t, "cmd/runnel"), append([]string{"kick", "--queue", e.queueURL}, args...)...)
	out, err := cmd.CombinedOutput()
	require.NoError(e.t, err, "%s", out)
}

// silent ends the programs and sees that none has written a secret.
func (e *estate) silent(more ...*bytes.Buffer) {
	e.control.kill()
	e.ingest.kill()
	for _, s := range e.streams {
		s.kill()
	}
	logs := append([]*bytes.Buffer{e.control.out, e.ingest.out}, more...)
	for _, s := range e.streams {
		logs = append(logs, s.out)
	}
	for _, log := range logs {
		for _, secret := range e.secrets {
			require.NotContains(e.t, log.String(), secret)
		}
	}
}

// TestADeploymentKnowsWhoListens takes two users through all that the programs do
// for access, each a process of its own: ticket, stream, renewal, presence,
// goodbye, kick over the queue, and what a killed process's users left behind.
func TestADeploymentKnowsWhoListens(t *testing.T) {
	e := openEstate(t)
	item := channel.MustParse(fmt.Sprintf("CommentStream:item:access-%d", time.Now().UnixNano()))
	own, other := channel.MustParse("NotificationStream:user:7"), channel.MustParse("NotificationStream:user:8")

	// Who may read what.
	_, status := e.listen(e.streams[0], "", own)
	require.Equal(t, http.StatusUnauthorized, status)
	require.Equal(t, http.StatusForbidden, e.ask(http.MethodPost, "/ticket", e.token("7"), `{"channels":["`+other.String()+`"]}`, nil))
	ticket := e.ticket("7", own)
	_, status = e.listen(e.streams[0], ticket, other)
	require.Equal(t, http.StatusForbidden, status, "a ticket is for its channels")
	watcher, status := e.listen(e.streams[1], "", item) // nobody known, on a public stream
	require.Equal(t, http.StatusOK, status)
	seven, status := e.listen(e.streams[0], ticket, own)
	require.Equal(t, http.StatusOK, status)

	// An event on the queue reaches whom it is for.
	body, err := json.Marshal(map[string]any{
		"channel": own.String(), "event_type": "TaskComplete",
		"data": map[string]any{"user_id": "7", "task_type": "export", "result": "ok", "duration_ms": 12},
	})
	require.NoError(t, err)
	require.NoError(t, sqs.NewSender(e.queue, e.queueURL).Send(t.Context(), sqs.Message{Body: body}))
	require.Contains(t, seven.next("TaskComplete").Data, `"duration_ms":12`)

	// A renewal adds a channel to the connection, and its user is there.
	require.Equal(t, http.StatusAccepted, e.ask(http.MethodPost, "/renew", e.token("7"),
		`{"connection":"`+seven.connection+`","add":["`+item.String()+`"]}`, nil))
	require.Contains(t, seven.next("sse.changed").Data, item.String())
	require.Contains(t, watcher.next("sse.joined").Data, `"user":"7"`)
	var there struct {
		Subscribers int
		Users       int
	}
	require.Equal(t, http.StatusOK, e.ask(http.MethodGet, "/presence/"+item.String(), "", "", &there))
	require.Equal(t, 2, there.Subscribers)
	require.Equal(t, 1, there.Users)

	// A goodbye ends it, and is said on the channel after the grace time.
	require.Equal(t, http.StatusAccepted, e.ask(http.MethodPost, "/goodbye", "", `{"connection":"`+seven.connection+`"}`, nil))
	seven.ends()
	require.Contains(t, watcher.next("sse.left").Data, `"user":"7"`)

	// A kick over the queue cuts off on another process, and keeps out.
	seven, status = e.listen(e.streams[1], e.ticket("7", own), own)
	require.Equal(t, http.StatusOK, status)
	e.kick("--until", "10m", "--reason", "spam", "7")
	require.Contains(t, seven.next("sse.closed").Data, "spam")
	seven.ends()
	_, status = e.listen(e.streams[0], e.ticket("7", own), own)
	require.Equal(t, http.StatusForbidden, status)
	e.kick("--lift", "7")
	require.Eventually(t, func() bool {
		l, status := e.listen(e.streams[0], e.ticket("7", own), own)
		return status == http.StatusOK && l.res.Body.Close() == nil
	}, patience, 200*time.Millisecond, "let in again")

	// What the users of a killed process left behind, the sweep says.
	eight, status := e.listen(e.streams[0], e.ticket("8", item), item)
	require.Equal(t, http.StatusOK, status)
	require.NotEmpty(t, eight.connection)
	require.Contains(t, watcher.next("sse.joined").Data, `"user":"8"`)
	killed := e.streams[0].out
	e.streams[0].kill()
	sweeps := &bytes.Buffer{}
	require.Eventually(t, func() bool { return e.swept(sweeps, item) }, patience, time.Second, "the lease has run out")
	require.Contains(t, watcher.next("sse.left").Data, `"user":"8"`)
	e.silent(killed, sweeps)
}

// swept runs functions/sweep once, and reports whether only the watcher is left.
func (e *estate) swept(out *bytes.Buffer, ch channel.Name) bool {
	cmd := exec.CommandContext(e.t.Context(), build(e.t, "functions/sweep"))
	cmd.Env = append(cmd.Environ(), e.env...)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Run(); err != nil {
		e.t.Errorf("sweep: %v: %s", err, out)
		return true
	}
	n, err := e.registry.Count(e.t.Context(), ch)
	return err == nil && n == 1
}

package control_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/auth"
	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/command"
	"github.com/runnel-sse/runnel/pkg/control"
	"github.com/runnel-sse/runnel/pkg/eventlog"
	"github.com/runnel-sse/runnel/pkg/memory"
	"github.com/runnel-sse/runnel/pkg/problem"
	"github.com/runnel-sse/runnel/pkg/schema"
	"github.com/runnel-sse/runnel/pkg/subscriber"
)

// Connections as a gateway names them.
const (
	process    = "q1vZs5W0R6mLr9bJt-_x2A"
	connection = process + ".Zy8aQ2hT0b3uCw7nE4dGfg"
)

var catalog = schema.Catalog{Streams: []schema.Stream{
	{Name: "CommentStream", Template: channel.MustParseTemplate("item:{item_id}"), Policy: schema.PolicyPublic},
	{Name: "RoomStream", Template: channel.MustParseTemplate("room:{room}"), Policy: schema.PolicyClaim, Presence: true},
	{Name: "SystemStream", Template: channel.MustParseTemplate("all"), Policy: schema.PolicyAuthenticated},
	{
		Name: "NotificationStream", Template: channel.MustParseTemplate("user:{user_id}"),
		Policy: schema.PolicyOwner, Owner: schema.Owner{Field: "user_id", Claim: "sub"},
	},
	{
		Name: "TeamStream", Template: channel.MustParseTemplate("team:{team}"),
		Policy: schema.PolicyOwner, Owner: schema.Owner{Field: "team", Claim: "team"},
	},
}}

// directory is a registry's reading side over a list, and keeps who is kept out.
type directory struct {
	fails error

	mu      sync.Mutex
	on      map[channel.Name][]subscriber.Subscriber
	blocked map[subscriber.Target]time.Time
}

func (d *directory) Count(_ context.Context, ch channel.Name) (int, error) {
	return len(d.on[ch]), d.fails
}

func (d *directory) CountUsers(_ context.Context, ch channel.Name) (int, error) {
	return len(d.users(ch)), d.fails
}

func (d *directory) users(ch channel.Name) []subscriber.User {
	var all []subscriber.User
	for _, s := range d.on[ch] {
		if s.User != "" && !slices.ContainsFunc(all, func(u subscriber.User) bool { return u.Name == s.User }) {
			all = append(all, subscriber.User{Name: s.User, Since: s.Joined})
		}
	}
	slices.SortFunc(all, func(a, b subscriber.User) int { return strings.Compare(a.Name, b.Name) })
	return all
}

func (d *directory) Users(_ context.Context, ch channel.Name, after string, limit int) ([]subscriber.User, error) {
	all := slices.DeleteFunc(d.users(ch), func(u subscriber.User) bool { return u.Name <= after })
	return all[:min(limit, len(all))], d.fails
}

func (d *directory) List(_ context.Context, ch channel.Name, after string, limit int) ([]subscriber.Subscriber, error) {
	return cut(d.on[ch], after, limit), d.fails
}

func (d *directory) ConnectionsOf(_ context.Context, user, after string, limit int) ([]subscriber.Subscriber, error) {
	var all []subscriber.Subscriber
	for _, on := range d.on {
		for _, s := range on {
			if s.User == user && !slices.ContainsFunc(all, func(o subscriber.Subscriber) bool { return o.Connection == s.Connection }) {
				all = append(all, s)
			}
		}
	}
	return cut(all, after, limit), d.fails
}

func cut(all []subscriber.Subscriber, after string, limit int) []subscriber.Subscriber {
	all = slices.DeleteFunc(slices.Clone(all), func(s subscriber.Subscriber) bool { return s.Connection <= after })
	slices.SortFunc(all, func(a, b subscriber.Subscriber) int { return strings.Compare(a.Connection, b.Connection) })
	return all[:min(limit, len(all))]
}

func (d *directory) Block(_ context.Context, t subscriber.Target, until time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.blocked[t] = until
	return d.fails
}

// house is a Control behind a real server.
type house struct {
	*testing.T
	url   string
	log   *memory.Log
	dir   *directory
	lines *bytes.Buffer
}

func open(t *testing.T, change func(*control.Config)) *house {
	t.Helper()
	h := &house{
		T: t, log: memory.NewLog(memory.LogOptions{}), lines: &bytes.Buffer{},
		dir: &directory{on: map[channel.Name][]subscriber.Subscriber{}, blocked: map[subscriber.Target]time.Time{}},
	}
	guard, err := auth.New(auth.Development())
	require.NoError(t, err)
	t.Cleanup(guard.Close)
	cfg := control.Config{
		Log: h.log, Directory: h.dir, Catalog: &catalog, Guard: guard,
		Logger: slog.New(slog.NewJSONHandler(h.lines, nil)),
	}
	if change != nil {
		change(&cfg)
	}
	c, err := control.New(cfg)
	require.NoError(t, err)
	srv := httptest.NewServer(c)
	t.Cleanup(srv.Close)
	h.url = srv.URL
	return h
}

func token(t *testing.T, subject string, claims map[string]any) string {
	t.Helper()
	text, err := auth.MintDevelopment(subject, time.Hour, claims)
	require.NoError(t, err)
	return text
}

// as is the header of a subject's token.
func as(t *testing.T, subject string) []string {
	return []string{"Authorization", "Bearer " + token(t, subject, nil)}
}

func (h *house) do(method, path, body string, header ...string) (*http.Response, []byte) {
	h.Helper()
	req, err := http.NewRequestWithContext(h.Context(), method, h.url+path, strings.NewReader(body))
	require.NoError(h, err)
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	require.NoError(h, err)
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	require.NoError(h, err)
	return res, answer
}

// refused checks that the answer is a problem.
func (h *house) refused(res *http.Response, body []byte, status int, code, detail string) {
	h.Helper()
	require.Equal(h, status, res.StatusCode, "%s", body)
	require.Equal(h, problem.MediaType, res.Header.Get("Content-Type"))
	var p struct{ Type, Detail string }
	require.NoError(h, json.Unmarshal(body, &p))
	require.Equal(h, "urn:runnel:problem:"+code, p.Type)
	require.Contains(h, p.Detail, detail)
}

// mail is what stands in the mailbox of a process.
func (h *house) mail(process string) []command.Command {
	h.Helper()
	records, err := h.log.Read(h.Context(), command.Mailbox(process), eventlog.Position{}, 1000)
	require.NoError(h, err)
	var all []command.Command
	for _, r := range records {
		c, err := command.Parse(r)
		require.NoError(h, err)
		all = append(all, c)
	}
	return all
}

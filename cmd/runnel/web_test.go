package main

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/events"
	"github.com/runnel-sse/runnel/pkg/ingest"
	"github.com/runnel-sse/runnel/pkg/schema"
	"github.com/runnel-sse/runnel/pkg/sse"
)

type headers map[string]string

func send(t *testing.T, method, url, body string, set headers) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	require.NoError(t, err)
	for name, value := range set {
		req.Header.Set(name, value)
		if name == "Host" {
			req.Host = value
		}
	}
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res, string(answer)
}

func TestWhatIsPublishedIsAFrame(t *testing.T) {
	t.Parallel()
	s := serveDev(t)
	res, err := http.Get(s.url + "/sse/CommentStream/item:42")
	require.NoError(t, err)
	t.Cleanup(func() { _ = res.Body.Close() })
	require.Equal(t, sse.ContentType, res.Header.Get("Content-Type"))
	stream := sse.NewReader(res.Body)
	first, err := stream.Next()
	require.NoError(t, err)
	require.Contains(t, first.Data, `"type":"connected"`)

	answer, body := send(t, http.MethodPost, s.url+"/publish", deleted, headers{"Content-Type": "application/json; charset=utf-8"})
	require.Equal(t, http.StatusOK, answer.StatusCode, body)
	var r receipt
	require.NoError(t, json.Unmarshal([]byte(body), &r))
	require.Len(t, r.Stored, 1)
	require.NotZero(t, r.Stored[0].Epoch)
	require.Equal(t, place{Channel: "CommentStream:item:42", EventType: "CommentDeleted", ID: r.Stored[0].ID, Epoch: r.Stored[0].Epoch, Seq: 1}, r.Stored[0])

	frame, err := stream.Next()
	require.NoError(t, err)
	require.Equal(t, "CommentDeleted", frame.Type)
	require.JSONEq(t, `{"comment_id":"1","item_id":"42"}`, frame.Data)

	require.Equal(t, statusOK, s.stop())
	last, err := stream.Next()
	require.NoError(t, err)
	require.Equal(t, "sse.rotate", last.Type, "a stream has its planned end")
}

func TestPublishRefuses(t *testing.T) {
	t.Parallel()
	s := serveDev(t)
	plain := headers{"Content-Type": mediaJSON}
	with := func(name, value string) headers { return headers{"Content-Type": mediaJSON, name: value} }
	for name, tc := range map[string]struct {
		body   string
		set    headers
		status int
		code   string
		detail string
		says   fault
	}{
		"not JSON":            {body: "hello", set: plain, status: 400, code: "refused", detail: "not a JSON object"},
		"unknown shape":       {body: "{}", set: plain, status: 400, code: "refused", detail: "unknown shape"},
		"a field":             {body: badDelete, set: plain, status: 400, code: "refused", detail: "want string", says: fault{Field: "CommentDeleted.comment_id"}},
		"a malformed channel": {body: `{"channel":"CommentStream:it em:1","event_type":"CommentDeleted","data":{}}`, set: plain, status: 400, code: "refused"},
		"a key of another form": {
			body: `{"channel":"CommentStream:user:1","event_type":"CommentDeleted","data":{"comment_id":"1","item_id":"1"}}`,
			set:  plain, status: 400, code: "refused", detail: "item:{item_id}",
		},
		"no media type":      {body: deleted, status: 415, code: "media-type"},
		"a form":             {body: deleted, set: headers{"Content-Type": "text/plain"}, status: 415, code: "media-type"},
		"one byte over":      {body: padded(ingest.MaxMessage + 1), set: plain, status: 413, code: "too-large"},
		"another site":       {body: deleted, set: with("Origin", "https://evil.example"), status: 403, code: "cross-site"},
		"a page of no site":  {body: deleted, set: with("Origin", "null"), status: 403, code: "cross-site"},
		"says the browser":   {body: deleted, set: with("Sec-Fetch-Site", "cross-site"), status: 403, code: "cross-site"},
		"another port":       {body: deleted, set: with("Sec-Fetch-Site", "same-site"), status: 403, code: "cross-site"},
		"another name of us": {body: deleted, set: with("Host", "evil.example"), status: 421, code: "foreign-host"},
		"a line at fault":    {body: deleted + "\n\n" + badDelete + "\n", set: headers{"Content-Type": mediaLines}, status: 400, code: "refused", says: fault{Line: 3, Field: "CommentDeleted.comment_id"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			res, body := send(t, http.MethodPost, s.url+"/publish", tc.body, tc.set)
			require.Equal(t, tc.status, res.StatusCode, body)
			require.Equal(t, "application/problem+json", res.Header.Get("Content-Type"))
			var p struct {
				Type, Detail string
				Status       int
				fault
			}
			require.NoError(t, json.Unmarshal([]byte(body), &p))
			require.Equal(t, "urn:runnel:problem:"+tc.code, p.Type)
			require.Equal(t, tc.status, p.Status)
			require.NotEmpty(t, p.Detail)
			require.Contains(t, p.Detail, tc.detail)
			require.Equal(t, tc.says, p.fault)
		})
	}
}

// padded is a message of so many bytes.
func padded(size int) string {
	return deleted + strings.Repeat(" ", size-len(deleted))
}

func TestTheLongestMessageAndOurOwnPageArePublished(t *testing.T) {
	t.Parallel()
	s := serveDev(t)
	res, body := send(t, http.MethodPost, s.url+"/publish", padded(ingest.MaxMessage), headers{
		"Content-Type": mediaJSON, "Origin": s.url, "Sec-Fetch-Site": "same-origin",
	})
	require.Equal(t, http.StatusOK, res.StatusCode, body)
	require.Contains(t, body, `"seq":1`)
}

func TestThePageMayRunNothingButItself(t *testing.T) {
	t.Parallel()
	s := serveDev(t)
	res, body := send(t, http.MethodGet, s.url+"/", "", nil)
	require.Equal(t, http.StatusOK, res.StatusCode)
	policy := res.Header.Get("Content-Security-Policy")
	require.Contains(t, policy, "default-src 'none'")
	require.NotContains(t, policy, "unsafe")
	require.Equal(t, 2, strings.Count(policy, "'sha256-"))
	require.NotRegexp(t, regexp.MustCompile(`(?i)innerHTML|insertAdjacent|document\.write|eval\(| on[a-z]+=|(src|href)="(https?:)?//`), body)

	res, _ = send(t, http.MethodGet, s.url+"/nothing", "", nil)
	require.Equal(t, http.StatusNotFound, res.StatusCode)
	res, _ = send(t, http.MethodGet, s.url+"/publish", "", nil)
	require.Equal(t, http.StatusMethodNotAllowed, res.StatusCode)
	_, body = send(t, http.MethodGet, s.url+"/healthz", "", nil)
	require.Equal(t, "ok\n", body)
}

// TestEverySampleCanBePublished: what the page offers is never refused.
func TestEverySampleCanBePublished(t *testing.T) {
	t.Parallel()
	deep := schema.Named{Name: "Part"}
	deep.Fields = []schema.Field{{JSON: "part", Type: schema.Type{Kind: schema.List, Elem: &schema.Type{Kind: schema.Struct, Named: &deep}}}}
	every := schema.Catalog{Streams: []schema.Stream{{Name: "AllStream", Events: []schema.Event{{Name: "All", Fields: []schema.Field{
		{JSON: "bool", Type: schema.Type{Kind: schema.Bool}},
		{JSON: "int8", Type: schema.Type{Kind: schema.Int, Bits: 8}},
		{JSON: "timestamp", Type: schema.Type{Kind: schema.Int, Bits: 8, Unsigned: true}},
		{JSON: "float", Type: schema.Type{Kind: schema.Float, Bits: 32}},
		{JSON: "bytes", Type: schema.Type{Kind: schema.Bytes}},
		{JSON: "time", Type: schema.Type{Kind: schema.Time}},
		{JSON: "maybe", Type: schema.Type{Kind: schema.Optional, Elem: &schema.Type{Kind: schema.Bool}}},
		{JSON: "map", Type: schema.Type{Kind: schema.Map, Elem: &schema.Type{Kind: schema.Bool}}},
		{JSON: "struct", Type: schema.Type{Kind: schema.Struct, Named: &deep}},
		{JSON: "enum", Type: schema.Type{Kind: schema.Enum, Named: &schema.Named{Name: "Color", Values: []string{"red"}}}},
	}}}}}}
	for name, c := range map[string]*schema.Catalog{"the events": &events.Catalog, "every kind": &every} {
		var catalog struct {
			Streams []struct {
				Name   string
				Events []struct {
					Name   string
					Sample json.RawMessage
				}
			}
		}
		require.NoError(t, json.Unmarshal(describe(c), &catalog))
		require.Len(t, catalog.Streams, len(c.Streams))
		for _, s := range catalog.Streams {
			for _, e := range s.Events {
				require.NoError(t, c.Check(s.Name, e.Name, e.Sample), "%s: %s", name, e.Sample)
			}
		}
	}
}

func TestALoopbackServerAnswersToItsOwnNamesOnly(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{
		"localhost": true, "localhost:8080": true, "LOCALHOST:80": true, "127.0.0.1:8080": true, "127.9.9.9": true, "[::1]:8080": true, "[::1]": true,
		"": false, "evil.example": false, "localhost.evil.example:8080": false, "10.0.0.1": false, "127.0.0.1.evil.example": false,
	} {
		require.Equal(t, want, local(host), host)
	}
	h := newWeb(noServer{}, &net.TCPAddr{IP: net.IPv4zero, Port: 8080}, "http://127.0.0.1:8081", nil)
	rec := httptest.NewRecorder()
	req := httptest.NewRequest(http.MethodGet, "/healthz", nil)
	req.Host = "box.example"
	h.ServeHTTP(rec, req)
	require.Equal(t, http.StatusOK, rec.Code, "who listens everywhere has many names")
}

type noServer struct{ publisher }

func (noServer) Streams() http.Handler { return http.NotFoundHandler() }

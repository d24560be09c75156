package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	gosse "github.com/tmaxmax/go-sse"

	"github.com/runnel-sse/runnel/pkg/sse"

	"github.com/stretchr/testify/require"
)

// seen is an event as a client reports it.
type seen struct {
	Type string `json:"type"`
	ID   string `json:"id"`
	Data string `json:"data"`
}

// A reader is a client that we did not write. It follows the URL for as long as
// ctx, by its own reconnection, and reports what it is given.
type reader func(t *testing.T, ctx context.Context, url string, report func(seen))

var readers = map[string]reader{
	"curl":                              curl,
	"npm eventsource":                   node("eventsource.mjs"),
	"@microsoft/fetch-event-source":     node("fetch-event-source.mjs"),
	"tmaxmax/go-sse":                    goSSE,
	"Chromium's EventSource":            chromium,
	"our own, for comparison (pkg/sse)": ours,
}

// payloads are texts that a format with lines and escapes may get wrong.
var payloads = map[string]string{
	"plain":             "hello",
	"empty":             "",
	"lines":             "one\ntwo\r\nthree\rfour\n\nfive",
	"looks like SSE":    "x\n\nevent: Forged\nid: 1\ndata: {}\n\nretry: 0\n:",
	"emoji":             "👩‍👩‍👧‍👦 🇪🇺 ✓",
	"line separators":   "a\u2028b\u2029c\u0085d",
	"byte order mark":   "\ufeffabc\ufeff",
	"control":           "a\tb\u0000c\u001fd",
	"markup":            "<script>alert('x')</script>&amp;",
	"spaces":            "  two before, two after  ",
	"quotes":            `"\\" and \u0041 as it stands`,
	"60 kB":             strings.Repeat("0123456789", 6000),
	"60 kB of two byte": strings.Repeat("é", 30_000),
}

// TestEveryClientReadsTheSameStream: each client gets every payload unchanged,
// and, the server being killed under it, misses nothing and gets nothing twice.
func TestEveryClientReadsTheSameStream(t *testing.T) {
	s := startDev(t, "--data", t.TempDir())
	const path = "/sse/CommentStream/item:42"
	ctx, stop := context.WithCancel(t.Context())
	t.Cleanup(stop)
	events := map[string]chan seen{}
	for name, read := range readers {
		if why := missing(name); why != "" {
			t.Logf("SKIPPED, NOT TESTED: %s: %s", name, why)
			require.Empty(t, os.Getenv("CI"), "in CI nothing may be missing")
			continue
		}
		got := make(chan seen, 1000)
		events[name] = got
		done := make(chan struct{})
		go func() {
			defer close(done)
			read(t, ctx, s.url+path, func(e seen) { got <- e })
		}()
		t.Cleanup(func() { stop(); <-done })
	}

	next := func(name, want string) {
		t.Helper()
		for {
			select {
			case e := <-events[name]:
				if e.Type != "CommentAdded" {
					require.NotEqual(t, "sse.gap", e.Type, "%s: %s", name, e.Data)
					continue
				}
				var comment struct{ Text string }
				require.NoError(t, json.Unmarshal([]byte(e.Data), &comment), "%s: %.200s", name, e.Data)
				require.Equal(t, want, comment.Text, "%s", name)
				require.NotEmpty(t, e.ID, "%s", name)
				return
			case <-time.After(patience):
				t.Fatalf("%s: nothing came within %v, want %.60q", name, patience, want)
			}
		}
	}
	connected := func() {
		t.Helper()
		for name, got := range events {
			for e := (seen{}); !strings.Contains(e.Data, `"type":"connected"`); {
				select {
				case e = <-got:
				case <-time.After(patience):
					t.Fatalf("%s: did not connect within %v", name, patience)
				}
			}
		}
	}

	connected()
	texts := slices.Collect(maps.Values(payloads))
	for _, text := range texts {
		s.publish(comment("42", text))
	}
	for name := range events {
		for _, text := range texts {
			next(name, text)
		}
	}

	for round := range 2 {
		s.kill()
		s.restart()
		for i := range 5 { // some of them before any client is back
			s.publish(comment("42", fmt.Sprintf("after %d.%d", round, i)))
		}
		for name := range events {
			for i := range 5 {
				next(name, fmt.Sprintf("after %d.%d", round, i))
			}
		}
	}
}

func missing(name string) string {
	switch name {
	case "curl":
		if _, err := exec.LookPath("curl"); err != nil {
			return "curl is not installed"
		}
	case "npm eventsource", "@microsoft/fetch-event-source":
		if _, err := exec.LookPath("node"); err != nil {
			return "Node.js is not installed"
		}
		if _, err := os.Stat("clients/node_modules"); err != nil {
			return "run `make e2e/deps` first"
		}
	case "Chromium's EventSource":
		if browser() == "" {
			return "Chromium is not installed"
		}
	}
	return ""
}

// curl does not know events: its bytes go through our reader, and it is started
// again by us with the last id, as its users do.
func curl(t *testing.T, ctx context.Context, url string, report func(seen)) {
	last := ""
	for ctx.Err() == nil {
		cmd := exec.CommandContext(ctx, "curl", "--silent", "--no-buffer", "--header", "Last-Event-ID: "+last, url)
		out, err := cmd.StdoutPipe()
		if err != nil || cmd.Start() != nil {
			t.Errorf("curl: %v", err)
			return
		}
		last = readAll(sse.NewReader(out), last, report)
		_ = cmd.Wait() // it ends when the server does
		pause(ctx, 200*time.Millisecond)
	}
}

func ours(t *testing.T, ctx context.Context, url string, report func(seen)) {
	last := ""
	for ctx.Err() == nil {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			t.Error(err)
			return
		}
		if last != "" {
			req.Header.Set("Last-Event-ID", last)
		}
		if res, err := http.DefaultClient.Do(req); err == nil {
			last = readAll(sse.NewReader(res.Body), last, report)
			_ = res.Body.Close()
		}
		pause(ctx, 200*time.Millisecond)
	}
}

func readAll(in *sse.Reader, last string, report func(seen)) string {
	for {
		e, err := in.Next()
		if err != nil {
			return last
		}
		last = e.ID
		report(seen{e.Type, e.ID, e.Data})
	}
}

// pause waits between two attempts of a client that has no waiting of its own.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

func node(script string) reader {
	return func(t *testing.T, ctx context.Context, url string, report func(seen)) {
		cmd := exec.CommandContext(ctx, "node", script, url, "CommentAdded")
		cmd.Dir = "clients"
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil || cmd.Start() != nil {
			t.Errorf("node %s: %v", script, err)
			return
		}
		lines := bufio.NewScanner(out)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			var e seen
			if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
				t.Errorf("node %s: %v", script, err)
			}
			report(e)
		}
		_ = cmd.Wait() // it ends with ctx
	}
}

func goSSE(t *testing.T, ctx context.Context, url string, report func(seen)) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Error(err)
		return
	}
	client := gosse.Client{Backoff: gosse.Backoff{InitialInterval: 200 * time.Millisecond, MaxInterval: time.Second, MaxRetries: -1}}
	conn := client.NewConnection(req)
	conn.Buffer(nil, 1<<20)
	conn.SubscribeToAll(func(e gosse.Event) {
		if e.Type == "" {
			e.Type = "message"
		}
		report(seen{e.Type, e.LastEventID, e.Data})
	})
	for ctx.Err() == nil {
		_ = conn.Connect() // it ends with ctx, or when it has given up
		pause(ctx, 200*time.Millisecond)
	}
}

func chromium(t *testing.T, ctx context.Context, url string, report func(seen)) {
	ctx, stop := newBrowser(ctx, t)
	defer stop()
	base := url[:strings.Index(url, "/sse/")]
	start := fmt.Sprintf(`
		window.seen = [];
		window.source = new EventSource(%q);
		for (const type of ["message", "sse.gap", "CommentAdded"])
			window.source.addEventListener(type, e => window.seen.push({type: e.type, id: e.lastEventId, data: e.data}));
		true`, url)
	if err := run(ctx, chromedp.Navigate(base+"/healthz")); err != nil {
		t.Errorf("Chromium: %v", err)
		return
	}
	if _, err := evaluate[bool](ctx, start); err != nil {
		t.Errorf("Chromium: %v", err)
		return
	}
	for ctx.Err() == nil {
		batch, err := evaluate[[]seen](ctx, `window.seen.splice(0)`)
		if err != nil {
			return // ctx is done
		}
		for _, e := range batch {
			report(e)
		}
		pause(ctx, 50*time.Millisecond)
	}
}

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// patience bounds every wait for something that must come; nothing here is timed.
const patience = 30 * time.Second

// binaries are built once for all tests, into a folder of the test's own.
var binaries struct {
	sync.Mutex
	dir   string
	built map[string]string
}

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "runnel-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	binaries.dir, binaries.built = dir, map[string]string{}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// build returns the path of the program, as `go build` makes it.
func build(t *testing.T, program string) string {
	t.Helper()
	binaries.Lock()
	defer binaries.Unlock()
	if path := binaries.built[program]; path != "" {
		return path
	}
	path := filepath.Join(binaries.dir, filepath.Base(program))
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", path, "../"+program).CombinedOutput()
	require.NoError(t, err, "go build %s: %s", program, out)
	binaries.built[program] = path
	return path
}

// process is a program that a test started, and kills at its end.
type process struct {
	t    *testing.T
	args []string
	env  []string
	cmd  *exec.Cmd
	out  *bytes.Buffer // what it wrote since its last start
}

func (p *process) start() {
	p.t.Helper()
	p.out = &bytes.Buffer{}
	p.cmd = exec.Command(p.args[0], p.args[1:]...)
	p.cmd.Env = append(os.Environ(), p.env...)
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	require.NoError(p.t, p.cmd.Start())
}

// kill is kill -9: no goodbye, no flush.
func (p *process) kill() {
	if p.cmd != nil && p.cmd.ProcessState == nil {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
	}
}

// server is a process that answers on a port that stays the same.
type server struct {
	process
	url string
}

// startDev starts `runnel dev` with the arguments and waits until it answers.
func startDev(t *testing.T, args ...string) *server {
	t.Helper()
	addr := freeAddr(t)
	s := &server{url: "http://" + addr}
	s.process = process{t: t, args: append([]string{build(t, "cmd/runnel"), "dev", "--addr", addr, "--control-addr", "127.0.0.1:0"}, args...)}
	t.Cleanup(func() {
		s.kill()
		if t.Failed() {
			t.Logf("the server wrote last: %.4000s", s.out)
		}
	})
	s.restart()
	return s
}

func (s *server) restart() {
	s.t.Helper()
	s.start()
	s.await()
}

// await waits until the server answers.
func (s *server) await() {
	s.t.Helper()
	require.Eventually(s.t, func() bool {
		res, err := http.Get(s.url + "/healthz")
		if err != nil {
			return false
		}
		_ = res.Body.Close()
		return res.StatusCode == http.StatusOK
	}, patience, 20*time.Millisecond, "%s did not answer: %s", s.url, s.out)
}

// publish stores one message and fails the test when the server does not say so.
func (s *server) publish(message any) {
	s.t.Helper()
	body, err := json.Marshal(message)
	require.NoError(s.t, err)
	res, err := http.Post(s.url+"/publish", "application/json", bytes.NewReader(body))
	require.NoError(s.t, err)
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	require.NoError(s.t, err)
	require.Equal(s.t, http.StatusOK, res.StatusCode, "%s", answer)
}

// comment is a broadcast as a service writes it.
func comment(item, text string) map[string]any {
	return map[string]any{
		"channel": "CommentStream:item:" + item, "event_type": "CommentAdded",
		"data": map[string]any{"comment_id": "7", "item_id": item, "author_name": "Ada", "text": text, "timestamp": 1763900000},
	}
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

// browser is the path of the Chromium here, or empty.
func browser() string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// newBrowser returns the context of a headless browser of the test's own. It
// speaks to nobody but the page's server.
func newBrowser(ctx context.Context, t *testing.T) (context.Context, context.CancelFunc) {
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(browser()), chromedp.NoSandbox, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-gpu", true), chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-sync", true), chromedp.Flag("no-first-run", true))
	ctx, stopAllocator := chromedp.NewExecAllocator(ctx, options...)
	ctx, stop := chromedp.NewContext(ctx)
	return ctx, func() { stop(); stopAllocator() }
}

func run(ctx context.Context, a chromedp.Action[chromedp.Void]) error {
	_, err := chromedp.Run(ctx, a)
	return err
}

func evaluate[T any](ctx context.Context, script string) (T, error) {
	return chromedp.Run(ctx, chromedp.Evaluate[T](script))
}

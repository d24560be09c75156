package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/follow"
)

// child is a `runnel dev` in a process of its own, on an address that stays.
type child struct {
	t    *testing.T
	url  string
	args []string
	cmd  *exec.Cmd
	out  bytes.Buffer
}

func startChild(t *testing.T, args ...string) *child {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := ln.Addr().String()
	require.NoError(t, ln.Close())
	c := &child{t: t, url: "http://" + addr, args: append([]string{"dev", "--addr", addr, "--control-addr", "127.0.0.1:0"}, args...)}
	t.Cleanup(func() { c.kill() })
	c.start()
	return c
}

func (c *child) start() {
	c.t.Helper()
	c.cmd = exec.Command(os.Args[0], c.args...)
	c.cmd.Env = append(os.Environ(), "RUNNEL_TEST_MAIN=1")
	c.cmd.Stdout, c.cmd.Stderr = &c.out, &c.out
	require.NoError(c.t, c.cmd.Start())
	require.Eventually(c.t, func() bool {
		res, err := http.Get(c.url + "/healthz")
		if err != nil {
			return false
		}
		_ = res.Body.Close()
		return res.StatusCode == http.StatusOK
	}, patience, 10*time.Millisecond, "it did not start")
}

// kill is kill -9: no goodbye, no flush.
func (c *child) kill() {
	if c.cmd.ProcessState == nil {
		_ = c.cmd.Process.Kill()
		_ = c.cmd.Wait()
	}
}

// publish stores a comment and reports whether the server said so.
func (c *child) publish(ctx context.Context, n int) bool {
	body := fmt.Sprintf(`{"id":"e%d","channel":"CommentStream:item:42","event_type":"CommentDeleted","data":{"comment_id":"%d","item_id":"42"}}`, n, n)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+"/publish", strings.NewReader(body))
	if err != nil {
		return false
	}
	req.Header.Set("Content-Type", mediaJSON)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	_ = res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// TestNothingThatWasAcknowledgedIsLostByAKill: a publisher repeats what was not
// acknowledged, a follower comes back, and the server is killed under both.
func TestNothingThatWasAcknowledgedIsLostByAKill(t *testing.T) {
	t.Parallel()
	const events, kills = 300, 3
	ctx, stop := context.WithTimeout(t.Context(), 2*patience)
	defer stop()
	c := startChild(t, "--data", t.TempDir())

	published := make(chan int, events)
	go func() {
		defer close(published)
		for n := range events {
			for !c.publish(ctx, n) { // its answer may be lost: the id makes it safe
				if ctx.Err() != nil {
					return
				}
			}
			published <- n
		}
	}()
	var got []string
	followed := make(chan error, 1)
	enough := fmt.Errorf("all have come")
	go func() {
		followed <- follow.Follow(ctx, follow.Options{
			URL: c.url + "/sse/CommentStream/item:42", Since: "earliest", MinWait: 20 * time.Millisecond, MaxWait: 100 * time.Millisecond,
			OnStatus: func(s follow.Status) {},
		}, func(e follow.Event) error {
			if e.Type == "sse.gap" {
				return fmt.Errorf("a gap: %s", e.Data)
			}
			if e.Control {
				return nil
			}
			var data struct {
				ID string `json:"comment_id"`
			}
			if err := json.Unmarshal(e.Data, &data); err != nil {
				return err
			}
			if got = append(got, data.ID); len(got) == events {
				return enough
			}
			return nil
		})
	}()
	done := 0
	for n := range published {
		if done = n + 1; done%(events/(kills+1)) == 0 && done < events {
			c.kill()
			c.start()
		}
	}
	require.Equal(t, events, done, "not everything could be published")
	require.ErrorIs(t, <-followed, enough)
	for i, id := range got {
		require.Equal(t, fmt.Sprint(i), id, "in order, each once")
	}
}

func TestThePageMissesNothingWhenTheServerIsKilled(t *testing.T) {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		require.Empty(t, os.Getenv("CI"), "in CI nothing may be missing")
		t.Skip("chromium is not installed: the page is not tested in a browser")
	}
	c := startChild(t, "--data", t.TempDir())
	ctx, stop := context.WithTimeout(t.Context(), 2*patience)
	defer stop()
	ctx, stopBrowser := chromedp.NewExecAllocator(ctx, append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium), chromedp.NoSandbox, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-gpu", true), chromedp.Flag("disable-quic", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-background-networking", true))...)
	defer stopBrowser()
	ctx, stopTab := chromedp.NewContext(ctx)
	defer stopTab()

	_, err = chromedp.Run(ctx, chromedp.Navigate(c.url+"/"))
	require.NoError(t, err)
	until(ctx, t, `document.body.dataset.status === "live"`)
	require.True(t, c.publish(ctx, 0))
	until(ctx, t, `document.body.dataset.received === "1"`)

	// What an event brings is shown as text, and runs nowhere.
	status, _, errs := cli(t, "", "publish", "--url", c.url, "CommentStream:item:42", "CommentAdded",
		`{"comment_id":"1","item_id":"42","author_name":"Mallory","text":"<img src=x onerror='document.title=\"owned\"'>","timestamp":1}`)
	require.Equal(t, statusOK, status, errs)
	until(ctx, t, `document.querySelector("#log .data").textContent.includes("<img src=x")`)
	until(ctx, t, `document.title === "Runnel" && !document.querySelector("#log img")`)

	// The form publishes, and the answer says where the event is.
	_, err = chromedp.Run(ctx, chromedp.Evaluate[any](`document.querySelector("#publish button").click()`))
	require.NoError(t, err)
	until(ctx, t, `/^Stored as number \d of CommentStream:item:42.$/.test(document.querySelector("#answer").textContent)`)
	until(ctx, t, `document.body.dataset.received === "3"`)

	c.kill()
	until(ctx, t, `document.body.dataset.status !== "live"`)
	c.start()
	for n := range 5 { // before the page is back
		require.True(t, c.publish(ctx, n+10))
	}
	until(ctx, t, `document.body.dataset.received === "8"`)
	until(ctx, t, `document.body.textContent.includes("nothing was missed") && document.body.dataset.status === "live"`)
	until(ctx, t, `document.getElementById("holes").textContent === "0" && document.getElementById("doubles").textContent === "0"`)
}

// until waits for the page.
func until(ctx context.Context, t *testing.T, condition string) {
	t.Helper()
	var last error
	require.Eventually(t, func() bool {
		holds, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`Boolean((() => { try { return `+condition+` } catch { return false } })())`))
		last = err
		return err == nil && holds
	}, patience, 50*time.Millisecond, "%s: %v", condition, last)
}

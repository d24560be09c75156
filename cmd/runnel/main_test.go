package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// patience bounds every wait for what must come; nothing here is timed.
const patience = 30 * time.Second

// TestMain lets a test start this program as a process of its own, to kill it.
func TestMain(m *testing.M) {
	if os.Getenv("RUNNEL_TEST_MAIN") != "" {
		main()
	}
	os.Exit(m.Run())
}

// cli runs the command line and returns its status and what it wrote.
func cli(t *testing.T, stdin string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	status = run(t.Context(), args, strings.NewReader(stdin), &out, &errs)
	return status, out.String(), errs.String()
}

// served is a `runnel dev` in this process.
type served struct {
	url  string
	said string              // on standard output, at its start
	stop func() (status int) // Ctrl-C, and its end
}

func serveDev(t *testing.T, args ...string) served {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	out, in := io.Pipe()
	var errs bytes.Buffer
	status := make(chan int, 1)
	go func() {
		status <- run(ctx, append([]string{"dev", "--addr", "127.0.0.1:0"}, args...), strings.NewReader(""), in, &errs)
		_ = in.Close()
	}()
	said, url := untilStarted(t, out)
	require.NotEmpty(t, url, "it did not start")
	var rest sync.WaitGroup
	rest.Go(func() { _, _ = io.Copy(io.Discard, out) })
	end := sync.OnceValue(func() int {
		cancel()
		code := <-status
		rest.Wait()
		return code
	})
	t.Cleanup(func() {
		end()
		if t.Failed() {
			t.Logf("the server wrote: %s", errs.String())
		}
	})
	return served{url: url, said: said, stop: end}
}

// untilStarted reads what the server says, up to its last line, and returns its
// address too.
func untilStarted(t *testing.T, out io.Reader) (said, url string) {
	t.Helper()
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		said += lines.Text() + "\n"
		if rest, ok := strings.CutPrefix(lines.Text(), "open      "); ok {
			url = strings.TrimSuffix(rest, "/")
		}
		if lines.Text() == "Ctrl-C stops" {
			break
		}
	}
	return said, url
}

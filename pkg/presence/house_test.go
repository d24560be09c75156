package presence_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/eventlog"
	"github.com/runnel-sse/runnel/pkg/memory"
	"github.com/runnel-sse/runnel/pkg/presence"
	"github.com/runnel-sse/runnel/pkg/subscriber"
)

const grace = 10 * time.Second

var item = channel.MustParse("CommentStream:item:42")

// house is a log and a registry, and whoever comes and goes. It is used inside
// of a bubble, so its clock is the bubble's.
type house struct {
	t        *testing.T
	log      *memory.Log
	registry *memory.Registry
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{t: t, log: memory.NewLog(memory.LogOptions{}), registry: memory.NewRegistry(memory.RegistryOptions{})}
	require.NoError(t, h.registry.Renew(t.Context(), "p", time.Now().Add(24*time.Hour)))
	return h
}

func (h *house) sayer(log presence.Log, outbox subscriber.Outbox) *presence.Sayer {
	h.t.Helper()
	s, err := presence.New(presence.Config{Log: log, Outbox: outbox, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	require.NoError(h.t, err)
	return s
}

func connection(user string, chs ...channel.Name) subscriber.Connection {
	c := subscriber.Connection{ID: "p." + user, Process: "p", User: user}
	for _, ch := range chs {
		c.Seats = append(c.Seats, subscriber.Seat{Channel: ch, Presence: true, Grace: grace})
	}
	return c
}

func (h *house) join(user string, chs ...channel.Name) []subscriber.News {
	h.t.Helper()
	news, err := h.registry.Join(context.WithoutCancel(h.t.Context()), connection(user, chs...), subscriber.Limits{})
	require.NoError(h.t, err)
	return news
}

func (h *house) leave(user string, chs ...channel.Name) []subscriber.News {
	h.t.Helper()
	news, err := h.registry.Leave(context.WithoutCancel(h.t.Context()), connection(user, chs...))
	require.NoError(h.t, err)
	return news
}

// said is what a reader of the channel sees, as "sse.joined ada".
func (h *house) said(ch channel.Name) (lines []string) {
	h.t.Helper()
	var after eventlog.Position
	for {
		records, err := h.log.Read(context.WithoutCancel(h.t.Context()), ch, after, 1000)
		require.NoError(h.t, err)
		if len(records) == 0 {
			return lines
		}
		for _, r := range records {
			var data struct{ User string }
			require.NoError(h.t, json.Unmarshal(r.Data, &data))
			lines = append(lines, r.Type+" "+data.User)
			after = r.Position
		}
	}
}

// empty fails while the outbox has anything.
func (h *house) empty() {
	h.t.Helper()
	due, err := h.registry.Due(context.WithoutCancel(h.t.Context()), time.Now().Add(time.Hour), 10)
	require.NoError(h.t, err)
	require.Empty(h.t, due)
}

func bubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, test)
}

// run runs the sayer until the test ends. The bubble fails if it stays.
func run(t *testing.T, s *presence.Sayer) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run ended with %v", err)
		}
	})
}

func pass(d time.Duration) {
	time.Sleep(d) // in a bubble
	synctest.Wait()
}

// switchedLog can be off.
type switchedLog struct {
	presence.Log
	mu   sync.Mutex
	off  bool // guarded by mu
	once bool // then it is on again
	n    int  // guarded by mu
}

func (l *switchedLog) set(off bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.off = off
}

func (l *switchedLog) calls() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.n
}

func (l *switchedLog) Append(ctx context.Context, ch channel.Name, events []eventlog.Event) ([]eventlog.Position, error) {
	l.mu.Lock()
	l.n++
	off := l.off
	l.off = off && !l.once
	l.mu.Unlock()
	if off {
		return nil, eventlog.ErrUnavailable
	}
	return l.Log.Append(ctx, ch, events)
}

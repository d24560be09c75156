package follow_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnel-sse/runnel/pkg/follow"
	"github.com/runnel-sse/runnel/pkg/sse"
)

// attempt is one request that a server has seen.
type attempt struct {
	at     time.Duration // since the first one
	lastID string
	query  string
}

// told is all that came of following a script.
type told struct {
	attempts []attempt
	events   []follow.Event
	statuses []follow.Status
	err      error
}

func (all told) waits() (waits []time.Duration) {
	for _, s := range all.statuses {
		if s.State == follow.Waiting {
			waits = append(waits, s.Wait)
		}
	}
	return waits
}

func (all told) lines() (lines []string) {
	for _, e := range all.events {
		lines = append(lines, fmt.Sprintf("%s %s %s %s", e.ID, e.Type, e.Channel, e.Data))
	}
	return lines
}

// users are the lines of the events that are not Runnel's own.
func (all told) users() (lines []string) {
	for i, line := range all.lines() {
		if !all.events[i].Control {
			lines = append(lines, line)
		}
	}
	return lines
}

// script answers the first request with the first step and so on, and 204, which
// ends a Follow, when there is none left. It speaks HTTP/1.1 over pipes, so that
// all of it lives in a synctest bubble.
func script(t *testing.T, o follow.Options, on func(follow.Event) error, steps ...http.HandlerFunc) told {
	t.Helper()
	var all told
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var mu sync.Mutex // guards attempts
		var attempts []attempt
		o.Client = pipe(t, func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			n := len(attempts)
			attempts = append(attempts, attempt{at: time.Since(began), lastID: r.Header.Get("Last-Event-ID"), query: r.URL.RawQuery})
			mu.Unlock()
			if n >= len(steps) {
				w.WriteHeader(http.StatusNoContent)
				return
			}
			steps[n](w, r)
		})
		if o.URL == "" {
			o.URL = "http://runnel.test/sse/CommentStream/item:42"
		}
		if o.Rand == nil {
			o.Rand = func() float64 { return 0 }
		}
		o.OnStatus = func(s follow.Status) { all.statuses = append(all.statuses, s) }
		all.err = follow.Follow(t.Context(), o, func(e follow.Event) error {
			all.events = append(all.events, e)
			if on != nil {
				return on(e)
			}
			return nil
		})
		mu.Lock()
		defer mu.Unlock()
		all.attempts = attempts
	})
	return all
}

// pipe returns a client of the handler, without a socket.
func pipe(t *testing.T, handler http.HandlerFunc) *http.Client {
	l := &listener{conns: make(chan net.Conn), closed: make(chan struct{})}
	server := &http.Server{Handler: handler}
	served := make(chan error)
	go func() { served <- server.Serve(l) }()
	transport := &http.Transport{DialContext: l.dial, DisableKeepAlives: true}
	t.Cleanup(func() {
		_ = server.Close()
		<-served
		transport.CloseIdleConnections()
	})
	return &http.Client{Transport: transport}
}

type listener struct {
	conns  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func (l *listener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case l.conns <- far:
		return near, nil
	case <-l.closed:
		return nil, errors.New("connection refused")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error   { l.once.Do(func() { close(l.closed) }); return nil }
func (l *listener) Addr() net.Addr { return &net.TCPAddr{} }

// stream answers with the frames and ends cleanly. A time.Duration among them is
// waited for, heartbeats are sent, an error cuts the connection.
func stream(frames ...any) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for _, frame := range frames {
			switch frame := frame.(type) {
			case string:
				send(w, frame)
			case time.Duration:
				pause(r, frame)
			case heartbeats:
				for range frame {
					pause(r, time.Second)
					send(w, sse.Heartbeat)
				}
			case error:
				panic(http.ErrAbortHandler)
			}
		}
	}
}

func send(w http.ResponseWriter, text string) {
	_, _ = w.Write([]byte(text))
	_ = http.NewResponseController(w).Flush()
}

func pause(r *http.Request, d time.Duration) {
	select {
	case <-time.After(d):
	case <-r.Context().Done():
	}
}

// heartbeats are that many seconds with one each.
type heartbeats int

var errCut = errors.New("cut")

func refuse(status int, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
	}
}

func connected(id string) string {
	return "id: " + id + "\n" + `data: {"type":"connected","connection":"c1","heartbeat_ms":1000,"lease_ms":60000,` +
		`"channels":[{"channel":"CommentStream:item:42","resumed":true,"recovered":true}],"channel":"CommentStream:item:42","recovered":true}` + "\n\n"
}

func added(id string) string {
	return "id: " + id + "\nevent: CommentAdded\ndata: {\"n\":" + id + "}\n\n"
}

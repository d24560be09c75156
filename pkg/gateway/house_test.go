package gateway_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/auth"
	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/eventlog"
	"github.com/runnel-sse/runnel/pkg/gateway"
	"github.com/runnel-sse/runnel/pkg/memory"
	"github.com/runnel-sse/runnel/pkg/schema"
	"github.com/runnel-sse/runnel/pkg/sse"
	"github.com/runnel-sse/runnel/pkg/tail"
)

var (
	item = channel.MustParse("CommentStream:item:42")
	user = channel.MustParse("NotificationStream:user:7")
)

var catalog = &schema.Catalog{Streams: []schema.Stream{
	{Name: "CommentStream", Template: channel.MustParseTemplate("item:{item_id}"), Policy: schema.PolicyPublic},
	{Name: "ClaimStream", Template: channel.MustParseTemplate("room:{room_id}"), Policy: schema.PolicyClaim},
	{Name: "NarrowStream", Template: channel.MustParseTemplate("room:{room_id}"), Policy: schema.PolicyPublic, Limit: 1, UserLimit: 40, AddressLimit: 20},
	{Name: "PatientStream", Template: channel.MustParseTemplate("job:{job_id}"), Policy: schema.PolicyPublic, Economy: &schema.Economy{Open: 20 * time.Second, Closed: 2 * time.Minute}},
	{Name: "ThriftyStream", Template: channel.MustParseTemplate("page:{page_id}"), Policy: schema.PolicyPublic, Budget: 20 * time.Hour, Function: &schema.Function{Name: "thrift"}},
	{Name: "NotificationStream", Template: channel.MustParseTemplate("user:{user_id}"), Policy: schema.PolicyOwner, Owner: schema.Owner{Field: "user_id", Claim: "sub"}},
}}

const retention = time.Hour

// guard is a Guard.
type guard func(*http.Request) (auth.Principal, error)

func (g guard) Authenticate(r *http.Request) (auth.Principal, error) { return g(r) }

// as takes every request for that one's.
func as(p auth.Principal) guard {
	return func(*http.Request) (auth.Principal, error) { return p, nil }
}

// house is a gateway with all that it needs, served over pipes in place of
// sockets, so that a bubble of synctest holds all of it, net/http included:
// time is its own, and a goroutine left behind fails the test.
type house struct {
	t        *testing.T
	log      *memory.Log
	registry *memory.Registry
	tail     *tail.Tail
	gateway  *gateway.Gateway
	client   *http.Client
	lines    *lines // what was logged
}

func open(t *testing.T, adjust func(*gateway.Config)) *house {
	log := memory.NewLog(memory.LogOptions{Retention: func(string) time.Duration { return retention }})
	return openOver(t, log, log, adjust)
}

func openOver(t *testing.T, log *memory.Log, read eventlog.Log, adjust func(*gateway.Config)) *house {
	h := &house{t: t, log: log, registry: memory.NewRegistry(memory.RegistryOptions{}), lines: &lines{}}
	logger := slog.New(slog.NewTextHandler(h.lines, nil))
	h.tail = tail.New(read, tail.Options{Logger: logger})
	cfg := gateway.Config{
		Tail: h.tail, Registry: h.registry, Catalog: catalog, Logger: logger,
		Guard: as(auth.Principal{Subject: "7"}), UserLimit: -1,
	}
	if adjust != nil {
		adjust(&cfg)
	}
	var err error
	h.gateway, err = gateway.New(cfg)
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	var work sync.WaitGroup
	work.Go(func() { _ = h.tail.Run(ctx) })
	work.Go(func() { _ = h.gateway.Run(ctx) })
	pipes := newPipes()
	server := &http.Server{Handler: h.gateway, ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelError)}
	work.Go(func() { _ = server.Serve(pipes) })
	transport := &http.Transport{DialContext: pipes.dial, DisableCompression: true}
	h.client = &http.Client{Transport: transport}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		_ = server.Close()
		stop()
		work.Wait()
	})
	return h
}

// publish appends events whose data are their numbers, first to first+n-1.
func (h *house) publish(ch channel.Name, first, n int) {
	for i := range n {
		_, err := h.log.Append(context.Background(), ch, []eventlog.Event{{Type: "Counted", Data: fmt.Appendf(nil, `{"n":%d}`, first+i)}})
		require.NoError(h.t, err)
	}
}

// flood appends n events at once, whose data are their numbers from 0 on.
func (h *house) flood(ch channel.Name, n int) {
	all := make([]eventlog.Event, n)
	for i := range all {
		all[i] = eventlog.Event{Type: "Counted", Data: fmt.Appendf(nil, `{"n":%d}`, i)}
	}
	_, err := h.log.Append(context.Background(), ch, all)
	require.NoError(h.t, err)
}

// stream is an open connection as a client sees it.
type stream struct {
	t      *testing.T
	header http.Header
	body   io.Closer
	raw    *strings.Builder
	events *sse.Reader
	hello  hello
	first  sse.Event
}

type hello struct {
	Type, Channel, Connection string
	Recovered                 bool
	Channels                  []struct {
		Channel            string
		Resumed, Recovered bool
		Reason             string
	}
	HeartbeatMS int64 `json:"heartbeat_ms"`
	LeaseMS     int64 `json:"lease_ms"`
	ParkedMS    int64 `json:"parked_ms"`
	Expires     time.Time
	Budget      string
}

func (h *house) get(path string, header ...string) *http.Response {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://runnel.test"+path, nil)
	require.NoError(h.t, err)
	for i := 0; i < len(header); i += 2 {
		req.Header[header[i]] = []string{header[i+1]}
	}
	res, err := h.client.Do(req)
	require.NoError(h.t, err)
	h.t.Cleanup(func() { _ = res.Body.Close() })
	return res
}

// connect opens a stream and reads its connected event.
func (h *house) connect(path string, header ...string) *stream {
	res := h.get(path, header...)
	require.Equal(h.t, http.StatusOK, res.StatusCode)
	s := &stream{t: h.t, header: res.Header, body: res.Body, raw: &strings.Builder{}}
	s.events = sse.NewReader(io.TeeReader(res.Body, s.raw))
	s.first = s.next()
	require.Equal(h.t, "message", s.first.Type)
	require.NoError(h.t, json.Unmarshal([]byte(s.first.Data), &s.hello))
	require.Equal(h.t, "connected", s.hello.Type)
	return s
}

func (s *stream) next() sse.Event {
	e, err := s.events.Next()
	require.NoError(s.t, err)
	return e
}

// take returns the data of the next n events.
func (s *stream) take(n int) []string {
	var data []string
	for range n {
		data = append(data, s.next().Data)
	}
	return data
}

// end reads on to the end and returns the events until there, and how it ended.
func (s *stream) end() ([]sse.Event, error) {
	var all []sse.Event
	for {
		e, err := s.events.Next()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		all = append(all, e)
	}
}

// idle leaves the stream to be read in the background, until it ends.
func (s *stream) idle() { go func() { _, _ = s.end() }() }

func (s *stream) close() { _ = s.body.Close() }

func numbers(first, n int) []string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf(`{"n":%d}`, first+i))
	}
	return all
}

// pipes is a listener whose connections never leave the process.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), closed: make(chan struct{})} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.conns <- far:
		return near, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes"} }

// lines collects what is logged.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

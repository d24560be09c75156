// Package gateway is the door for readers: it takes one connection from its
// request to its last byte. Admit, replay and follow are one question to the
// tail, asked with a cursor again and again: what comes after it?
//
// It is an http.Handler and knows nothing of its host; it stores no events, and
// what a token allows is decided by whoever gives it Config.Admit.
package gateway

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/cursor"
	"github.com/runnel-sse/runnel/pkg/schema"
	"github.com/runnel-sse/runnel/pkg/subscriber"
	"github.com/runnel-sse/runnel/pkg/tail"
)

// Config of a Gateway. Tail, Registry and Catalog are required.
type Config struct {
	Tail     *tail.Tail
	Registry subscriber.Registry
	Catalog  *schema.Catalog

	// Admit decides whether the request may read the channel: nil, or an error
	// that is ErrUnauthorized or ErrForbidden. Without it only streams whose
	// policy is public are served.
	Admit func(r *http.Request, s *schema.Stream, ch channel.Name) error

	Heartbeat    time.Duration // longest silence on a stream, default 15 s
	MaxLife      time.Duration // a connection ends after 80 to 100 % of it, default 15 min
	Margin       time.Duration // and so long before the request's deadline, default 5 s
	Retry        time.Duration // a client reconnects after 1 to 2.5 times that, default 2 s
	WriteTimeout time.Duration // a reader that takes nothing for half as long to as long is cut off, default 30 s
	Lease        time.Duration // of this process in the registry, default 60 s

	MaxChannels    int // of a connection, default 32
	MaxConnections int // of this process, default 0: no limit

	// AllowedOrigins get CORS headers: exact origins, or "*" alone. Empty where
	// something in front answers for CORS, as a function URL does.
	AllowedOrigins []string

	Logger *slog.Logger // default slog.Default
}

// withDefaults returns c with what was left out, or every fault in it.
func (c Config) withDefaults() (Config, error) {
	set := func(d *time.Duration, def time.Duration) {
		if *d == 0 {
			*d = def
		}
	}
	set(&c.Heartbeat, 15*time.Second)
	set(&c.MaxLife, 15*time.Minute)
	set(&c.Margin, 5*time.Second)
	set(&c.Retry, 2*time.Second)
	set(&c.WriteTimeout, 30*time.Second)
	set(&c.Lease, time.Minute)
	if c.MaxChannels == 0 {
		c.MaxChannels = 32
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Admit == nil {
		c.Admit = publicOnly
	}
	var faults []error
	for name, missing := range map[string]bool{"Tail": c.Tail == nil, "Registry": c.Registry == nil, "Catalog": c.Catalog == nil} {
		if missing {
			faults = append(faults, errors.New("gateway: Config."+name+" is missing"))
		}
	}
	if c.MaxChannels < 1 || c.MaxChannels > cursor.MaxChannels {
		faults = append(faults, errors.New("gateway: Config.MaxChannels must be 1 to 64, what a cursor can hold"))
	}
	if _, err := newOrigins(c.AllowedOrigins); err != nil {
		faults = append(faults, err)
	}
	return c, errors.Join(faults...)
}

// Gateway serves event streams. Run must be running while it does.
type Gateway struct {
	cfg      Config
	origins  origins
	keeper   *keeper
	open     atomic.Int64
	empty    chan struct{} // capacity 1: the last stream has ended
	draining chan struct{}
	drain    sync.Once
}

// New returns a gateway, or every fault of its configuration.
func New(cfg Config) (*Gateway, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	allowed, _ := newOrigins(cfg.AllowedOrigins) // checked above
	return &Gateway{
		cfg:      cfg,
		origins:  allowed,
		keeper:   newKeeper(cfg.Registry, cfg.Lease, cfg.Logger),
		empty:    make(chan struct{}, 1),
		draining: make(chan struct{}),
	}, nil
}

// Run keeps this process's lease in the registry while it has connections, and
// makes good what could not be written there, until ctx is done. It returns the
// error of ctx.
func (g *Gateway) Run(ctx context.Context) error { return g.keeper.run(ctx) }

// Drain ends every stream in the planned way, so that its reader comes back
// elsewhere at once, and refuses new ones.
func (g *Gateway) Drain() { g.drain.Do(func() { close(g.draining) }) }

// Wait returns when every stream has ended, or with the error of ctx.
func (g *Gateway) Wait(ctx context.Context) error {
	for g.open.Load() > 0 {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-g.empty:
		}
	}
	return nil
}

// release gives back what enter took.
func (g *Gateway) release() {
	if g.open.Add(-1) == 0 {
		select {
		case g.empty <- struct{}{}:
		default:
		}
	}
}

// Open returns how many streams are open.
func (g *Gateway) Open() int { return int(g.open.Load()) }

// ServeHTTP serves GET /sse/{StreamType}/{key} and GET /sse?channel=…&channel=….
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.origins.answer(w.Header(), r)
	switch r.Method {
	case http.MethodOptions:
		preflight(w, r)
		return
	case http.MethodGet:
	default:
		w.Header().Set("Allow", "GET, OPTIONS")
		g.refuse(w, r, problem{Status: http.StatusMethodNotAllowed, Code: "method", Detail: "a stream is read with GET"})
		return
	}
	if err := g.serve(w, r); err != nil {
		g.refuse(w, r, g.problemOf(r, err))
	}
}

// serve returns an error only while nothing is written yet.
func (g *Gateway) serve(w http.ResponseWriter, r *http.Request) error {
	q, err := g.parse(r)
	if err != nil {
		return err
	}
	s, err := g.enter(r.Context(), q)
	if err != nil {
		return err
	}
	life := g.life(r.Context())
	out, ctx, err := hijack(w, r)
	if err != nil {
		defer s.leave()
		if !g.run(r.Context(), newConn(g, newResponse(w), s.reader, life), s) {
			panic(http.ErrAbortHandler) // the one way to tell net/http to cut it off
		}
		return nil
	}
	// From here on the stream has a goroutine of its own, small where that of
	// net/http, which ends now, is large. Wait waits for it.
	s.opening = append(head(w.Header()), s.opening...)
	go func() {
		defer s.leave()
		defer out.Close()
		g.run(ctx, newConn(g, out, s.reader, life), s)
	}()
	return nil
}

// enter gives the reader its place, or says why there is none.
func (g *Gateway) enter(ctx context.Context, q request) (s *session, err error) {
	n := g.open.Add(1)
	defer func() {
		if err != nil {
			g.release()
		}
	}()
	select {
	case <-g.draining:
		return nil, errDraining
	default:
	}
	if most := g.cfg.MaxConnections; most > 0 && n > int64(most) {
		return nil, errBusy
	}
	if s, err = g.admit(ctx, q); err != nil {
		return nil, err
	}
	goodbye, err := g.keeper.join(ctx, subscriber.Connection{
		ID: s.connection, Seats: seats(q.channels), Joined: time.Now().UTC().Truncate(time.Millisecond),
	})
	if err != nil {
		s.reader.Close()
		return nil, err
	}
	s.leave = func() {
		s.reader.Close()
		goodbye()
		g.release()
	}
	return s, nil
}

// run streams to the end and says what that was. It reports whether it ended as
// streams do: a fault in one ends no other, but must not look like a clean end.
func (g *Gateway) run(ctx context.Context, c *conn, s *session) (well bool) {
	began, opening := time.Now(), s.opening
	s.opening = nil // not kept for the length of the stream
	defer func() {
		if fault := recover(); fault != nil {
			g.cfg.Logger.LogAttrs(ctx, slog.LevelError, "stream panicked", slog.String("connection", s.connection),
				slog.Any("panic", fault), slog.String("stack", string(debug.Stack())))
		}
	}()
	why := c.stream(ctx, opening)
	g.cfg.Logger.LogAttrs(ctx, slog.LevelInfo, "stream ended", slog.String("connection", s.connection),
		slog.Any("reason", why), slog.Int64("bytes", c.sent), slog.Duration("open", time.Since(began)))
	return true
}

// between returns a random duration from low to high.
func between(low, high time.Duration) time.Duration {
	if high <= low {
		return low
	}
	return low + rand.N(high-low)
}

func seats(chs []channel.Name) []subscriber.Seat {
	all := make([]subscriber.Seat, len(chs))
	for i, ch := range chs {
		all[i].Channel = ch
	}
	return all
}

// Package gateway is the door for readers: it takes one connection from its
// request to its last byte. Admit, replay and follow are one question to the
// tail, asked with a cursor again and again: what comes after it?
//
// While a stream is open, other processes speak to it through this process's
// mailbox: its reader has left, it has a fresh token, it has to go. When it ends,
// and what its reader is told then, is in life.go.
//
// It is an http.Handler and knows nothing of its host; it stores no events, and
// whom a request is from is for whoever gives it Config.Guard.
package gateway

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/runnel-sse/runnel/pkg/auth"
	"github.com/runnel-sse/runnel/pkg/cors"
	"github.com/runnel-sse/runnel/pkg/obs"
	"github.com/runnel-sse/runnel/pkg/problem"
	"github.com/runnel-sse/runnel/pkg/subscriber"
)

// Gateway serves event streams. Run must be running while it does.
type Gateway struct {
	cfg      Config
	cors     *cors.Policy
	process  string // of this gateway for ever; a part of each connection's id
	keeper   *keeper
	purse    *purse
	roll     *roll
	back     returns // of readers that come back at once
	parked   returns // of those that stay away for a while
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
	origins, _ := cfg.origins() // looked at above
	streams := newRoll()
	return &Gateway{
		cfg:      cfg,
		cors:     origins,
		process:  newID(),
		keeper:   newKeeper(cfg.Registry, cfg.Lease, cfg.News, streams.evict, cfg.Logger),
		purse:    newPurse(cfg.Budget, cfg.Metrics, cfg.Logger),
		roll:     streams,
		empty:    make(chan struct{}, 1),
		draining: make(chan struct{}),
	}, nil
}

// Run keeps this process's lease in the registry while it has connections, makes
// good what could not be written there, obeys the commands in its mailbox and
// keeps the streams' budgets, until ctx is done. It returns the error of ctx.
func (g *Gateway) Run(ctx context.Context) error {
	var beside sync.WaitGroup
	defer beside.Wait()
	beside.Go(func() { g.readMail(ctx) })
	beside.Go(func() { g.purse.run(ctx) })
	return g.keeper.run(ctx)
}

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
	g.cors.Answer(w.Header(), r)
	switch r.Method {
	case http.MethodOptions:
		g.cors.Preflight(w, r)
		return
	case http.MethodGet:
	default:
		w.Header().Set("Allow", "GET, OPTIONS")
		g.refuse(w, r, problem.Problem{Status: http.StatusMethodNotAllowed, Code: "method", Detail: "a stream is read with GET"})
		return
	}
	if err := g.serve(w, r); err != nil {
		g.refuse(w, r, g.problemOf(r.Context(), err))
	}
}

// serve returns an error only while nothing is written yet.
func (g *Gateway) serve(w http.ResponseWriter, r *http.Request) error {
	q, err := g.parse(r)
	if err != nil {
		return err
	}
	s, err := g.enter(r, q)
	if err != nil {
		return err
	}
	out, ctx, err := hijack(w, r)
	if err != nil {
		defer s.leave()
		if !g.run(r.Context(), newConn(g, newResponse(w), s)) {
			panic(http.ErrAbortHandler) // the one way to tell net/http to cut it off
		}
		return nil
	}
	// From here on the stream has a goroutine of its own, small where that of
	// net/http, which ends now, is large. Wait waits for it.
	s.opening = append(head(w.Header()), s.opening...)
	go func() {
		defer out.Close()
		defer s.leave() // first: who comes back on seeing the end finds its place free
		g.run(ctx, newConn(g, out, s))
	}()
	return nil
}

// enter gives the reader its place, or says why there is none.
func (g *Gateway) enter(r *http.Request, q request) (s *session, err error) {
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
	if err := g.authorize(r, &q); err != nil {
		return nil, err
	}
	ctx, streams := r.Context(), q.streams
	g.purse.enter(ctx, streams)
	defer func() {
		if err != nil {
			g.purse.leave(ctx, streams)
		}
	}()
	if s, err = g.admit(ctx, q); err != nil {
		return nil, err
	}
	g.roll.expect(s.connection)
	err = g.keeper.join(ctx, subscriber.Connection{
		ID: s.connection, User: q.who.Subject, Address: auth.Address(r, g.cfg.AddressHeader),
		Seats: seats(q.channels, streams), Joined: time.Now().UTC().Truncate(time.Millisecond),
	}, g.limits(streams))
	if err != nil {
		g.roll.remove(s.connection)
		s.reader.Close()
		return nil, err
	}
	if q.resume {
		g.cfg.Metrics.Add(obs.StreamsResumed, 1)
	}
	s.leave = func() {
		s.reader.Close()
		g.keeper.leave(ctx, s.connection)
		g.purse.leave(ctx, s.streams)
		g.release()
	}
	return s, nil
}

// run streams to the end and says what that was. It reports whether it ended as
// streams do: a fault in one ends no other, but must not look like a clean end.
func (g *Gateway) run(ctx context.Context, c *conn) (well bool) {
	began := time.Now()
	g.roll.add(c)
	defer g.roll.remove(c.connection)
	defer func() {
		if fault := recover(); fault != nil {
			g.cfg.Logger.LogAttrs(ctx, slog.LevelError, "stream panicked", obs.Connection(c.connection),
				slog.Any("panic", fault), obs.Stack())
		}
	}()
	g.account(ctx, c, began, c.stream(ctx))
	return true
}

// between returns a random duration from low to high.
func between(low, high time.Duration) time.Duration {
	if high <= low {
		return low
	}
	return low + rand.N(high-low)
}

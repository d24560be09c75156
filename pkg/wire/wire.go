// Package wire builds each program: it joins the uses (gateway, ingest) to the
// adapters that they run on. It is the only package that knows both, and it
// decides nothing else.
package wire

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/runnel-sse/runnel/events"
	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/command"
	"github.com/runnel-sse/runnel/pkg/eventlog"
	"github.com/runnel-sse/runnel/pkg/gateway"
	"github.com/runnel-sse/runnel/pkg/ingest"
	"github.com/runnel-sse/runnel/pkg/obs"
	"github.com/runnel-sse/runnel/pkg/presence"
	"github.com/runnel-sse/runnel/pkg/subscriber"
	"github.com/runnel-sse/runnel/pkg/tail"
)

// store is where everything is kept, by one adapter.
type store struct {
	log      eventlog.Log
	registry subscriber.Storage
	bell     eventlog.Bell // nil: readers poll
	// trim removes what has expired; nil where that happens by itself.
	trim  func(context.Context) (removed int, err error)
	close func() error
}

// retention is how long a stream's events are kept, as its definition says, and
// those of a mailbox.
func retention(stream string) time.Duration {
	if stream == command.Stream {
		return command.Retention
	}
	s, ok := events.Catalog.Stream(stream)
	if !ok {
		return 0
	}
	return s.Retention
}

// sayer says who comes and goes.
func (s store) sayer(logger *slog.Logger) (*presence.Sayer, error) {
	return presence.New(presence.Config{Log: ringing{s.log, s.bell}, Outbox: s.registry, Logger: logger})
}

// ringing is a log that rings the bell after each append, if there is one.
type ringing struct {
	eventlog.Log
	bell eventlog.Bell
}

func (l ringing) Append(ctx context.Context, ch channel.Name, all []eventlog.Event) ([]eventlog.Position, error) {
	at, err := l.Log.Append(ctx, ch, all)
	if err == nil && l.bell != nil && len(at) > 0 {
		l.bell.Ring(ctx, eventlog.Ring{Channel: ch, Position: at[len(at)-1]})
	}
	return at, err
}

// streams is the reading side of a process: one tail, one gateway.
type streams struct {
	tail     *tail.Tail
	gateway  *gateway.Gateway
	presence *presence.Sayer
}

func newStreams(s store, interval time.Duration, cfg gateway.Config) (*streams, error) {
	t := tail.New(s.log, tail.Options{Bell: s.bell, Interval: interval, Logger: cfg.Logger})
	sayer, err := s.sayer(cfg.Logger)
	if err != nil {
		return nil, err
	}
	cfg.Tail, cfg.Registry, cfg.Budget, cfg.News = t, s.registry, s.registry, sayer.Tell
	if cfg.Catalog == nil {
		cfg.Catalog = &events.Catalog
	}
	g, err := gateway.New(cfg)
	if err != nil {
		return nil, err
	}
	return &streams{t, g, sayer}, nil
}

// run makes the streams move until ctx is done.
func (s *streams) run(ctx context.Context) error {
	return together(ctx, s.tail.Run, s.gateway.Run, s.presence.Run)
}

func newIngest(s store, orders func(context.Context, command.Order) error, logger *slog.Logger) *ingest.Ingest {
	return ingest.New(ingest.Config{
		Log: s.log, Bell: s.bell, Catalog: &events.Catalog,
		Logic: events.Logic, Changes: events.CommentChanges, Orders: orders, Logger: logger,
	})
}

// together runs all until ctx is done, or until one of them fails, which ends
// the others. It waits for all, and returns what was not the end of ctx.
func together(ctx context.Context, all ...func(context.Context) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, len(all))
	for _, run := range all {
		go func() { ended <- run(ctx) }()
	}
	var faults []error
	for range all {
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			faults = append(faults, err)
			stop()
		}
	}
	return errors.Join(faults...)
}

// panicked is the body of an answer to a request whose handler panicked.
const panicked = `{"type":"urn:runnel:problem:internal","title":"Internal Server Error","status":500,"detail":"an error of the server"}` + "\n"

// recovered answers a panic of h with a log line and, where nothing was written
// yet, a 500. Without it the Lambda runtime would end the process, and with it
// every other stream there.
func recovered(h http.Handler, logger *slog.Logger, metrics obs.Metrics) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			p := recover()
			if p == nil || p == http.ErrAbortHandler {
				return
			}
			metrics.Add(obs.Panics, 1)
			logger.LogAttrs(r.Context(), slog.LevelError, "handler panicked", slog.Any("panic", p), obs.Stack())
			// A fault of a stream that has begun never comes as far as this.
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = io.WriteString(w, panicked) // without a body a function URL leaves the answer open
		}()
		h.ServeHTTP(w, r)
	})
}

// counted tells the metrics of each connection, where a connection lasts as long
// as its handler does.
func counted(h http.Handler, metrics obs.Metrics, open func() int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		metrics.Add(obs.ConnectionsOpened, 1)
		metrics.Set(obs.ConnectionsOpen, float64(open()+1))
		defer func() {
			metrics.Set(obs.ConnectionsOpen, float64(open()))
			metrics.Observe(obs.ConnectionSeconds, time.Since(began).Seconds())
		}()
		h.ServeHTTP(w, r)
	})
}

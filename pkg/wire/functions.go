package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/runnel-sse/runnel/pkg/config"
	"github.com/runnel-sse/runnel/pkg/gateway"
	"github.com/runnel-sse/runnel/pkg/ingest"
	"github.com/runnel-sse/runnel/pkg/obs"
	"github.com/runnel-sse/runnel/pkg/presence"
	"github.com/runnel-sse/runnel/pkg/sqs"
	"github.com/runnel-sse/runnel/pkg/subscriber"
)

// metricsEvery is how often a process that holds streams writes its metrics.
const metricsEvery = time.Minute

// noneOr is a limit as the gateway has it: to it, 0 is one that was left out.
func noneOr(limit int) int {
	if limit == 0 {
		return -1
	}
	return limit
}

// Host is what a program finds around it.
type Host struct {
	Lambda bool      // the Lambda service runs it: metrics are written, CORS is the function URL's
	Out    io.Writer // log lines and metrics
}

// tools are a program's logger and metrics. emf is nil where nobody reads it.
func (h Host) tools(program string, level slog.Level) (*slog.Logger, obs.Metrics, *obs.EMF) {
	logger := obs.NewLogger(h.Out, level).With(obs.Program(program))
	if !h.Lambda {
		return logger, obs.Nop{}, nil
	}
	emf := obs.NewEMF(h.Out, program, time.Now)
	return logger, emf, emf
}

// Stream is functions/stream.
type Stream struct {
	// Handler serves GET /sse…; Run must be running while it does.
	Handler http.Handler

	addr    string
	streams *streams
	logger  *slog.Logger
	emf     *obs.EMF
}

// NewStream builds functions/stream on DynamoDB.
func NewStream(ctx context.Context, cfg config.Stream, host Host) (*Stream, error) {
	logger, metrics, emf := host.tools("stream", cfg.LogLevel)
	aws, err := openAWS(ctx)
	if err != nil {
		return nil, err
	}
	gw := gateway.Config{
		Heartbeat: cfg.Heartbeat, MaxLife: cfg.MaxLife, Margin: cfg.Margin, Lease: cfg.Lease,
		Streams: cfg.Streams, QuietLife: cfg.QuietLife, MaxChannels: cfg.MaxChannels, MaxConnections: cfg.MaxConnections,
		UserLimit: noneOr(cfg.UserLimit), AddressLimit: noneOr(cfg.AddressLimit), ConnectRate: noneOr(cfg.ConnectRate),
		AddressHeader:  cfg.AddressHeader,
		AllowedOrigins: cfg.AllowedOrigins, CORSInFront: host.Lambda, // by the function URL's own configuration
		Metrics: metrics, Logger: logger,
	}
	st := aws.store(cfg.Tables, logger)
	if gw.Guard, err = newGuard(cfg.Auth, st.registry, logger); err != nil {
		return nil, err
	}
	s, err := newStreams(st, cfg.PollInterval, gw)
	if err != nil {
		return nil, err
	}
	handler := recovered(s.gateway, logger, metrics)
	if host.Lambda { // elsewhere a stream outlives its handler, and nobody reads the numbers
		handler = counted(handler, metrics, s.gateway.Open)
	}
	return &Stream{Handler: handler, addr: cfg.Addr, streams: s, logger: logger, emf: emf}, nil
}

// WithCookies gives h the cookies that the function URL has taken off the
// headers: of is what the request's event holds.
func WithCookies(h http.Handler, of func(context.Context) []string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if cookies := of(r.Context()); len(cookies) > 0 && r.Header.Get("Cookie") == "" {
			r.Header.Set("Cookie", strings.Join(cookies, "; "))
		}
		h.ServeHTTP(w, r)
	})
}

// Run makes the streams move until ctx is done.
func (s *Stream) Run(ctx context.Context) error {
	if s.emf == nil {
		return s.streams.run(ctx)
	}
	return together(ctx, s.streams.run, func(ctx context.Context) error {
		s.emf.Run(ctx, metricsEvery)
		return nil
	})
}

// ListenAndServe is functions/stream outside Lambda: an ordinary HTTP server,
// until ctx is done and every stream has had its planned end.
func (s *Stream) ListenAndServe(ctx context.Context) error {
	ln, err := Listen(ctx, s.addr)
	if err != nil {
		return err
	}
	s.logger.LogAttrs(ctx, slog.LevelInfo, "listening", obs.Addr(ln.Addr().String()))
	return s.serve(ctx, ln)
}

func (s *Stream) serve(ctx context.Context, ln net.Listener) error {
	mux := http.NewServeMux()
	mux.Handle("/sse", s.Handler)
	mux.Handle("/sse/", s.Handler)
	mux.HandleFunc("GET /healthz", healthy)
	return while(ctx, func(ctx context.Context) error {
		return serve(ctx, ln, mux, s.streams.gateway, s.logger)
	}, s.Run)
}

func healthy(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	_, _ = io.WriteString(w, "ok\n") // a prober that has left needs no answer
}

// Ingest is functions/ingest, and functions/changes, which is the same with
// another source.
type Ingest struct {
	ingest  *ingest.Ingest
	queue   string
	client  *awssqs.Client
	logger  *slog.Logger
	metrics obs.Metrics
	emf     *obs.EMF
}

// NewIngest builds functions/ingest on DynamoDB.
func NewIngest(ctx context.Context, cfg config.Ingest, host Host) (*Ingest, error) {
	return newIngestFunction(ctx, "ingest", cfg, host)
}

// NewChanges builds functions/changes on DynamoDB.
func NewChanges(ctx context.Context, cfg config.Changes, host Host) (*Ingest, error) {
	return newIngestFunction(ctx, "changes", config.Ingest{EventLogTable: cfg.EventLogTable, LogLevel: cfg.LogLevel}, host)
}

func newIngestFunction(ctx context.Context, program string, cfg config.Ingest, host Host) (*Ingest, error) {
	logger, metrics, emf := host.tools(program, cfg.LogLevel)
	aws, err := openAWS(ctx)
	if err != nil {
		return nil, err
	}
	st := store{log: aws.log(cfg.EventLogTable)}
	if cfg.SubscribersTable != "" { // else nobody is sent away by a message
		st.registry = aws.registry(cfg.SubscribersTable)
	}
	return &Ingest{
		ingest: newIngest(st, st.orders(), logger), queue: cfg.QueueURL, client: aws.sqs(),
		logger: logger, metrics: metrics, emf: emf,
	}, nil
}

// SQS is the function's handler for a queue.
func (in *Ingest) SQS(ctx context.Context, e events.SQSEvent) (events.SQSEventResponse, error) {
	began := time.Now()
	res, err := in.ingest.SQS(ctx, e)
	in.count(began, len(e.Records), len(res.BatchItemFailures))
	return res, err
}

// Changes is the function's handler for a table's stream.
func (in *Ingest) Changes(ctx context.Context, e events.DynamoDBEvent) (events.DynamoDBEventResponse, error) {
	began := time.Now()
	res, err := in.ingest.Changes(ctx, e)
	in.count(began, len(e.Records), len(res.BatchItemFailures))
	return res, err
}

func (in *Ingest) count(began time.Time, all, failed int) {
	in.metrics.Add(obs.EventsIngested, all-failed)
	in.metrics.Add(obs.EventsFailed, failed)
	in.metrics.Observe(obs.IngestSeconds, time.Since(began).Seconds())
	if in.emf != nil { // Lambda freezes the process once the handler has returned
		in.emf.Flush()
	}
}

// Poll is functions/ingest outside Lambda: it consumes the queue until ctx is
// done and the batches in hand are finished.
func (in *Ingest) Poll(ctx context.Context) error {
	in.logger.LogAttrs(ctx, slog.LevelInfo, "polling", obs.Queue(in.queue))
	return sqs.NewPoller(sqs.PollerConfig{Client: in.client, QueueURL: in.queue, Handle: in.SQS, Logger: in.logger}).Run(ctx)
}

// Sweep is functions/sweep.
type Sweep struct {
	reaper   subscriber.Reaper
	presence *presence.Sayer
	logger   *slog.Logger
	metrics  obs.Metrics
	emf      *obs.EMF
}

// NewSweep builds functions/sweep on DynamoDB.
func NewSweep(ctx context.Context, cfg config.Sweep, host Host) (*Sweep, error) {
	logger, metrics, emf := host.tools("sweep", cfg.LogLevel)
	aws, err := openAWS(ctx)
	if err != nil {
		return nil, err
	}
	st := aws.store(cfg.Tables, logger)
	sayer, err := st.sayer(logger)
	if err != nil {
		return nil, err
	}
	return &Sweep{reaper: st.registry, presence: sayer, logger: logger, metrics: metrics, emf: emf}, nil
}

// Run forgets the subscribers of processes that are gone, and says who has left.
func (s *Sweep) Run(ctx context.Context) error {
	n, err := s.reaper.Reap(ctx)
	said, saying := s.presence.Sweep(ctx)
	err = errors.Join(err, saying)
	s.metrics.Add(obs.SubscribersReaped, n)
	if s.emf != nil {
		s.emf.Flush()
	}
	if err != nil {
		return fmt.Errorf("wire: sweep: %w", err)
	}
	s.logger.LogAttrs(ctx, slog.LevelInfo, "swept", obs.Count(n), obs.Said(said))
	return nil
}

// while runs main as long as ctx, with the others beside it: they end after main
// has, since what it still has to say goes through them. If one of them ends
// first, main ends too.
func while(ctx context.Context, main func(context.Context) error, beside ...func(context.Context) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	after, stopAfter := context.WithCancel(context.WithoutCancel(ctx))
	defer stopAfter()
	ended := make(chan error, 1)
	go func() {
		err := together(after, beside...)
		stop()
		ended <- err
	}()
	err := main(ctx)
	stopAfter()
	return errors.Join(err, <-ended)
}

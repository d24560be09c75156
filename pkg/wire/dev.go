package wire

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"time"

	"github.com/runnel-sse/runnel/pkg/auth"
	"github.com/runnel-sse/runnel/pkg/bolt"
	"github.com/runnel-sse/runnel/pkg/config"
	"github.com/runnel-sse/runnel/pkg/control"
	"github.com/runnel-sse/runnel/pkg/gateway"
	"github.com/runnel-sse/runnel/pkg/ingest"
	"github.com/runnel-sse/runnel/pkg/memory"
	"github.com/runnel-sse/runnel/pkg/obs"
	"github.com/runnel-sse/runnel/pkg/sqs"
)

const (
	sweepEvery = time.Minute // as the schedule of functions/sweep
	// maxRecords bounds a channel that nothing else bounds.
	maxRecords = 100_000
	// devPoll is for what other processes write; its own writes ring the bell.
	devPoll = 250 * time.Millisecond
	// devLease is the gateway's own, in the registry.
	devLease = time.Minute
	// dataFile is the file in the folder of --data.
	dataFile = "runnel.db"
)

// DevConfig says what `runnel dev` runs on: memory, unless.
type DevConfig struct {
	Data           string        // this folder, when set
	AWS            bool          // DynamoDB and SQS, as the environment names them
	Getenv         config.Getenv // with AWS
	AllowedOrigins []string      // may read the streams from a page of their own
	Page           []string      // the origins of the server's own page, which asks control from another port
	Logger         *slog.Logger
}

// Dev is everything in one process: ingest, streams, control and sweep.
type Dev struct {
	store   store
	guard   *auth.Guard
	streams *streams
	control *control.Control
	ingest  *ingest.Ingest
	poller  *sqs.Poller // nil: no queue
	logger  *slog.Logger
}

// NewDev builds `runnel dev`. Its policies are those of a deployment, but anyone
// can make a token for it: it is for one person on one machine.
func NewDev(ctx context.Context, cfg DevConfig) (*Dev, error) {
	d := &Dev{logger: cfg.Logger}
	var aws *cloud
	var queue string
	var err error
	switch {
	case cfg.AWS:
		var settings config.Dev
		if settings, err = config.LoadDev(cfg.Getenv); err != nil {
			return nil, err
		}
		queue = settings.QueueURL
		aws, d.store, err = openCloud(ctx, settings.Tables, queue, cfg.Logger)
	case cfg.Data != "":
		d.store, err = openFile(cfg.Data)
	default:
		d.store = openMemory()
	}
	if err != nil {
		return nil, err
	}
	d.ingest = newIngest(d.store, d.store.orders(), cfg.Logger)
	if err := d.open(cfg); err != nil {
		return nil, err
	}
	if aws != nil {
		d.poller = sqs.NewPoller(sqs.PollerConfig{Client: aws.sqs(), QueueURL: queue, Handle: d.ingest.SQS, Logger: cfg.Logger})
	}
	return d, nil
}

// open builds what answers requests.
func (d *Dev) open(cfg DevConfig) (err error) {
	tokens := auth.Development()
	tokens.Once, tokens.Logger = d.store.registry, cfg.Logger
	if d.guard, err = auth.New(tokens); err != nil {
		return err
	}
	d.streams, err = newStreams(d.store, devPoll, gateway.Config{
		Guard:          d.guard,
		AllowedOrigins: cfg.AllowedOrigins,
		AddressLimit:   -1, // all of its readers come from here
		ConnectRate:    -1,
		Logger:         cfg.Logger,
	})
	if err != nil {
		return err
	}
	pages := cfg.AllowedOrigins
	if !slices.Contains(pages, "*") {
		pages = slices.Concat(pages, cfg.Page)
	}
	d.control, err = newControl(d.store, control.Config{
		Guard: d.guard, AllowedOrigins: pages, Rate: -1, Staleness: devLease + sweepEvery, Logger: cfg.Logger,
	})
	return err
}

func openMemory() store {
	return store{
		log:      memory.NewLog(memory.LogOptions{Retention: retention, MaxRecords: maxRecords}),
		registry: memory.NewRegistry(memory.RegistryOptions{}),
		bell:     memory.NewBell(),
		close:    func() error { return nil },
	}
}

func openFile(folder string) (store, error) {
	path := filepath.Join(folder, dataFile)
	file, err := bolt.Open(path, bolt.Options{Retention: retention})
	switch {
	case errors.Is(err, bolt.ErrLocked):
		return store{}, fmt.Errorf("%s: another process has it open: stop that one, or keep the events in another folder with --data", path)
	case err != nil:
		return store{}, fmt.Errorf("wire: %w", err)
	}
	return store{
		log: file.Log(), registry: file.Registry(), bell: memory.NewBell(),
		trim: file.Trim, close: file.Close,
	}, nil
}

// Streams serves GET /sse….
func (d *Dev) Streams() http.Handler { return recovered(d.streams.gateway, d.logger, obs.Nop{}) }

// Control serves POST /ticket, /renew and /goodbye, and GET /presence/….
func (d *Dev) Control() http.Handler { return recovered(d.control, d.logger, obs.Nop{}) }

// Publish stores a message of any shape that functions/ingest takes.
func (d *Dev) Publish(ctx context.Context, body []byte) ([]ingest.Stored, error) {
	return d.ingest.Publish(ctx, "", body)
}

// Door is where a server answers, and with what.
type Door struct {
	Listener net.Listener
	Handler  http.Handler
}

// Serve answers at both doors, until ctx is done and every stream has had its
// planned end.
func (d *Dev) Serve(ctx context.Context, streams, control Door) error {
	beside := []func(context.Context) error{d.streams.run, d.sweep, func(ctx context.Context) error {
		return serve(ctx, control.Listener, control.Handler, nothingOpen{}, d.logger)
	}}
	if d.poller != nil {
		beside = append(beside, d.poller.Run)
	}
	return while(ctx, func(ctx context.Context) error {
		return serve(ctx, streams.Listener, streams.Handler, d.streams.gateway, d.logger)
	}, beside...)
}

// Close lets go of what the events are kept in.
func (d *Dev) Close() error {
	d.guard.Close()
	return d.store.close()
}

// sweep does what functions/sweep does, and what DynamoDB does by itself, until
// ctx is done.
func (d *Dev) sweep(ctx context.Context) error {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
			_, err := d.store.registry.Reap(ctx)
			_, saying := d.streams.presence.Sweep(ctx)
			err = errors.Join(err, saying)
			if d.store.trim != nil {
				_, trimming := d.store.trim(ctx)
				err = errors.Join(err, trimming)
			}
			if err != nil && ctx.Err() == nil {
				d.logger.LogAttrs(ctx, slog.LevelWarn, "sweep failed, will try again", obs.Err(fmt.Errorf("wire: %w", err)))
			}
		}
	}
}

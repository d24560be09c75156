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

	"github.com/runnel-sse/runnel/events"
	"github.com/runnel-sse/runnel/pkg/bolt"
	"github.com/runnel-sse/runnel/pkg/config"
	"github.com/runnel-sse/runnel/pkg/gateway"
	"github.com/runnel-sse/runnel/pkg/ingest"
	"github.com/runnel-sse/runnel/pkg/memory"
	"github.com/runnel-sse/runnel/pkg/obs"
	"github.com/runnel-sse/runnel/pkg/schema"
	"github.com/runnel-sse/runnel/pkg/sqs"
)

const (
	sweepEvery = time.Minute // as the schedule of functions/sweep
	// maxRecords bounds a channel that nothing else bounds.
	maxRecords = 100_000
	// devPoll is for what other processes write; its own writes ring the bell.
	devPoll = 250 * time.Millisecond
	// dataFile is the file in the folder of --data.
	dataFile = "runnel.db"
)

// DevConfig says what `runnel dev` runs on: memory, unless.
type DevConfig struct {
	Data           string        // this folder, when set
	AWS            bool          // DynamoDB and SQS, as the environment names them
	Getenv         config.Getenv // with AWS
	AllowedOrigins []string      // may read the streams from a page of their own
	Logger         *slog.Logger
}

// Dev is everything in one process: ingest, streams and sweep.
type Dev struct {
	store   store
	streams *streams
	ingest  *ingest.Ingest
	poller  *sqs.Poller // nil: no queue
	logger  *slog.Logger
}

// NewDev builds `runnel dev`. Everybody may read every stream there: it is for
// one person on one machine.
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
	d.ingest = newIngest(d.store, cfg.Logger)
	d.streams, err = newStreams(d.store, devPoll, gateway.Config{
		Catalog:        public(),
		AllowedOrigins: cfg.AllowedOrigins,
		AddressLimit:   -1, // all of its readers come from here
		ConnectRate:    -1,
		Logger:         cfg.Logger,
	})
	if err != nil {
		return nil, err
	}
	if aws != nil {
		d.poller = sqs.NewPoller(sqs.PollerConfig{Client: aws.sqs(), QueueURL: queue, Handle: d.ingest.SQS, Logger: cfg.Logger})
	}
	return d, nil
}

// public is the catalog with every stream open to everybody.
func public() *schema.Catalog {
	c := &schema.Catalog{Streams: slices.Clone(events.Catalog.Streams)}
	for i := range c.Streams {
		c.Streams[i].Policy = schema.PolicyPublic
	}
	return c
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

// Publish stores a message of any shape that functions/ingest takes.
func (d *Dev) Publish(ctx context.Context, body []byte) ([]ingest.Stored, error) {
	return d.ingest.Publish(ctx, "", body)
}

// Serve answers on ln with h, until ctx is done and every stream has had its
// planned end.
func (d *Dev) Serve(ctx context.Context, ln net.Listener, h http.Handler) error {
	beside := []func(context.Context) error{d.streams.run, d.sweep}
	if d.poller != nil {
		beside = append(beside, d.poller.Run)
	}
	return while(ctx, func(ctx context.Context) error {
		return serve(ctx, ln, h, d.streams.gateway, d.logger)
	}, beside...)
}

// Close lets go of what the events are kept in.
func (d *Dev) Close() error { return d.store.close() }

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

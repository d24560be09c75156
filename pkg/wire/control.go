package wire

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"

	"github.com/runnel-sse/runnel/events"
	"github.com/runnel-sse/runnel/pkg/auth"
	"github.com/runnel-sse/runnel/pkg/command"
	"github.com/runnel-sse/runnel/pkg/config"
	"github.com/runnel-sse/runnel/pkg/control"
	"github.com/runnel-sse/runnel/pkg/obs"
)

// Control is functions/control.
type Control struct {
	// Handler serves POST /ticket, /renew and /goodbye, and GET /presence/….
	Handler http.Handler

	addr   string
	guard  *auth.Guard
	logger *slog.Logger
}

// NewControl builds functions/control on DynamoDB.
func NewControl(ctx context.Context, cfg config.Control, host Host) (*Control, error) {
	logger, metrics, _ := host.tools("control", cfg.LogLevel)
	aws, err := openAWS(ctx)
	if err != nil {
		return nil, err
	}
	st := aws.store(cfg.Tables, logger)
	guard, err := newGuard(cfg.Auth, st.registry, logger)
	if err != nil {
		return nil, err
	}
	c := control.Config{
		Guard: guard, MaxChannels: cfg.MaxChannels, AddressHeader: cfg.AddressHeader,
		Rate: noneOr(cfg.Rate), Burst: noneOr(3 * cfg.Rate), Staleness: cfg.Lease + sweepEvery,
		AllowedOrigins: cfg.AllowedOrigins, CORSInFront: host.Lambda, Logger: logger,
	}
	if host.Lambda { // which does not tell that a reader has left
		c.Staleness = max(c.Staleness, cfg.MaxLife)
	}
	h, err := newControl(st, c)
	if err != nil {
		return nil, err
	}
	return &Control{Handler: recovered(h, logger, metrics), addr: cfg.Addr, guard: guard, logger: logger}, nil
}

// newControl is the control requests' handler on a store.
func newControl(s store, cfg control.Config) (*control.Control, error) {
	cfg.Log, cfg.Bell, cfg.Directory, cfg.Catalog = s.log, s.bell, s.registry, &events.Catalog
	return control.New(cfg)
}

// orders carries out what messages command of readers; nil where the store has
// no registry.
func (s store) orders() func(context.Context, command.Order) error {
	if s.registry == nil {
		return nil
	}
	return control.NewKicker(s.log, s.bell, s.registry).Do
}

// newGuard is the Guard of a deployment. Which single-use tickets were used, the
// registry tells for all processes.
func newGuard(a config.Auth, once auth.Once, logger *slog.Logger) (*auth.Guard, error) {
	cfg := auth.Config{
		Issuer: a.Issuer, Audience: a.Audience, Secret: secret(a.Secret), JWKSURL: a.JWKSURL,
		TicketSecret: secret(a.TicketSecret), Once: once, Logger: logger,
	}
	if a.Keys != "" {
		keys, err := auth.ParseKeySet([]byte(a.Keys))
		if err != nil {
			return nil, fmt.Errorf("TOKEN_KEYS: %w", err)
		}
		cfg.Keys = keys
	}
	return auth.New(cfg)
}

// secret is nil when there is none: an empty one would be a fault.
func secret(text string) []byte {
	if text == "" {
		return nil
	}
	return []byte(text)
}

// ListenAndServe is functions/control outside Lambda: an ordinary HTTP server
// until ctx is done.
func (c *Control) ListenAndServe(ctx context.Context) error {
	defer c.guard.Close()
	ln, err := Listen(ctx, c.addr)
	if err != nil {
		return err
	}
	c.logger.LogAttrs(ctx, slog.LevelInfo, "listening", obs.Addr(ln.Addr().String()))
	return c.serve(ctx, ln)
}

func (c *Control) serve(ctx context.Context, ln net.Listener) error {
	mux := http.NewServeMux()
	mux.Handle("/", c.Handler)
	mux.HandleFunc("GET /healthz", healthy)
	return serve(ctx, ln, mux, nothingOpen{}, c.logger)
}

// nothingOpen is the drainer of a server without streams.
type nothingOpen struct{}

func (nothingOpen) Drain() {}

func (nothingOpen) Wait(context.Context) error { return nil }

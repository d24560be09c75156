package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/runnel-sse/runnel/pkg/auth"
	"github.com/runnel-sse/runnel/pkg/cors"
	"github.com/runnel-sse/runnel/pkg/cursor"
	"github.com/runnel-sse/runnel/pkg/obs"
	"github.com/runnel-sse/runnel/pkg/schema"
	"github.com/runnel-sse/runnel/pkg/subscriber"
	"github.com/runnel-sse/runnel/pkg/tail"
)

// Config of a Gateway. Tail, Registry and Catalog are required.
type Config struct {
	Tail     *tail.Tail
	Registry subscriber.Registry
	Catalog  *schema.Catalog
	Budget   subscriber.Budget // nil: what the streams' budgets say is not kept

	// Streams are those that this process serves; the others of the catalog are
	// another function's. Default: all.
	Streams []string

	// Guard says whom a request is from; what that one may read is for the
	// stream's policy. Without it nobody is known, and what is not public is
	// served to nobody.
	Guard Guard

	Heartbeat    time.Duration // longest silence on a stream, default 15 s
	MaxLife      time.Duration // a connection ends after 80 to 100 % of it, default 15 min
	Margin       time.Duration // and so long before the request's deadline, default 5 s
	Retry        time.Duration // a client reconnects after 1 to 2.5 times that, default 2 s
	WriteTimeout time.Duration // a reader that takes nothing for half as long to as long is cut off, default 30 s
	Lease        time.Duration // of this process in the registry, default 60 s

	// QuietLife ends a connection to which nothing came for 80 to 100 % of it:
	// where a host does not see its reader leave, a reader that has left costs
	// that and no more. Default 0: nothing but MaxLife ends a quiet one.
	QuietLife time.Duration

	MaxChannels    int // of a connection, default 32
	MaxConnections int // of this process, default 0: no limit

	// Limits that protect, beside those of the streams; below 0: none.
	UserLimit    int // open connections of one user, default 50
	AddressLimit int // open connections of one address, default 200; a /64 of IPv6 is one
	ConnectRate  int // new connections of one address in one second, default 50

	// AddressHeader is where a proxy that is trusted says the reader's address,
	// such as X-Forwarded-For, of which the last entry counts: it is the one that
	// the proxy itself has seen. Default "": the address of the connection.
	AddressHeader string

	// AllowedOrigins are the pages that may read: see package cors. CORSInFront
	// says that something in front sets the headers, as a function URL does; then
	// the list only refuses.
	AllowedOrigins []string
	CORSInFront    bool

	// News are who has come and gone, of streams that want it said; whoever gets
	// them says them when they are due. It must not wait for long.
	News func(context.Context, []subscriber.News)

	Metrics obs.Metrics  // default: nowhere
	Logger  *slog.Logger // default slog.Default
}

// Guard says whom a request is from: see auth.Guard.
type Guard interface {
	Authenticate(r *http.Request) (auth.Principal, error)
}

// nobody is the Guard of a gateway that was given none.
type nobody struct{}

func (nobody) Authenticate(*http.Request) (auth.Principal, error) { return auth.Principal{}, nil }

// withDefaults returns c with what was left out, or every fault in it.
func (c Config) withDefaults() (Config, error) {
	or(&c.Heartbeat, 15*time.Second)
	or(&c.MaxLife, 15*time.Minute)
	or(&c.Margin, 5*time.Second)
	or(&c.Retry, 2*time.Second)
	or(&c.WriteTimeout, 30*time.Second)
	or(&c.Lease, time.Minute)
	or(&c.MaxChannels, 32)
	or(&c.UserLimit, 50)
	or(&c.AddressLimit, 200)
	or(&c.ConnectRate, 50)
	if c.Guard == nil {
		c.Guard = nobody{}
	}
	if c.News == nil {
		c.News = func(context.Context, []subscriber.News) {}
	}
	if c.Metrics == nil {
		c.Metrics = obs.Nop{}
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
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
	for _, name := range c.Streams {
		if c.Catalog == nil {
			break
		}
		if _, ok := c.Catalog.Stream(name); !ok {
			faults = append(faults, fmt.Errorf("gateway: Config.Streams has %q, and the catalog has no such stream", name))
		}
	}
	if c.QuietLife < 0 {
		faults = append(faults, errors.New("gateway: Config.QuietLife must not be below 0"))
	}
	if _, err := c.origins(); err != nil {
		faults = append(faults, err)
	}
	return c, errors.Join(faults...)
}

// or sets what was left out.
func or[T comparable](v *T, def T) {
	var none T
	if *v == none {
		*v = def
	}
}

func (c Config) origins() (*cors.Policy, error) {
	p, err := cors.New(cors.Config{
		Origins: c.AllowedOrigins, InFront: c.CORSInFront,
		Methods: "GET", Headers: "Authorization, Cache-Control, Last-Event-ID",
	})
	if err != nil {
		return nil, fmt.Errorf("gateway: %w", err)
	}
	return p, nil
}

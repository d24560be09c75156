// Package control is the door beside the stream, on a host of its own: a ticket
// for a browser that can set no header, a fresh token for a stream that is open,
// a goodbye, and who is there. A stream takes one of the few connections that a
// browser opens to a host, so what is asked beside it must not wait behind it.
//
// It reaches the process that holds a connection through that process's mailbox
// (package command). It holds no connection, keeps nothing and decides no policy:
// what a token allows is for package auth.
package control

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/runnel-sse/runnel/pkg/auth"
	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/command"
	"github.com/runnel-sse/runnel/pkg/cors"
	"github.com/runnel-sse/runnel/pkg/eventlog"
	"github.com/runnel-sse/runnel/pkg/problem"
	"github.com/runnel-sse/runnel/pkg/schema"
	"github.com/runnel-sse/runnel/pkg/subscriber"
)

// Guard says whom a request is from, and signs tickets: see auth.Guard.
type Guard interface {
	Authenticate(r *http.Request) (auth.Principal, error)
	Ticket(p auth.Principal, chs []channel.Name, single bool) (ticket string, expires time.Time, err error)
}

// Config of a Control. Log, Directory, Catalog and Guard are required.
type Config struct {
	Log       eventlog.Log
	Bell      eventlog.Bell // rung after each command; may be nil
	Directory subscriber.Directory
	Catalog   *schema.Catalog
	Guard     Guard

	MaxChannels int           // of a ticket or a renewal, default 32: those of a connection
	Staleness   time.Duration // how late presence may be, default 2 min; it is said, not enforced

	// Rate and Burst bound the requests of one address, a second and at once;
	// below 0: not at all. Defaults 20 and 60. Each process counts by itself.
	Rate, Burst int
	// AddressHeader is where a proxy that is trusted says the client's address,
	// such as X-Forwarded-For, of which the last entry counts: it is the one that
	// the proxy itself has seen. Default "": the address of the connection.
	AddressHeader string

	// AllowedOrigins are the pages that may ask: see package cors. CORSInFront
	// says that something in front sets the headers, as a function URL does.
	AllowedOrigins []string
	CORSInFront    bool

	Logger *slog.Logger     // default slog.Default
	Now    func() time.Time // default time.Now
}

// Control is an http.Handler. Every answer has a body: a function URL that
// streams never ends one that has none.
type Control struct {
	cfg   Config
	cors  *cors.Policy
	mail  *mail
	limit *limiter
}

// New returns a Control, or every fault of its configuration.
func New(cfg Config) (*Control, error) {
	var faults []error
	for name, missing := range map[string]bool{
		"Log": cfg.Log == nil, "Directory": cfg.Directory == nil, "Catalog": cfg.Catalog == nil, "Guard": cfg.Guard == nil,
	} {
		if missing {
			faults = append(faults, errors.New("control: Config."+name+" is missing"))
		}
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	or(&cfg.MaxChannels, 32)
	or(&cfg.Staleness, 2*time.Minute)
	or(&cfg.Rate, 20)
	or(&cfg.Burst, 60)
	if cfg.MaxChannels < 1 || cfg.MaxChannels > command.MaxChannels {
		faults = append(faults, fmt.Errorf("control: Config.MaxChannels must be 1 to %d", command.MaxChannels))
	}
	policy, err := cors.New(cors.Config{
		Origins: cfg.AllowedOrigins, InFront: cfg.CORSInFront,
		Methods: "GET, POST", Headers: "Authorization, Content-Type",
	})
	if err != nil {
		faults = append(faults, fmt.Errorf("control: %w", err))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return &Control{
		cfg: cfg, cors: policy, mail: &mail{log: cfg.Log, bell: cfg.Bell},
		limit: newLimiter(cfg.Rate, cfg.Burst, maxAddresses, cfg.Now),
	}, nil
}

// or sets what was left out.
func or[T comparable](v *T, def T) {
	if *v == *new(T) {
		*v = def
	}
}

// route is what a path does.
type route struct {
	method string
	serve  func(c *Control, r *http.Request) (answer, error)
}

// answer is what is said in JSON.
type answer struct {
	status int
	body   any
}

var routes = map[string]route{
	"/ticket":   {http.MethodPost, (*Control).ticket},
	"/renew":    {http.MethodPost, (*Control).renew},
	"/goodbye":  {http.MethodPost, (*Control).goodbye},
	"/presence": {http.MethodGet, (*Control).presence},
}

func routeOf(path string) (route, bool) {
	if strings.HasPrefix(path, "/presence/") {
		path = "/presence"
	}
	rt, ok := routes[path]
	return rt, ok
}

// ServeHTTP serves POST /ticket, /renew and /goodbye, and GET /presence/{channel}.
func (c *Control) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.cors.Answer(w.Header(), r)
	if r.Method == http.MethodOptions {
		c.cors.Preflight(w, r)
		return
	}
	a, err := c.serve(w, r)
	if err != nil {
		problem.Write(w, c.problemOf(r.Context(), err))
		return
	}
	writeJSON(w, a)
}

func (c *Control) serve(w http.ResponseWriter, r *http.Request) (answer, error) {
	rt, ok := routeOf(r.URL.Path)
	if !ok {
		return answer{}, problem.Problem{
			Status: http.StatusNotFound, Code: "not-found",
			Detail: "want POST /ticket, /renew or /goodbye, or GET /presence/{channel}",
		}
	}
	if r.Method != rt.method {
		w.Header().Set("Allow", rt.method+", OPTIONS")
		return answer{}, problem.Problem{Status: http.StatusMethodNotAllowed, Code: "method", Detail: "want " + rt.method}
	}
	if wait := c.limit.take(auth.Address(r, c.cfg.AddressHeader)); wait > 0 {
		return answer{}, problem.Problem{
			Status: http.StatusTooManyRequests, Code: "rate", Detail: "too many requests from this address", RetryAfter: max(wait, time.Second),
		}
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	return rt.serve(c, r)
}

// who is whom the request is from, where a page may ask in that name.
func (c *Control) who(r *http.Request) (auth.Principal, error) {
	if err := c.cors.Refusal(r); err != nil {
		return auth.Principal{}, err
	}
	p, err := c.cfg.Guard.Authenticate(r)
	if err != nil {
		return auth.Principal{}, fmt.Errorf("control: %w", err)
	}
	return p, nil
}

// holder is the holder of a token: nobody, and a ticket, will not do.
func (c *Control) holder(r *http.Request) (auth.Principal, error) {
	p, err := c.who(r)
	switch {
	case err != nil:
		return auth.Principal{}, err
	case p.Ticket:
		return auth.Principal{}, problem.Problem{Status: http.StatusForbidden, Code: "ticket", Detail: "a ticket is for a stream alone: send the token"}
	case p.Subject == "":
		return auth.Principal{}, fmt.Errorf("control: %w: send a token", auth.ErrUnauthorized)
	}
	return p, nil
}

// readable returns the channels, no two alike, if p may read every one of them.
func (c *Control) readable(p auth.Principal, names []string) ([]channel.Name, error) {
	chs, err := c.parse(names)
	if err != nil {
		return nil, err
	}
	for _, ch := range chs {
		if _, err := c.allowed(p, ch); err != nil {
			return nil, err
		}
	}
	return chs, nil
}

// allowed returns the channel's stream, if there is such a channel and p may read it.
func (c *Control) allowed(p auth.Principal, ch channel.Name) (*schema.Stream, error) {
	s, ok := c.cfg.Catalog.Stream(ch.Stream())
	if !ok {
		return nil, problem.Problem{Status: http.StatusNotFound, Code: "unknown-stream", Detail: "there is no stream " + ch.Stream()}
	}
	if _, ok := s.Template.Match(ch.Key()); !ok {
		return nil, problem.Problem{
			Status: http.StatusBadRequest, Code: "malformed-channel",
			Detail: fmt.Sprintf("the keys of %s have the form %s", s.Name, s.Template),
		}
	}
	if err := p.Allows(s, ch); err != nil {
		return nil, fmt.Errorf("control: %w", err)
	}
	return s, nil
}

// mail brings commands to the processes that hold the connections.
type mail struct {
	log  eventlog.Log
	bell eventlog.Bell
}

// post appends commands of one process to its mailbox.
func (m *mail) post(ctx context.Context, box channel.Name, events ...eventlog.Event) error {
	at, err := m.log.Append(ctx, box, events)
	if err != nil {
		return fmt.Errorf("control: tell %s: %w", box, err)
	}
	if m.bell != nil && len(at) > 0 {
		m.bell.Ring(ctx, eventlog.Ring{Channel: box, Position: at[len(at)-1]})
	}
	return nil
}

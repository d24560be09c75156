package auth

import (
	"context"
	"crypto"
	"log/slog"
	"net/http"
	"time"

	"github.com/runnel-sse/runnel/pkg/channel"
)

// Defaults and bounds.
const (
	// MaxToken bounds a token or a ticket, in bytes, before anything reads it.
	MaxToken             = 8 << 10
	MinSecret            = 32 // bytes of a secret, as many as HS256 gives out
	DefaultSkew          = 30 * time.Second
	MaxSkew              = 2 * time.Minute
	DefaultCookie        = "__Host-runnel"
	DefaultChannelsClaim = "channels"
)

// Config says which tokens are good. Without Secret, Keys and JWKSURL none is.
type Config struct {
	Issuer   string // the token's iss; "": not checked
	Audience string // in the token's aud; "": not checked

	Secret  []byte      // of HS256, MinSecret bytes or more
	Keys    []PublicKey // that do not change, such as those of ParseKeySet
	JWKSURL string      // where the issuer publishes its keys: https, or http on loopback

	CookieName    string        // default DefaultCookie
	ChannelsClaim string        // the claim that lists patterns, default DefaultChannelsClaim
	Skew          time.Duration // by which clocks may differ, default DefaultSkew, at most MaxSkew; negative: none

	TicketSecret []byte // MinSecret bytes or more, not Secret; without it there are no tickets
	Once         Once   // for tickets that are used once; without it there are none

	// Development accepts DevelopmentSecret. Everybody knows it, so it is for
	// `runnel dev` alone: without this, New refuses it by its value.
	Development bool

	Client *http.Client     // for JWKSURL, default one with short time limits; redirects are refused whatever it says
	Now    func() time.Time // default time.Now
	Logger *slog.Logger     // default: nowhere
}

// Once remembers which tickets were used. A registry of subscribers is one for
// every process of a deployment, NewOnce for a process alone.
type Once interface {
	// First reports whether id comes for the first time, and remembers it until
	// the time given. Of several calls at once exactly one is first. An error
	// means that it is not known, and then the id counts as used.
	First(ctx context.Context, id string, until time.Time) (bool, error)
}

// PublicKey is a key that signatures are checked with. It is good for the one
// algorithm of its type and no other: RS256 for *rsa.PublicKey, ES256 for
// *ecdsa.PublicKey on P-256, EdDSA for ed25519.PublicKey.
type PublicKey struct {
	ID  string // the token's kid
	Key crypto.PublicKey
}

// Guard turns the credentials of requests into principals. It is safe for use by
// many goroutines; Close ends the one that it has.
type Guard struct{}

// New checks the configuration. It asks no server: keys are fetched when the
// first token comes.
func New(Config) (*Guard, error) { return &Guard{}, nil }

// Close ends the fetch of keys that is under way, and waits for its end.
func (g *Guard) Close() {}

// Authenticate returns whom the request is from: a token in the Authorization
// header or in the cookie, or a ticket in the query. Without credentials it is
// nobody, and no error. Bad credentials are a *Refusal; ErrUnavailable when they
// cannot be checked for now.
func (g *Guard) Authenticate(*http.Request) (Principal, error) { return Principal{}, ErrUnavailable }

// Ticket signs a ticket for exactly these channels, for the query of a URL. It
// lasts as long as the token that p is of. The caller has asked p.Allows for each
// channel: the ticket is not asked again. A single one is good once, even for a
// connection that is then refused.
func (g *Guard) Ticket(p Principal, chs []channel.Name, single bool) (ticket string, expires time.Time, err error) {
	return "", time.Time{}, ErrUnavailable
}

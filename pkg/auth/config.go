package auth

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"
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

	Client *http.Client     // for JWKSURL; redirects are refused whatever it says
	Now    func() time.Time // default time.Now
	Logger *slog.Logger     // default: nowhere
}

// Once remembers which tickets were used. A registry of subscribers is one for
// every process of a deployment, NewOnce for a process alone.
type Once interface {
	// First reports whether id comes for the first time, and remembers it until
	// the time given. Of several calls at once exactly one is first. An error
	// means that it is not known, and then nobody is let in.
	First(ctx context.Context, id string, until time.Time) (bool, error)
}

// withDefaults fills in what is not said.
func (c Config) withDefaults() Config {
	if c.CookieName == "" {
		c.CookieName = DefaultCookie
	}
	if c.ChannelsClaim == "" {
		c.ChannelsClaim = DefaultChannelsClaim
	}
	if c.Skew == 0 {
		c.Skew = DefaultSkew
	}
	c.Skew = max(c.Skew, 0)
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// check returns every fault of the configuration. No secret is in them.
func (c Config) check() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	for _, s := range []struct {
		name  string
		value []byte
	}{{"Secret", c.Secret}, {"TicketSecret", c.TicketSecret}} {
		switch {
		case s.value == nil:
		case len(s.value) < MinSecret:
			fault("%s has %d bytes, at least %d are needed: make one with `openssl rand -base64 32`", s.name, len(s.value), MinSecret)
		case !c.Development && IsDevelopmentSecret(s.value):
			fault("%s is the development key, which everybody knows: make one with `openssl rand -base64 32`", s.name)
		}
	}
	if c.TicketSecret != nil && bytes.Equal(c.Secret, c.TicketSecret) {
		fault("Secret and TicketSecret are the same: a secret is for one thing")
	}
	if c.Skew > MaxSkew {
		fault("Skew is %v, at most %v is allowed", c.Skew, MaxSkew)
	}
	if !cookieName(c.CookieName) {
		fault("CookieName %.40q is no name of a cookie", c.CookieName)
	}
	if slices.Contains([]string{"iss", "sub", "aud", "exp", "nbf", "iat"}, c.ChannelsClaim) {
		fault("ChannelsClaim %q has a meaning of its own: name another claim", c.ChannelsClaim)
	}
	return errors.Join(faults...)
}

func cookieName(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r > '~' || strings.ContainsRune(`()<>@,;:\"/[]?={}`, r)
	})
}

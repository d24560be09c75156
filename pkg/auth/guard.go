package auth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"
)

// Guard turns the credentials of requests into principals. It is safe for use by
// many goroutines; Close ends the one that it has.
type Guard struct {
	issuer, audience      string
	cookie, channelsClaim string
	skew                  time.Duration
	secret, ticketKey     key     // without a key: none
	static                []key   // that do not change
	remote                *remote // nil: none
	once                  Once
	clock                 clock
	back                  seldom // says that the clock went back
	logger                *slog.Logger
}

// New checks the configuration. It asks no server: keys are fetched when the
// first token comes that needs them.
func New(c Config) (*Guard, error) {
	c = c.withDefaults()
	faults := c.check()
	static, err := bindAll(c.Keys)
	faults = errors.Join(faults, err)
	g := &Guard{
		issuer: c.Issuer, audience: c.Audience,
		cookie: c.CookieName, channelsClaim: c.ChannelsClaim,
		skew: c.Skew, static: static, once: c.Once, logger: c.Logger,
	}
	g.clock.now = c.Now
	if c.Secret != nil {
		g.secret = key{alg: algHS256, key: slices.Clone(c.Secret)}
	}
	if c.TicketSecret != nil {
		g.ticketKey = key{alg: algHS256, key: slices.Clone(c.TicketSecret)}
	}
	if c.JWKSURL != "" {
		g.remote, err = newRemote(c.JWKSURL, c.Client, c.Logger)
		faults = errors.Join(faults, err)
	}
	if faults != nil {
		return nil, fmt.Errorf("auth: configuration: %w", faults)
	}
	return g, nil
}

// Close ends the fetch of keys that is under way, and waits for its end. Keys
// that are known go on.
func (g *Guard) Close() {
	if g.remote != nil {
		g.remote.close()
	}
}

// Authenticate returns whom the request is from: a token in the Authorization
// header or in the cookie, or a ticket in the query. Without credentials it is
// nobody, and no error. Bad credentials are a *Refusal, also where everybody may
// read; ErrUnavailable when they cannot be checked for now.
func (g *Guard) Authenticate(r *http.Request) (Principal, error) {
	c, err := credentialOf(r, g.cookie)
	switch {
	case err != nil:
		return Principal{}, err
	case c.kind == kindToken:
		return g.token(r.Context(), c.text)
	case c.kind == kindTicket:
		return g.ticket(r.Context(), c.text)
	}
	return Principal{}, nil
}

// token is the principal of a token.
func (g *Guard) token(ctx context.Context, s string) (Principal, error) {
	e, err := open(kindToken, s)
	if err != nil {
		return Principal{}, err
	}
	if !bearerType(e.typ) {
		return Principal{}, kindToken.refuse(textMalformed, "header: of another type")
	}
	k, err := g.key(ctx, e)
	if err != nil {
		return Principal{}, err
	}
	if err := e.verify(k); err != nil {
		return Principal{}, err
	}
	c, err := readClaims(e, g.channelsClaim)
	if err != nil {
		return Principal{}, err
	}
	if err := c.meant(kindToken, g.issuer, g.audience); err != nil {
		return Principal{}, err
	}
	if err := g.inTime(c, kindToken, g.skew); err != nil {
		return Principal{}, err
	}
	patterns, err := c.patterns(kindToken)
	if err != nil {
		return Principal{}, err
	}
	return Principal{
		Subject: c.subject, Expires: time.Unix(c.exp, 0).Add(g.skew), Channels: patterns, Claims: c.texts,
	}, nil
}

// key finds the key that the token must be signed with. Its algorithm is the
// first thing that decides, so no key is ever used with another one.
func (g *Guard) key(ctx context.Context, e envelope) (key, error) {
	if algorithms[e.alg] == nil {
		return key{}, e.kind.refuse(textUnsigned, "an algorithm that is not accepted")
	}
	if e.alg == algHS256 {
		if g.secret.key == nil {
			return key{}, e.kind.refuse(textUnsigned, "HS256, and there is no secret")
		}
		return g.secret, nil
	}
	if k, ok := find(e.alg, e.kid, g.static); ok && (e.kid != "" || g.remote == nil) {
		return k, nil
	}
	var published []key
	if g.remote != nil {
		var err error
		if published, err = g.remote.get(ctx, e.alg, e.kid); err != nil {
			return key{}, err
		}
	}
	k, ok := find(e.alg, e.kid, g.static, published)
	if !ok {
		return key{}, e.kind.refuse(textUnsigned, "no one key of that kid and algorithm")
	}
	return k, nil
}

// inTime checks the times of a token.
func (g *Guard) inTime(c claims, k kind, expSkew time.Duration) error {
	now, latest := g.clock.read()
	if latest.Sub(now) > g.skew && g.back.pass(time.Now()) {
		g.logger.LogAttrs(context.Background(), slog.LevelWarn, "the clock went back: tokens end by the latest time that it said",
			slog.Duration("back", latest.Sub(now)))
	}
	return c.check(k, now, latest, expSkew, g.skew)
}

package auth

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/runnel-sse/runnel/pkg/channel"
)

const (
	// MaxTicketChannels bounds the channels of a ticket: as many as the largest
	// number that a connection may be configured to have.
	MaxTicketChannels = 64

	ticketType     = "runnel-ticket+jwt"
	ticketSingle   = "single"
	ticketChannels = "channels" // the claim
)

// ErrNoTickets: the guard was given no secret for tickets, or a single-use one
// is asked for and it was given no Once.
var ErrNoTickets = errors.New("tickets are not in use here")

// Ticket signs a ticket for exactly these channels, for the query of a URL. It
// ends when the token ends that p is of. The caller has asked p.Allows for each
// channel: whoever shows the ticket is not asked again. A single one is good
// once, even for a connection that is then refused.
func (g *Guard) Ticket(p Principal, chs []channel.Name, single bool) (ticket string, expires time.Time, err error) {
	now, latest := g.clock.read()
	switch {
	case g.ticketKey.key == nil, single && g.once == nil:
		return "", time.Time{}, fmt.Errorf("auth: making a ticket: %w", ErrNoTickets)
	case p.Subject == "", latest.Unix() >= p.Expires.Unix():
		return "", time.Time{}, fmt.Errorf("auth: making a ticket: %w: a token that has not expired is needed", ErrUnauthorized)
	case p.Ticket:
		return "", time.Time{}, fmt.Errorf("auth: making a ticket: %w: a ticket gives no other", ErrForbidden)
	case len(chs) == 0, len(chs) > MaxTicketChannels:
		return "", time.Time{}, fmt.Errorf("auth: making a ticket: %d channels, want 1 to %d", len(chs), MaxTicketChannels)
	}
	names := make([]string, len(chs))
	for i, ch := range chs {
		names[i] = ch.String()
	}
	use := ""
	if single {
		use = ticketSingle
	}
	// rand.Text has 130 random bits.
	t := jwt.NewWithClaims(algorithms[g.ticketKey.alg], jwt.MapClaims{
		"sub": p.Subject, "iat": now.Unix(), "exp": p.Expires.Unix(), "jti": rand.Text(), "use": use, ticketChannels: names,
	})
	t.Header["typ"] = ticketType
	ticket, err = t.SignedString(g.ticketKey.key)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("auth: making a ticket: %w", err)
	}
	if len(ticket) > MaxToken {
		return "", time.Time{}, fmt.Errorf("auth: making a ticket: it would have %d bytes, at most %d are allowed: ask for fewer channels", len(ticket), MaxToken)
	}
	return ticket, time.Unix(p.Expires.Unix(), 0), nil
}

// ticket is the principal of a ticket. Its expiry has no skew: the token's is in it.
func (g *Guard) ticket(ctx context.Context, s string) (Principal, error) {
	if g.ticketKey.key == nil {
		return Principal{}, kindTicket.refuse("cannot be used: "+ErrNoTickets.Error(), "no secret for tickets")
	}
	e, err := open(kindTicket, s)
	if err != nil {
		return Principal{}, err
	}
	if e.typ != ticketType {
		return Principal{}, kindTicket.refuse(textMalformed, "header: of another type")
	}
	if err := e.verify(g.ticketKey); err != nil {
		return Principal{}, err
	}
	c, err := readClaims(e, ticketChannels)
	if err != nil {
		return Principal{}, err
	}
	if err := g.inTime(c, kindTicket, 0); err != nil {
		return Principal{}, err
	}
	p := Principal{Subject: c.subject, Expires: time.Unix(c.exp, 0), Ticket: true}
	for _, s := range c.channels {
		ch, err := channel.Parse(s)
		if err != nil {
			return Principal{}, kindTicket.refuse(textMalformed, "a malformed channel")
		}
		p.Only = append(p.Only, ch)
	}
	if c.texts["use"] == ticketSingle {
		if err := g.first(ctx, c.texts["jti"], p.Expires); err != nil {
			return Principal{}, err
		}
	}
	return p, nil
}

// first uses a single-use ticket up.
func (g *Guard) first(ctx context.Context, id string, until time.Time) error {
	if g.once == nil || id == "" {
		return kindTicket.refuse("cannot be used: "+ErrNoTickets.Error(), "single, and there is no Once")
	}
	first, err := g.once.First(ctx, id, until)
	switch {
	case err != nil:
		return fmt.Errorf("auth: %w: %w", ErrUnavailable, err)
	case !first:
		return kindTicket.refuse("has been used", "used before")
	}
	return nil
}

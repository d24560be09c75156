package auth

import (
	"fmt"
	"slices"
	"time"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/schema"
)

// Principal is who asks, and what for. The zero Principal is nobody known, who
// may read what is public.
type Principal struct {
	Subject string // "": nobody known
	// Expires is when the token stops to count here, the allowed skew included;
	// zero: never.
	Expires  time.Time
	Channels []channel.Pattern // of the token's list claim, for policy claim
	Claims   map[string]string // the token's claims that are strings, for policy owner
	// Ticket: the principal is a ticket's, and may read exactly the channels of
	// Only: whoever asked for the ticket was allowed to.
	Ticket bool
	Only   []channel.Name
}

// Allows decides whether p may read the channel of the stream: nil, an
// ErrUnauthorized when nobody is known, or an ErrForbidden.
func (p Principal) Allows(s *schema.Stream, ch channel.Name) error {
	if s == nil || ch.IsZero() || s.Name != ch.Stream() {
		return fmt.Errorf("%w: the channel is of no such stream", ErrForbidden)
	}
	if p.Ticket {
		if !slices.Contains(p.Only, ch) {
			return fmt.Errorf("%w: the ticket is not for channel %s", ErrForbidden, ch)
		}
		return nil
	}
	if s.Policy == schema.PolicyPublic {
		return nil
	}
	if p.Subject == "" {
		return fmt.Errorf("%w: channel %s is not public: send a token", ErrUnauthorized, ch)
	}
	if p.meets(s, ch) {
		return nil
	}
	return fmt.Errorf("%w: the token does not allow channel %s", ErrForbidden, ch)
}

// meets decides for somebody who is known. A policy that it does not know, it
// does not meet.
func (p Principal) meets(s *schema.Stream, ch channel.Name) bool {
	switch s.Policy {
	case schema.PolicyAuthenticated:
		return true
	case schema.PolicyOwner:
		return p.owns(s, ch)
	case schema.PolicyClaim:
		return slices.ContainsFunc(p.Channels, func(c channel.Pattern) bool { return c.Match(ch) })
	}
	return false
}

func (p Principal) owns(s *schema.Stream, ch channel.Name) bool {
	who := p.Subject
	if s.Owner.Claim != "" && s.Owner.Claim != "sub" {
		who = p.Claims[s.Owner.Claim]
	}
	field := s.Owner.Field
	if field == "" {
		all := s.Template.Fields()
		if len(all) != 1 {
			return false // none is named, so nobody owns it
		}
		field = all[0]
	}
	fields, ok := s.Template.Match(ch.Key())
	return ok && who != "" && fields[field] == who
}

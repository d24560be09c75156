// Package auth says who asks, and what they may read: a token becomes a
// Principal, and a stream's policy and a Principal become yes or no.
//
// A Guard takes a JWT from the Authorization header or a cookie, or a ticket
// from the query, which it has signed itself because a browser's EventSource can
// set no header. Signatures are the JWT library's; the envelope around them is
// read here, more strictly than libraries do, since what two parsers read in two
// ways is how tokens are forged.
//
// It is no identity provider: it signs nobody in, keeps no sessions and knows no
// users. Nothing of a token, a ticket or a key is in its errors and log lines.
package auth

import (
	"errors"
	"net/http"
	"strings"

	"github.com/runnel-sse/runnel/pkg/problem"
)

var (
	// ErrUnauthorized: the request says not who it is from, or says it wrong. 401,
	// or what a *Refusal says.
	ErrUnauthorized = errors.New("unauthorized")
	// ErrForbidden: whoever it is from may not read the channel. 403.
	ErrForbidden = errors.New("forbidden")
	// ErrUnavailable: whether the token is good cannot be known for now, since the
	// keys or the register of used tickets cannot be reached. 503.
	ErrUnavailable = errors.New("cannot check who asks for now")
)

// The error codes of RFC 6750, section 3.1.
const (
	CodeInvalidRequest    = "invalid_request"
	CodeInvalidToken      = "invalid_token"
	CodeInsufficientScope = "insufficient_scope"
)

// Refusal says that a request's credentials are bad. It is ErrUnauthorized.
type Refusal struct {
	Code string // CodeInvalidRequest or CodeInvalidToken
	// Text is for the client. It says more the more the token has proved: of one
	// that no key has signed it says only that.
	Text string
	// Why is for the operator's log, and holds nothing that came from outside.
	Why string
}

// Error is the text for the client.
func (r *Refusal) Error() string { return "auth: " + r.Text }

// Is reports that a refusal is ErrUnauthorized.
func (r *Refusal) Is(target error) bool { return target == ErrUnauthorized }

// Status is the HTTP status that RFC 6750 has for it.
func (r *Refusal) Status() int {
	if r.Code == CodeInvalidRequest {
		return 400
	}
	return 401
}

// Challenge is the WWW-Authenticate header of an answer to err, "" when it has
// none. Where there were no credentials it names no error, as RFC 6750 asks.
func Challenge(err error) string {
	const scheme = `Bearer realm="runnel"`
	var refusal *Refusal
	switch {
	case errors.As(err, &refusal):
		return scheme + `, error="` + refusal.Code + `", error_description="` + refusal.Text + `"`
	case errors.Is(err, ErrUnauthorized):
		return scheme
	case errors.Is(err, ErrForbidden):
		return scheme + `, error="` + CodeInsufficientScope + `"`
	}
	return ""
}

// Problem is the answer to err in the words of RFC 6750: with an error code where
// there were credentials, without one where there were none. what is err as the
// client may read it. A *Refusal's Why is for the log alone.
func Problem(err error, what string) problem.Problem {
	p := problem.Problem{Status: http.StatusUnauthorized, Code: "unauthorized", Detail: what, Challenge: Challenge(err)}
	var bad *Refusal
	switch {
	case errors.As(err, &bad):
		p.Status, p.Code, p.Detail = bad.Status(), strings.ReplaceAll(bad.Code, "_", "-"), bad.Text
	case errors.Is(err, ErrForbidden):
		p.Status, p.Code = http.StatusForbidden, "forbidden"
	}
	return p
}

// Why is what was wrong with the credentials, for the log; "" where none were.
func Why(err error) string {
	var bad *Refusal
	if errors.As(err, &bad) {
		return bad.Why
	}
	return ""
}

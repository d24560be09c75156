package control

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/runnel-sse/runnel/pkg/auth"
	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/eventlog"
	"github.com/runnel-sse/runnel/pkg/obs"
	"github.com/runnel-sse/runnel/pkg/problem"
	"github.com/runnel-sse/runnel/pkg/subscriber"
)

// later is when to try again what storage did not do.
const later = 2 * time.Second

// problemOf gives every error its status. What it does not know is 500, with a
// log line here and no detail for the client.
func (c *Control) problemOf(ctx context.Context, err error) problem.Problem {
	var p problem.Problem
	switch {
	case errors.As(err, &p):
		return p
	case errors.Is(err, channel.ErrInvalid):
		return problem.Problem{Status: http.StatusBadRequest, Code: "malformed-channel", Detail: said(err)}
	case errors.Is(err, auth.ErrNoTickets):
		return problem.Problem{Status: http.StatusNotFound, Code: "no-tickets", Detail: auth.ErrNoTickets.Error()}
	case errors.Is(err, auth.ErrUnauthorized), errors.Is(err, auth.ErrForbidden):
		return c.noAccess(ctx, err)
	case errors.Is(err, eventlog.ErrUnavailable), errors.Is(err, eventlog.ErrContended),
		errors.Is(err, subscriber.ErrUnavailable), errors.Is(err, auth.ErrUnavailable):
		c.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "request refused", obs.Err(err))
		return problem.Problem{Status: http.StatusServiceUnavailable, Code: "unavailable", Detail: "what the request needs does not answer", RetryAfter: later}
	case ctx.Err() != nil: // nobody is there to read it
		return problem.Problem{Status: http.StatusServiceUnavailable, Code: "gone", Detail: "the request ended first", RetryAfter: later}
	}
	c.cfg.Logger.LogAttrs(ctx, slog.LevelError, "request failed", obs.Err(err))
	return problem.Problem{Status: http.StatusInternalServerError, Code: "internal", Detail: "an error of the server"}
}

// noAccess is a refusal for want of rights.
func (c *Control) noAccess(ctx context.Context, err error) problem.Problem {
	if why := auth.Why(err); why != "" {
		c.cfg.Logger.LogAttrs(ctx, slog.LevelInfo, "credentials refused", obs.Reason(why))
	}
	return auth.Problem(err, said(err))
}

// said is the error without the name of this package.
func said(err error) string { return strings.TrimPrefix(err.Error(), "control: ") }

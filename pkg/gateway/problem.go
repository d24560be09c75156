package gateway

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/runnel-sse/runnel/pkg/auth"
	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/eventlog"
	"github.com/runnel-sse/runnel/pkg/obs"
	"github.com/runnel-sse/runnel/pkg/problem"
	"github.com/runnel-sse/runnel/pkg/sse"
	"github.com/runnel-sse/runnel/pkg/subscriber"
)

var (
	errBusy     = errors.New("this process has all the connections it takes")
	errDraining = errors.New("this process is about to stop")
)

// problemOf gives every error its status. What it does not know is 500, with a
// log line here and no detail for the client.
func (g *Gateway) problemOf(ctx context.Context, err error) problem.Problem {
	var p problem.Problem
	soon := between(2*time.Second, 10*time.Second)
	switch {
	case errors.As(err, &p):
		return p
	case errors.Is(err, channel.ErrInvalid):
		return problem.Problem{Status: http.StatusBadRequest, Code: "malformed-channel", Detail: err.Error()}
	case errors.Is(err, auth.ErrUnauthorized), errors.Is(err, auth.ErrForbidden):
		return g.noAccess(ctx, err)
	case errors.Is(err, subscriber.ErrFull), errors.Is(err, subscriber.ErrBlocked):
		return noPlace(err, soon)
	case errors.Is(err, errBusy), errors.Is(err, errDraining):
		return problem.Problem{Status: http.StatusServiceUnavailable, Code: "busy", Detail: err.Error(), RetryAfter: soon}
	case errors.Is(err, eventlog.ErrUnavailable), errors.Is(err, subscriber.ErrUnavailable), errors.Is(err, auth.ErrUnavailable):
		g.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "stream refused", obs.Err(err))
		return problem.Problem{Status: http.StatusServiceUnavailable, Code: "unavailable", Detail: "what the stream needs does not answer", RetryAfter: soon}
	case ctx.Err() != nil: // nobody is there to read it
		return problem.Problem{Status: http.StatusServiceUnavailable, Code: "gone", Detail: "the request ended first", RetryAfter: soon}
	}
	g.cfg.Logger.LogAttrs(ctx, slog.LevelError, "stream failed", obs.Err(err))
	return problem.Problem{Status: http.StatusInternalServerError, Code: "internal", Detail: "an error of the server"}
}

// noAccess is a refusal for want of rights.
func (g *Gateway) noAccess(ctx context.Context, err error) problem.Problem {
	if why := auth.Why(err); why != "" {
		g.cfg.Logger.LogAttrs(ctx, slog.LevelInfo, "credentials refused", obs.Reason(why))
	}
	return auth.Problem(err, errors.Unwrap(err).Error())
}

// noPlace is the refusal of the registry.
func noPlace(err error, soon time.Duration) problem.Problem {
	var full *subscriber.LimitError
	var blocked *subscriber.BlockedError
	p := problem.Problem{Status: http.StatusTooManyRequests, Code: "full", Detail: err.Error(), RetryAfter: soon}
	switch {
	case errors.As(err, &full):
		p.Code, p.Detail = full.What+"-full", full.Error()
		if full.What == subscriber.OfRate {
			p.Code, p.RetryAfter = "connect-rate", between(time.Second, 3*time.Second)
		}
	case errors.As(err, &blocked):
		p.Status, p.Code, p.Detail, p.RetryAfter = http.StatusForbidden, "blocked", blocked.Error(), max(time.Until(blocked.Until), time.Second)
	}
	return p
}

// refuse answers with the problem: as a status, or, where it is transient and
// the client asks for it with ?refuse=stream, as a stream that says so and ends.
// A native EventSource sees no status and would never come back.
func (g *Gateway) refuse(w http.ResponseWriter, r *http.Request, p problem.Problem) {
	g.cfg.Metrics.Add(refusals[p.Status], 1)
	if p.Transient() && r.URL.Query().Get("refuse") == "stream" {
		g.refuseInBand(w, r, p)
		return
	}
	problem.Write(w, p)
}

// refusals are the metrics of the statuses.
var refusals = map[int]obs.Metric{
	http.StatusBadRequest: obs.RefusedRequest, http.StatusNotFound: obs.RefusedRequest, http.StatusMethodNotAllowed: obs.RefusedRequest,
	http.StatusUnauthorized: obs.RefusedAccess, http.StatusForbidden: obs.RefusedAccess,
	http.StatusTooManyRequests:    obs.RefusedLimit,
	http.StatusServiceUnavailable: obs.RefusedBusy, http.StatusInternalServerError: obs.RefusedBusy,
}

// refused is the data of sse.refused.
type refused struct {
	Reason       string `json:"reason"`
	Status       int    `json:"status"`
	Detail       string `json:"detail"`
	RetryAfterMS int64  `json:"retry_after_ms"`
}

func (g *Gateway) refuseInBand(w http.ResponseWriter, r *http.Request, p problem.Problem) {
	frame := sse.Frame{
		Retry: p.RetryAfter,
		Type:  typeRefused,
		Data:  jsonLine(refused{p.Code, p.Status, p.Detail, p.RetryAfter.Milliseconds()}),
	}
	// The client keeps its place: its id is sent back to it.
	if id := lastEventID(r, r.URL.Query()); checkCursor(id) == nil {
		frame.ID = id
	}
	streamHeaders(w.Header())
	w.WriteHeader(http.StatusOK)
	b, _ := frame.Append(nil)
	_, _ = w.Write(b)
}

package gateway

import (
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/eventlog"
	"github.com/runnel-sse/runnel/pkg/problem"
	"github.com/runnel-sse/runnel/pkg/sse"
	"github.com/runnel-sse/runnel/pkg/subscriber"
)

var (
	// ErrUnauthorized: the request says not who it is from, or says it wrong. 401.
	ErrUnauthorized = errors.New("unauthorized")
	// ErrForbidden: whoever it is from may not read the channel. 403.
	ErrForbidden = errors.New("forbidden")

	errBusy     = errors.New("this process has all the connections it takes")
	errDraining = errors.New("this process is about to stop")
)

// problemOf gives every error its status. What it does not know is 500, with a
// log line here and no detail for the client.
func (g *Gateway) problemOf(r *http.Request, err error) problem.Problem {
	var p problem.Problem
	var full *subscriber.LimitError
	soon := between(2*time.Second, 10*time.Second)
	switch {
	case errors.As(err, &p):
		return p
	case errors.Is(err, channel.ErrInvalid):
		return problem.Problem{Status: http.StatusBadRequest, Code: "malformed-channel", Detail: err.Error()}
	case errors.Is(err, ErrUnauthorized):
		return problem.Problem{Status: http.StatusUnauthorized, Code: "unauthorized", Detail: err.Error()}
	case errors.Is(err, ErrForbidden):
		return problem.Problem{Status: http.StatusForbidden, Code: "forbidden", Detail: err.Error()}
	case errors.As(err, &full):
		return problem.Problem{Status: http.StatusTooManyRequests, Code: full.What + "-full", Detail: full.Error(), RetryAfter: soon}
	case errors.Is(err, errBusy), errors.Is(err, errDraining):
		return problem.Problem{Status: http.StatusServiceUnavailable, Code: "busy", Detail: err.Error(), RetryAfter: soon}
	case errors.Is(err, eventlog.ErrUnavailable), errors.Is(err, subscriber.ErrUnavailable):
		g.cfg.Logger.LogAttrs(r.Context(), slog.LevelWarn, "stream refused", slog.Any("error", err))
		return problem.Problem{Status: http.StatusServiceUnavailable, Code: "unavailable", Detail: "the event log does not answer", RetryAfter: soon}
	case r.Context().Err() != nil: // nobody is there to read it
		return problem.Problem{Status: http.StatusServiceUnavailable, Code: "gone", Detail: "the request ended first", RetryAfter: soon}
	}
	g.cfg.Logger.LogAttrs(r.Context(), slog.LevelError, "stream failed", slog.Any("error", err))
	return problem.Problem{Status: http.StatusInternalServerError, Code: "internal", Detail: "an error of the server"}
}

// refuse answers with the problem: as a status, or, where it is transient and
// the client asks for it with ?refuse=stream, as a stream that says so and ends.
// A native EventSource sees no status and would never come back.
func (g *Gateway) refuse(w http.ResponseWriter, r *http.Request, p problem.Problem) {
	if p.Transient() && r.URL.Query().Get("refuse") == "stream" {
		g.refuseInBand(w, r, p)
		return
	}
	problem.Write(w, p)
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

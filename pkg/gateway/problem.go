package gateway

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/eventlog"
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

// problem is a refusal, as an error and as the body of RFC 9457.
type problem struct {
	Status     int
	Code       string // stable, for programs
	Detail     string // for people
	RetryAfter time.Duration
}

func (p problem) Error() string { return p.Detail }

// transient reports whether the same request may succeed later.
func (p problem) transient() bool {
	return p.Status == http.StatusTooManyRequests || p.Status == http.StatusServiceUnavailable
}

// problemOf gives every error its status. What it does not know is 500, with a
// log line here and no detail for the client.
func (g *Gateway) problemOf(r *http.Request, err error) problem {
	var p problem
	var full *subscriber.LimitError
	soon := between(2*time.Second, 10*time.Second)
	switch {
	case errors.As(err, &p):
		return p
	case errors.Is(err, channel.ErrInvalid):
		return problem{Status: http.StatusBadRequest, Code: "malformed-channel", Detail: err.Error()}
	case errors.Is(err, ErrUnauthorized):
		return problem{Status: http.StatusUnauthorized, Code: "unauthorized", Detail: err.Error()}
	case errors.Is(err, ErrForbidden):
		return problem{Status: http.StatusForbidden, Code: "forbidden", Detail: err.Error()}
	case errors.As(err, &full):
		return problem{Status: http.StatusTooManyRequests, Code: full.What + "-full", Detail: full.Error(), RetryAfter: soon}
	case errors.Is(err, errBusy), errors.Is(err, errDraining):
		return problem{Status: http.StatusServiceUnavailable, Code: "busy", Detail: err.Error(), RetryAfter: soon}
	case errors.Is(err, eventlog.ErrUnavailable), errors.Is(err, subscriber.ErrUnavailable):
		g.cfg.Logger.LogAttrs(r.Context(), slog.LevelWarn, "stream refused", slog.Any("error", err))
		return problem{Status: http.StatusServiceUnavailable, Code: "unavailable", Detail: "the event log does not answer", RetryAfter: soon}
	case r.Context().Err() != nil: // nobody is there to read it
		return problem{Status: http.StatusServiceUnavailable, Code: "gone", Detail: "the request ended first", RetryAfter: soon}
	}
	g.cfg.Logger.LogAttrs(r.Context(), slog.LevelError, "stream failed", slog.Any("error", err))
	return problem{Status: http.StatusInternalServerError, Code: "internal", Detail: "an error of the server"}
}

// refuse answers with the problem: as a status, or, where it is transient and
// the client asks for it with ?refuse=stream, as a stream that says so and ends.
// A native EventSource sees no status and would never come back.
func (g *Gateway) refuse(w http.ResponseWriter, r *http.Request, p problem) {
	if p.transient() && r.URL.Query().Get("refuse") == "stream" {
		g.refuseInBand(w, r, p)
		return
	}
	body, _ := json.Marshal(struct { // strings and a number: cannot fail
		Type   string `json:"type"`
		Title  string `json:"title"`
		Status int    `json:"status"`
		Detail string `json:"detail"`
	}{"urn:runnel:problem:" + p.Code, http.StatusText(p.Status), p.Status, p.Detail})
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	if p.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(p.RetryAfter.Round(time.Second).Seconds())))
	}
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", "Bearer")
	}
	w.WriteHeader(p.Status)
	_, _ = w.Write(append(body, '\n')) // a client that has left needs no answer
}

// refused is the data of sse.refused.
type refused struct {
	Reason       string `json:"reason"`
	Status       int    `json:"status"`
	Detail       string `json:"detail"`
	RetryAfterMS int64  `json:"retry_after_ms"`
}

func (g *Gateway) refuseInBand(w http.ResponseWriter, r *http.Request, p problem) {
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

// Package problem is a refusal: inside an error, outside the body of RFC 9457.
// Every host of Runnel says no in the same words.
//
// It decides no statuses: which error is which problem is its user's to say.
package problem

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

const (
	// MediaType of the body.
	MediaType = "application/problem+json"

	typePrefix = "urn:runnel:problem:"
)

// Problem is a refusal.
type Problem struct {
	Status     int
	Code       string        // stable, for programs
	Detail     string        // for people
	RetryAfter time.Duration // 0: not said
	// Challenge is the WWW-Authenticate header. Empty: none, or with 401, which
	// must have one, a bare Bearer.
	Challenge string
	// Members is a struct whose fields stand in the body beside the standard
	// ones; nil: none.
	Members any
}

// Error is the detail.
func (p Problem) Error() string { return p.Detail }

// Transient reports whether the same request may succeed later.
func (p Problem) Transient() bool {
	return p.Status == http.StatusTooManyRequests || p.Status == http.StatusServiceUnavailable
}

// Write answers with the problem.
func Write(w http.ResponseWriter, p Problem) {
	h := w.Header()
	h.Set("Content-Type", MediaType)
	h.Set("Cache-Control", "no-store")
	if p.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(p.RetryAfter.Round(time.Second).Seconds())))
	}
	switch {
	case p.Challenge != "":
		h.Set("WWW-Authenticate", p.Challenge)
	case p.Status == http.StatusUnauthorized:
		h.Set("WWW-Authenticate", "Bearer")
	}
	w.WriteHeader(p.Status)
	_, _ = w.Write(p.body()) // a client that has left needs no answer
}

func (p Problem) body() []byte {
	body, _ := json.Marshal(struct { // strings and a number: cannot fail
		Type   string `json:"type"`
		Title  string `json:"title"`
		Status int    `json:"status"`
		Detail string `json:"detail"`
	}{typePrefix + p.Code, http.StatusText(p.Status), p.Status, p.Detail})
	if more, err := json.Marshal(p.Members); err == nil && bytes.HasPrefix(more, []byte(`{"`)) {
		body = append(append(body[:len(body)-1], ','), more[1:]...)
	}
	return append(body, '\n')
}

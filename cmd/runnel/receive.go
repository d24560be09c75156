package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/runnel-sse/runnel/pkg/ingest"
	"github.com/runnel-sse/runnel/pkg/problem"
	"github.com/runnel-sse/runnel/pkg/schema"
	"github.com/runnel-sse/runnel/pkg/wire"
)

const (
	mediaJSON  = "application/json"
	mediaLines = "application/x-ndjson" // a message a line
	// maxRequest bounds the bytes of JSON lines in one request.
	maxRequest = 8 << 20
)

// receipt is the answer of POST /publish.
type receipt struct {
	Stored []place `json:"stored"`
}

// place is where an event is in the log.
type place struct {
	Channel   string `json:"channel"`
	EventType string `json:"event_type"`
	ID        string `json:"id,omitempty"`
	Epoch     uint32 `json:"epoch"`
	Seq       uint64 `json:"seq"`
}

// publish takes one message, or a message a line, of any shape that
// functions/ingest takes. Lines are checked before the first is stored.
func (web *web) publish(w http.ResponseWriter, r *http.Request) {
	if foreign(r) {
		problem.Write(w, problem.Problem{Status: http.StatusForbidden, Code: "cross-site", Detail: "a page of another site may not publish here"})
		return
	}
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	limit := int64(ingest.MaxMessage)
	switch {
	case err == nil && media == mediaLines:
		limit = maxRequest
	case err == nil && media == mediaJSON:
	default:
		problem.Write(w, problem.Problem{Status: http.StatusUnsupportedMediaType, Code: "media-type", Detail: "want Content-Type: " + mediaJSON + " for one message, or " + mediaLines + " for a message a line"})
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if err != nil {
		if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
			problem.Write(w, problem.Problem{Status: http.StatusRequestEntityTooLarge, Code: "too-large", Detail: fmt.Sprintf("at most %d bytes are allowed", tooLarge.Limit)})
		} // else the client has left
		return
	}
	messages := []line{{text: body}}
	if media == mediaLines {
		messages = lines(body)
		for _, m := range messages {
			if _, err := wire.Check(r.Context(), m.text); err != nil {
				problem.Write(w, problemOf(err, m.number, 0))
				return
			}
		}
	}
	web.store(w, r, messages)
}

func (web *web) store(w http.ResponseWriter, r *http.Request, messages []line) {
	answer := receipt{Stored: []place{}}
	for i, m := range messages {
		stored, err := web.server.Publish(r.Context(), m.text)
		if err != nil {
			problem.Write(w, problemOf(err, m.number, i))
			return
		}
		for _, s := range stored {
			answer.Stored = append(answer.Stored, place{
				Channel: s.Channel.String(), EventType: s.Event.Type, ID: s.Event.ID,
				Epoch: uint32(s.Position.Epoch), Seq: s.Position.Seq,
			})
		}
	}
	body, _ := json.Marshal(answer) // strings and numbers: cannot fail
	w.Header().Set("Content-Type", mediaJSON)
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(append(body, '\n'))
}

// fault says where a problem of POST /publish is, in its body.
type fault struct {
	Field  string `json:"field,omitempty"`  // such as CommentAdded.timestamp
	Line   int    `json:"line,omitempty"`   // of JSON lines, from 1
	Stored int    `json:"stored,omitempty"` // messages of the request that are stored all the same
}

// problemOf says what is wrong with a message, and where.
func problemOf(err error, number, stored int) problem.Problem {
	at := fault{Line: number, Stored: stored}
	p := problem.Problem{Status: http.StatusServiceUnavailable, Code: "unavailable", Detail: reason(err)}
	if errors.Is(err, ingest.ErrRefused) {
		p.Status, p.Code = http.StatusBadRequest, "refused"
		if field := new(schema.FieldError); errors.As(err, &field) {
			at.Field = field.Path
		}
	}
	p.Members = at
	return p
}

// reason is the error without the words that say only where it passed.
func reason(err error) string {
	text := strings.TrimPrefix(err.Error(), "ingest: ")
	return strings.TrimPrefix(text, ingest.ErrRefused.Error()+": ")
}

// line is a line that is not empty.
type line struct {
	number int // from 1; 0: there are no lines
	text   []byte
}

func lines(body []byte) []line {
	var all []line
	number := 0
	for text := range bytes.Lines(body) {
		number++
		if text = bytes.TrimSpace(text); len(text) > 0 {
			all = append(all, line{number, text})
		}
	}
	return all
}

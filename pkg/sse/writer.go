package sse

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ContentType is what a stream says it is. No charset: a browser closes a
// stream of any other than utf-8 for good, and utf-8 goes without saying.
const ContentType = "text/event-stream"

// Heartbeat is a comment line without the blank line after it: with one, some
// clients (@microsoft/fetch-event-source 2) report an empty message.
const Heartbeat = ":\n"

// ErrField: an id or a type that cannot stand in a stream.
var ErrField = errors.New("sse: invalid field")

// Frame is one event to be written, or, without ID, Type and Data, only a retry.
type Frame struct {
	Retry time.Duration // how long the client waits before it reconnects, in whole milliseconds; 0: unsaid
	ID    string        // no line end, no NUL; empty: unsaid
	Type  string        // no line end; empty: "message"
	Data  []byte        // UTF-8 text of any number of lines; nil: no event
}

// Append appends the frame to dst, with the blank line that dispatches it. A
// line end in Data (LF, CR or CRLF) begins a new data line, so the reader has it
// back as LF. It fails with ErrField, and then returns dst as it was.
func (f Frame) Append(dst []byte) ([]byte, error) {
	if strings.ContainsAny(f.ID, "\r\n\x00") {
		return dst, fmt.Errorf("%w: a line end or NUL in id %q", ErrField, f.ID)
	}
	if strings.ContainsAny(f.Type, "\r\n") {
		return dst, fmt.Errorf("%w: a line end in type %q", ErrField, f.Type)
	}
	if f.Retry > 0 {
		dst = append(dst, "retry: "...)
		dst = strconv.AppendInt(dst, max(1, f.Retry.Milliseconds()), 10)
		dst = append(dst, '\n')
	}
	if f.ID != "" {
		dst = append(append(append(dst, "id: "...), f.ID...), '\n')
	}
	if f.Type != "" {
		dst = append(append(append(dst, "event: "...), f.Type...), '\n')
	}
	if f.Data != nil {
		dst = appendData(dst, f.Data)
	}
	return append(dst, '\n'), nil
}

func appendData(dst, data []byte) []byte {
	for {
		end := bytes.IndexAny(data, "\r\n")
		if end < 0 {
			return append(append(append(dst, "data: "...), data...), '\n')
		}
		dst = append(append(append(dst, "data: "...), data[:end]...), '\n')
		if data[end] == '\r' && end+1 < len(data) && data[end+1] == '\n' {
			end++
		}
		data = data[end+1:]
	}
}

package sse

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// DefaultMaxEvent bounds an event of a Reader that sets no bound, in bytes.
const DefaultMaxEvent = 16 << 20

// ErrTooLong: an event is longer than the reader's bound.
var ErrTooLong = errors.New("sse: event too long")

// Event is what a stream dispatches.
type Event struct {
	ID   string // the last event id as of this event; empty: none was ever set
	Type string // "message" unless the stream says otherwise
	Data string // lines are separated by LF
}

// Reader reads the events of a stream by the rules of the standard, section
// 9.2.6. It is for one goroutine.
type Reader struct {
	// LastEventID carries over from an earlier connection what the stream's
	// events have as their id until it says another. Set it before the first Next.
	LastEventID string
	// MaxEvent bounds an event, and a line, in bytes; 0: DefaultMaxEvent.
	MaxEvent int
	// OnActivity, if set, is called for each line that came, comments too: a sign
	// of life.
	OnActivity func()

	in     *bufio.Reader
	begun  bool
	skipLF bool // the last line ended with CR: an LF that follows belongs to it
	line   []byte
	id     string
	retry  time.Duration

	typ  string
	data []byte
	some bool // there was a data line
}

// NewReader returns a Reader of the stream's bytes, from their beginning.
func NewReader(in io.Reader) *Reader { return &Reader{in: bufio.NewReader(in)} }

// Retry is how long the stream last said to wait before reconnecting, and
// whether it said so.
func (r *Reader) Retry() (time.Duration, bool) { return r.retry, r.retry > 0 }

// Next returns the next event. At the end of the stream, where an unfinished
// event is discarded, it fails with io.EOF; else with ErrTooLong or the error of
// what it reads from.
func (r *Reader) Next() (Event, error) {
	if !r.begun {
		r.begun = true
		r.id = r.LastEventID
		r.skipBOM()
	}
	for {
		line, err := r.readLine()
		if err != nil {
			return Event{}, err
		}
		if r.OnActivity != nil {
			r.OnActivity()
		}
		if len(line) > 0 {
			if err := r.field(line); err != nil {
				return Event{}, err
			}
			continue
		}
		if e, ok := r.dispatch(); ok {
			return e, nil
		}
	}
}

// skipBOM drops one byte order mark at the very beginning.
func (r *Reader) skipBOM() {
	if mark, _ := r.in.Peek(3); string(mark) == "\ufeff" {
		_, _ = r.in.Discard(3)
	}
}

// readLine returns the next line without its end. A CR ends a line at once: the
// LF that may belong to it is looked for only when more is asked for, since it
// may never come.
func (r *Reader) readLine() ([]byte, error) {
	r.line = r.line[:0]
	for {
		chunk, err := r.peek()
		if err != nil {
			return nil, err // also in the middle of a line: it is discarded
		}
		if r.skipLF {
			r.skipLF = false
			if chunk[0] == '\n' {
				_, _ = r.in.Discard(1)
				continue
			}
		}
		end := bytes.IndexAny(chunk, "\r\n")
		if end < 0 {
			r.line = append(r.line, chunk...)
			_, _ = r.in.Discard(len(chunk))
			if len(r.line) > r.bound() {
				return nil, fmt.Errorf("%w: over %d bytes", ErrTooLong, r.bound())
			}
			continue
		}
		r.skipLF = chunk[end] == '\r'
		r.line = append(r.line, chunk[:end]...)
		_, _ = r.in.Discard(end + 1)
		return r.line, nil
	}
}

// peek returns what is there to be read, at least one byte.
func (r *Reader) peek() ([]byte, error) {
	if _, err := r.in.Peek(1); err != nil {
		return nil, err
	}
	return r.in.Peek(r.in.Buffered())
}

func (r *Reader) bound() int {
	if r.MaxEvent > 0 {
		return r.MaxEvent
	}
	return DefaultMaxEvent
}

func (r *Reader) field(line []byte) error {
	name, value, found := bytes.Cut(line, []byte{':'})
	if found && len(name) == 0 {
		return nil // a comment
	}
	value = bytes.TrimPrefix(value, []byte{' '})
	switch string(name) {
	case "event":
		r.typ = text(value)
	case "data":
		if len(r.data)+len(value) >= r.bound() {
			return fmt.Errorf("%w: over %d bytes", ErrTooLong, r.bound())
		}
		r.data = append(append(r.data, value...), '\n')
		r.some = true
	case "id":
		if bytes.IndexByte(value, 0) < 0 {
			r.id = text(value)
		}
	case "retry":
		r.setRetry(value)
	}
	return nil
}

// setRetry takes digits only; a number beyond all time is the longest time.
func (r *Reader) setRetry(value []byte) {
	if len(value) == 0 || bytes.IndexFunc(value, func(c rune) bool { return c < '0' || c > '9' }) >= 0 {
		return
	}
	const longest = int64(1<<63-1) / int64(time.Millisecond)
	ms, err := strconv.ParseInt(string(value), 10, 64)
	if err != nil || ms > longest {
		ms = longest
	}
	r.retry = time.Duration(ms) * time.Millisecond
}

func (r *Reader) dispatch() (Event, bool) {
	r.LastEventID = r.id // also for a block without data
	e := Event{ID: r.id, Type: "message"}
	if r.typ != "" {
		e.Type = r.typ
	}
	some := r.some
	if some {
		e.Data = text(r.data[:len(r.data)-1])
	}
	r.typ, r.data, r.some = "", r.data[:0], false
	if cap(r.data) > 1<<20 {
		r.data = nil
	}
	return e, some
}

// text decodes UTF-8: what is none becomes U+FFFD.
func text(b []byte) string { return strings.ToValidUTF8(string(b), "\ufffd") }

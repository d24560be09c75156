package sse

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"time"
)

// DefaultMaxEvent is the bound on an event unless MaxEvent says otherwise.
const DefaultMaxEvent = 16 << 20

// ErrTooLarge: an event or a line is over the reader's bound.
var ErrTooLarge = errors.New("sse: event too large")

const (
	chunk    = 32 << 10 // read at once
	keep     = 1 << 20  // a buffer beyond this is let go once it is empty
	nameRoom = 16       // bytes that a line may have beside a value at the bound
)

// Event is one event as a client sees it.
type Event struct {
	ID    string // the last event id: the event's own, or the newest one before it
	HasID bool   // whether the event named the id itself
	Type  string // "message" where the stream says none
	Data  string // valid UTF-8, lines parted by LF
}

// Reader takes the events out of a stream, byte for byte as a browser does. It
// is not safe for concurrent use.
type Reader struct {
	src       io.Reader
	maxEvent  int
	onComment func(string)

	buf    []byte // what was read; buf[start:] is not yet taken
	start  int    // where the next line begins
	seen   int    // buf[start:seen] holds no line end
	began  bool   // the first line, which may have a byte order mark, is taken
	skipLF bool   // a CR has ended a line: an LF right after it is part of that end
	err    error  // what src ended with

	data   []byte // the block so far, each line with its LF
	kind   string
	id     string // for the next dispatch
	ownID  bool
	lastID string
	retry  time.Duration
	hasTry bool
}

// Option changes a Reader.
type Option func(*Reader)

// LastEventID makes the reader begin with the id that an earlier connection
// ended with, as a client does that reconnects.
func LastEventID(id string) Option {
	return func(r *Reader) { r.id, r.lastID = id, id }
}

// MaxEvent bounds the bytes of an event's data, and so what a reader holds: a
// stream that never ends a line or an event must not take all memory.
func MaxEvent(bytes int) Option {
	return func(r *Reader) { r.maxEvent = bytes }
}

// OnComment has f called with each comment line, without its colon, while Next
// reads: for who takes a server's heartbeats as signs of life.
func OnComment(f func(text string)) Option {
	return func(r *Reader) { r.onComment = f }
}

// NewReader returns a reader of the stream that begins with src's first byte.
func NewReader(src io.Reader, options ...Option) *Reader {
	r := &Reader{src: src, maxEvent: DefaultMaxEvent, onComment: func(string) {}}
	for _, option := range options {
		option(r)
	}
	return r
}

// LastEventID is what a client sends when it reconnects. It may be ahead of the
// last event: a block without data sets it, too.
func (r *Reader) LastEventID() string { return r.lastID }

// Retry is the last valid reconnection time of the stream, if it had one.
func (r *Reader) Retry() (time.Duration, bool) { return r.retry, r.hasTry }

// Next returns the next event as soon as the line end that dispatches it is
// there. It fails with io.EOF when the stream has ended, with ErrTooLarge, or
// with the error of the source; an event that was not finished by then is
// discarded, as the standard wants it. After an error there are no more events.
func (r *Reader) Next() (Event, error) {
	for {
		line, err := r.line()
		if err != nil {
			return Event{}, err
		}
		if len(line) == 0 {
			if e, ok := r.dispatch(); ok {
				return e, nil
			}
			continue
		}
		if err := r.field(line); err != nil {
			return Event{}, err
		}
	}
}

// line returns the next line without its end. It is good until the next call.
func (r *Reader) line() ([]byte, error) {
	for {
		if r.skipLF && r.start < len(r.buf) {
			if r.buf[r.start] == '\n' {
				r.start++
			}
			r.skipLF, r.seen = false, r.start
		}
		if end, found := lineEnd(r.buf[r.seen:]); found {
			end += r.seen
			line := r.buf[r.start:end]
			if err := r.checkLine(len(line)); err != nil {
				return nil, err
			}
			// The end of a CR line is not waited for: an LF that belongs to it
			// may come much later, or never.
			r.skipLF = r.buf[end] == '\r'
			r.start, r.seen = end+1, end+1
			if !r.began {
				r.began = true
				line = bytes.TrimPrefix(line, []byte("\ufeff"))
			}
			return line, nil
		}
		r.seen = len(r.buf)
		if err := r.fill(); err != nil {
			return nil, err
		}
	}
}

// lineEnd returns where the first LF or CR stands. Two fast searches beat one
// that asks for either; b is never more than a chunk, so even a stream of short
// CR lines costs no more than that for each.
func lineEnd(b []byte) (int, bool) {
	if lf := bytes.IndexByte(b, '\n'); lf >= 0 {
		b = b[:lf+1]
	}
	if cr := bytes.IndexByte(b, '\r'); cr >= 0 {
		return cr, true
	}
	return len(b) - 1, len(b) > 0 && b[len(b)-1] == '\n'
}

// fill reads one chunk more behind an unfinished line.
func (r *Reader) fill() error {
	if r.err != nil {
		return r.err
	}
	if err := r.checkLine(len(r.buf) - r.start); err != nil {
		return err
	}
	if r.start > 0 {
		r.buf = r.buf[:copy(r.buf, r.buf[r.start:])]
		r.seen -= r.start
		r.start = 0
	}
	if len(r.buf) == 0 && cap(r.buf) > keep {
		r.buf = nil
	}
	if cap(r.buf)-len(r.buf) < chunk {
		grown := make([]byte, len(r.buf), 2*cap(r.buf)+chunk)
		copy(grown, r.buf)
		r.buf = grown
	}
	n, err := r.src.Read(r.buf[len(r.buf) : len(r.buf)+chunk])
	r.buf = r.buf[:len(r.buf)+n]
	r.err = err
	return nil
}

// checkLine refuses a line of that many bytes, or more, when it is too long.
func (r *Reader) checkLine(bytes int) error {
	if bytes <= r.maxEvent+nameRoom {
		return nil
	}
	return r.fail(fmt.Errorf("%w: a line of more than %d bytes", ErrTooLarge, r.maxEvent+nameRoom))
}

// fail ends the stream here, whatever else was read.
func (r *Reader) fail(err error) error {
	r.err, r.start, r.seen = err, len(r.buf), len(r.buf)
	return err
}

// field takes a line that is not blank.
func (r *Reader) field(line []byte) error {
	name, value, _ := bytes.Cut(line, []byte(":"))
	value = bytes.TrimPrefix(value, []byte(" "))
	switch string(name) {
	case "":
		r.onComment(string(validUTF8(line[1:])))
	case "data":
		value = validUTF8(value)
		if len(r.data)+len(value) > r.maxEvent {
			return r.fail(fmt.Errorf("%w: more than %d bytes of data", ErrTooLarge, r.maxEvent))
		}
		r.data = append(append(r.data, value...), '\n')
	case "event":
		r.kind = string(validUTF8(value))
	case "id":
		if bytes.IndexByte(value, 0) < 0 {
			r.id, r.ownID = string(validUTF8(value)), true
		}
	case "retry":
		if ms, ok := digits(value); ok {
			r.retry, r.hasTry = ms, true
		}
	}
	return nil
}

// dispatch takes a blank line. The id counts even where there is no event.
func (r *Reader) dispatch() (Event, bool) {
	r.lastID = r.id
	e := Event{ID: r.id, HasID: r.ownID, Type: r.kind}
	r.kind, r.ownID = "", false
	if len(r.data) == 0 {
		return Event{}, false
	}
	if e.Type == "" {
		e.Type = "message"
	}
	e.Data = string(r.data[:len(r.data)-1])
	if r.data = r.data[:0]; cap(r.data) > keep {
		r.data = nil
	}
	return e, true
}

// digits reads milliseconds, if all of value is ASCII digits. More than a
// time.Duration holds is the longest one.
func digits(value []byte) (time.Duration, bool) {
	const most = math.MaxInt64 / int64(time.Millisecond)
	var ms int64
	for _, b := range value {
		if b < '0' || b > '9' {
			return 0, false
		}
		ms = min(ms*10+int64(b-'0'), most)
	}
	return time.Duration(ms) * time.Millisecond, len(value) > 0
}

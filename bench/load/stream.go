package load

import (
	"bytes"
	"errors"
	"fmt"
)

// stream takes one response apart as its bytes come, however they are cut: the
// head, the chunks if it has such, and the records in its body. It keeps no
// body: between two calls it holds at most the beginning of one record.
type stream struct {
	state streamState
	left  int    // bytes left of the chunk, or its size so far
	head  []byte // what is known of the head, until it is whole

	kept  int // bytes of begun that hold the beginning of a record
	begun [recordSize]byte
}

type streamState uint8

const (
	inHead streamState = iota
	inSize             // the line before a chunk
	inExtension
	inChunk
	afterChunk
	inPlain // a body without chunks
	ended
)

const maxHead = 16 << 10

var (
	errEnded  = errors.New("the stream has ended")
	errDamage = errors.New("damaged stream")
)

// open reports whether the head has come, so that the server knows the reader.
func (s *stream) open() bool { return s.state != inHead }

// feed takes the next bytes and appends the records that they complete. It
// fails on a refusal, on a damaged stream, and at its end.
func (s *stream) feed(b []byte, out []word) ([]word, error) {
	var err error
	for len(b) > 0 && err == nil {
		switch s.state {
		case inHead:
			b, err = s.feedHead(b)
		case inSize:
			b, err = s.feedSize(b)
		case inExtension, afterChunk:
			end := bytes.IndexByte(b, '\n')
			if end < 0 {
				return out, nil
			}
			b = b[end+1:]
			if s.state == inExtension {
				s.begin()
			} else {
				s.state, s.left = inSize, 0
			}
		case inChunk:
			n := min(len(b), s.left)
			out, err = s.scan(b[:n], out)
			b = b[n:]
			if s.left -= n; s.left == 0 {
				s.state = afterChunk
			}
		case inPlain:
			out, err = s.scan(b, out)
			b = nil
		case ended:
			b = nil
		}
	}
	if err == nil && s.state == ended {
		err = errEnded
	}
	return out, err
}

func (s *stream) feedHead(b []byte) ([]byte, error) {
	before := len(s.head)
	s.head = append(s.head, b[:min(len(b), maxHead)]...)
	end := bytes.Index(s.head, []byte("\r\n\r\n"))
	if end < 0 {
		if len(s.head) >= maxHead {
			return nil, fmt.Errorf("%w: no end of the head", errDamage)
		}
		return nil, nil
	}
	rest := b[end+4-before:]
	head := bytes.ToLower(s.head[:end])
	line, _, _ := bytes.Cut(s.head[:end], []byte("\r\n"))
	if !bytes.HasPrefix(line, []byte("HTTP/1.1 200")) {
		return nil, fmt.Errorf("refused: %q", line)
	}
	s.head = nil
	s.state = inPlain
	if bytes.Contains(head, []byte("\r\ntransfer-encoding: chunked")) {
		s.state = inSize
	}
	return rest, nil
}

func (s *stream) feedSize(b []byte) ([]byte, error) {
	for i, c := range b {
		switch d := unhex[c]; {
		case d < 16 && s.left < 1<<28:
			s.left = s.left<<4 | int(d)
		case c == '\r':
		case c == ';':
			s.state = inExtension
			return b[i+1:], nil
		case c == '\n':
			s.begin()
			return b[i+1:], nil
		default:
			return nil, fmt.Errorf("%w: %q in the size of a chunk", errDamage, c)
		}
	}
	return nil, nil
}

// begin begins the chunk whose size is known.
func (s *stream) begin() {
	s.state = inChunk
	if s.left == 0 {
		s.state = ended
	}
}

// scan appends the records in a piece of the body.
func (s *stream) scan(b []byte, out []word) ([]word, error) {
	for s.kept > 0 && len(b) > 0 {
		n := copy(s.begun[s.kept:], b)
		b = b[n:]
		if s.kept += n; s.kept < recordSize {
			return out, nil
		}
		s.kept = 0
		if string(s.begun[:len(marker)]) != marker {
			// No record after all, but one may begin in these bytes.
			if at := bytes.IndexByte(s.begun[1:], marker[0]); at >= 0 {
				s.kept = copy(s.begun[:], s.begun[1+at:])
			}
			continue
		}
		w, ok := parseWord(s.begun[len(marker):])
		if !ok {
			return out, fmt.Errorf("%w: record %q", errDamage, s.begun[:])
		}
		out = append(out, w)
	}
	for {
		at := bytes.IndexByte(b, marker[0])
		if at < 0 {
			return out, nil
		}
		b = b[at:]
		if len(b) < recordSize {
			s.kept = copy(s.begun[:], b)
			return out, nil
		}
		if string(b[:len(marker)]) != marker {
			b = b[1:]
			continue
		}
		w, ok := parseWord(b[len(marker):])
		if !ok {
			return out, fmt.Errorf("%w: record %q", errDamage, b[:recordSize])
		}
		out = append(out, w)
		b = b[recordSize:]
	}
}

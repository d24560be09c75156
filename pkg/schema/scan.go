package schema

import (
	"encoding/json"
	"unicode/utf8"
)

// scanner reads one JSON text strictly (RFC 8259), token by token, and where
// keep is set it writes the text again without white space. It exists because
// encoding/json keeps neither the digits of a number nor duplicate keys, and
// because the gate of every event is to cost microseconds.
type scanner struct {
	in    []byte
	pos   int
	depth int
	mode
	out     []byte
	keys    [][]byte // the keys of the open objects, see object
	dropped bool     // the member just read is not to be written
}

// mode says what becomes of the text that is read.
type mode struct {
	keep  bool // it is written again
	known bool // but for fields that the definition does not know
	fill  bool // null is taken for a list, a map or bytes that are empty, and written so
}

func (s *scanner) emit(raw []byte) {
	if s.keep {
		s.out = append(s.out, raw...)
	}
}

func (s *scanner) emitByte(b byte) {
	if s.keep {
		s.out = append(s.out, b)
	}
}

// peek skips white space and returns the next byte, 0 at the end. A NUL in the
// text is no JSON either, so the two need not be told apart.
func (s *scanner) peek() byte {
	for s.pos < len(s.in) {
		switch b := s.in[s.pos]; b {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return b
		}
	}
	return 0
}

func (s *scanner) syntax(what string) *FieldError {
	if s.pos >= len(s.in) {
		return fault("not JSON: it ends early", "")
	}
	return fault("not JSON: byte "+itoa(s.pos+1)+": "+what, "")
}

// end reports what follows the value, which should be nothing.
func (s *scanner) end() *FieldError {
	if s.peek() != 0 || s.pos < len(s.in) {
		return s.syntax("something follows the value")
	}
	return nil
}

// text reads a string with its quotes; plain reports that it has no escapes.
func (s *scanner) text() (raw []byte, plain bool, err *FieldError) {
	if s.peek() != '"' {
		return nil, false, s.syntax("want a string")
	}
	start, ascii := s.pos, true
	plain = true
	for s.pos++; s.pos < len(s.in); s.pos++ {
		switch b := s.in[s.pos]; {
		case b == '"':
			s.pos++
			raw = s.in[start:s.pos]
			if !ascii && !utf8.Valid(raw) {
				return nil, false, fault("not JSON: a string is not UTF-8", "")
			}
			return raw, plain, nil
		case b == '\\':
			plain = false
			if !s.escape() {
				return nil, false, s.syntax("an escape that JSON does not have")
			}
		case b < ' ':
			return nil, false, s.syntax("a control character in a string")
		case b >= utf8.RuneSelf:
			ascii = false
		}
	}
	return nil, false, s.syntax("")
}

// escape moves from a backslash to the last byte of its escape.
func (s *scanner) escape() bool {
	s.pos++
	if s.pos >= len(s.in) {
		return false
	}
	switch s.in[s.pos] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return true
	case 'u':
		for range 4 {
			s.pos++
			if s.pos >= len(s.in) || !hex(s.in[s.pos]) {
				return false
			}
		}
		return true
	}
	return false
}

func hex(b byte) bool {
	return digit(b) || 'a' <= b && b <= 'f' || 'A' <= b && b <= 'F'
}

func digit(b byte) bool { return '0' <= b && b <= '9' }

// unquote is what a string token says.
func unquote(raw []byte, plain bool) []byte {
	if plain {
		return raw[1 : len(raw)-1]
	}
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return raw // text has checked it, so this does not happen
	}
	return []byte(text)
}

// number reads a number; whole reports that it has neither fraction nor exponent.
func (s *scanner) number() (raw []byte, whole bool, err *FieldError) {
	start := s.pos
	s.accept('-')
	if !s.accept('0') && !s.digits() {
		return nil, false, s.syntax("want a digit")
	}
	whole = true
	if s.accept('.') {
		whole = false
		if !s.digits() {
			return nil, false, s.syntax("want a digit after the point")
		}
	}
	if s.accept('e') || s.accept('E') {
		whole = false
		if !s.accept('+') {
			s.accept('-')
		}
		if !s.digits() {
			return nil, false, s.syntax("want a digit in the exponent")
		}
	}
	if s.pos < len(s.in) && digit(s.in[s.pos]) {
		return nil, false, s.syntax("a number does not begin with 0")
	}
	return s.in[start:s.pos], whole, nil
}

func (s *scanner) accept(b byte) bool {
	if s.pos < len(s.in) && s.in[s.pos] == b {
		s.pos++
		return true
	}
	return false
}

func (s *scanner) digits() bool {
	start := s.pos
	for s.pos < len(s.in) && digit(s.in[s.pos]) {
		s.pos++
	}
	return s.pos > start
}

func (s *scanner) word(word string) *FieldError {
	if len(s.in)-s.pos < len(word) || string(s.in[s.pos:s.pos+len(word)]) != word {
		return s.syntax("want a JSON value")
	}
	s.pos += len(word)
	return nil
}

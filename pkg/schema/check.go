package schema

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Check reports why data may not be sent as that event of that stream:
// ErrUnknownStream, ErrUnknownEvent, or a *FieldError, which is an ErrData.
// Fields that the definition does not know are allowed. It never panics.
func (c *Catalog) Check(stream, event string, data []byte) error {
	_, err := c.check(stream, event, data, mode{})
	return err
}

// Compact is Check, and returns the data as the log wants it: the same JSON on
// one line, without white space. Unknown fields, the order of the fields and
// every digit of the numbers are kept.
func (c *Catalog) Compact(stream, event string, data []byte) ([]byte, error) {
	return c.check(stream, event, data, mode{keep: true})
}

func (c *Catalog) check(stream, event string, data []byte, how mode) ([]byte, error) {
	s, ok := c.Stream(stream)
	if !ok {
		return nil, fmt.Errorf("%w %s: there are %s", ErrUnknownStream, strconv.Quote(excerpt([]byte(stream))), c.names())
	}
	e, ok := s.Event(event)
	if !ok {
		return nil, fmt.Errorf("%w %s of %s: there are %s", ErrUnknownEvent, strconv.Quote(excerpt([]byte(event))), stream, s.names())
	}
	sc := scanner{in: data, mode: how}
	if how.keep {
		sc.out = make([]byte, 0, len(data))
	}
	if b := sc.peek(); b != '{' {
		if err := sc.anything(); err != nil {
			return nil, err.under(e.Name)
		}
		return nil, fault("want an object, found "+found(b), "").under(e.Name)
	}
	err := sc.fields(e.Fields)
	if err == nil {
		err = sc.end()
	}
	if err != nil {
		return nil, err.under(e.Name)
	}
	return sc.out, nil
}

func (c *Catalog) names() string {
	var names []string
	for i := range c.Streams {
		names = append(names, c.Streams[i].Name)
	}
	return strings.Join(names, ", ")
}

func (s *Stream) names() string {
	var names []string
	for i := range s.Events {
		names = append(names, s.Events[i].Name)
	}
	return strings.Join(names, ", ")
}

// fields reads an object that has the given fields, and perhaps others.
func (s *scanner) fields(fields []Field) *FieldError {
	var few [64]bool
	seen := few[:]
	if len(fields) > len(few) {
		seen = make([]bool, len(fields))
	}
	err := s.object(func(key []byte) *FieldError {
		for i := range fields {
			if fields[i].JSON != string(key) {
				continue
			}
			seen[i] = true
			if err := s.typed(&fields[i].Type); err != nil {
				return err.under("." + fields[i].JSON)
			}
			return nil
		}
		err := s.anything()
		s.dropped = s.known
		return err
	})
	if err != nil {
		return err
	}
	for i := range fields {
		if !seen[i] && fields[i].Type.Kind != Optional {
			return fault("missing, want "+fields[i].Type.String(), "").under("." + fields[i].JSON)
		}
	}
	return nil
}

// empties are what Go's nil is that encoding/json writes as null.
var empties = map[Kind]string{List: "[]", Map: "{}", Bytes: `""`}

// typed reads a value of the type.
func (s *scanner) typed(t *Type) *FieldError {
	b := s.peek()
	if empty := empties[t.Kind]; b == 'n' && s.fill && empty != "" {
		s.emit([]byte(empty))
		return s.word("null")
	}
	switch t.Kind {
	case Optional:
		if b == 'n' {
			return s.anything()
		}
		return s.typed(t.Elem)
	case String, Bytes, Time, Enum:
		if b == '"' {
			return s.stringOf(t)
		}
	case Bool:
		if b == 't' || b == 'f' {
			return s.anything()
		}
	case Int, Float:
		if b == '-' || digit(b) {
			return s.numberOf(t)
		}
	case List:
		if b == '[' {
			return s.list(func(i int) *FieldError {
				if err := s.typed(t.Elem); err != nil {
					return err.under("[" + itoa(i) + "]")
				}
				return nil
			})
		}
	case Map:
		if b == '{' {
			return s.object(func([]byte) *FieldError {
				if err := s.typed(t.Elem); err != nil {
					return err.under("[*]")
				}
				return nil
			})
		}
	case Struct:
		if b == '{' {
			return s.fields(t.Named.Fields)
		}
	}
	return s.mismatch(t, b)
}

// mismatch reads the value that is not of the type, to show it, or to find that
// it is no JSON at all.
func (s *scanner) mismatch(t *Type, b byte) *FieldError {
	start := s.pos
	s.keep = false
	if err := s.anything(); err != nil {
		return err
	}
	value := ""
	if b == '"' || b == '-' || digit(b) {
		value = excerpt(s.in[start:s.pos])
	}
	return fault("want "+t.String()+", found "+found(b), value)
}

// found names a JSON value by its first byte.
func found(b byte) string {
	switch b {
	case '{':
		return "an object"
	case '[':
		return "a list"
	case '"':
		return "string"
	case 't':
		return "true"
	case 'f':
		return "false"
	case 'n':
		return "null"
	}
	return "number"
}

func (s *scanner) stringOf(t *Type) *FieldError {
	raw, plain, err := s.text()
	if err != nil {
		return err
	}
	s.emit(raw)
	switch t.Kind {
	case Bytes:
		text := unquote(raw, plain)
		// The decoder passes over line ends, which other languages' do not.
		if _, err := base64.StdEncoding.AppendDecode(nil, text); err != nil || bytes.ContainsAny(text, "\r\n") {
			return fault("want base64 with padding, found string", excerpt(raw))
		}
	case Time:
		if !moment(unquote(raw, plain)) {
			return fault("want a time such as 2026-01-31T15:04:05Z, found string", excerpt(raw))
		}
	case Enum:
		if !slices.Contains(t.Named.Values, string(unquote(raw, plain))) {
			return fault(fmt.Sprintf("want one of %q, found string", t.Named.Values), excerpt(raw))
		}
	}
	return nil
}

// moment reports whether a text is a time of RFC 3339. Package time takes a comma
// before the fraction and an offset of 24 hours besides; browsers do not.
func moment(text []byte) bool {
	return new(time.Time).UnmarshalText(text) == nil && !bytes.ContainsRune(text, ',') &&
		!bytes.Contains(text, []byte("+24:")) && !bytes.Contains(text, []byte("-24:"))
}

func (s *scanner) numberOf(t *Type) *FieldError {
	raw, whole, err := s.number()
	if err != nil {
		return err
	}
	s.emit(raw)
	if t.Kind == Float {
		if f, err := strconv.ParseFloat(string(raw), t.Bits); err != nil || math.IsInf(f, 0) {
			return fault("want "+t.String()+", found a number out of its range:", excerpt(raw))
		}
		return nil
	}
	if !whole {
		return fault("want "+t.String()+" without fraction or exponent, found number", excerpt(raw))
	}
	if !inRange(raw, t) {
		return fault("want "+t.String()+" ("+intRange(t)+"), found number", excerpt(raw))
	}
	return nil
}

// inRange reports whether an integer of any length is a value of the type. It
// counts in integers: float64 would round 2^63 into the range of int64.
func inRange(raw []byte, t *Type) bool {
	negative := raw[0] == '-'
	if negative {
		raw = raw[1:]
	}
	if len(raw) > 20 { // 2^64 has 20 digits, and no number begins with 0
		return false
	}
	var n uint64
	for _, b := range raw {
		d := uint64(b - '0')
		if n > (math.MaxUint64-d)/10 {
			return false
		}
		n = 10*n + d
	}
	if t.Unsigned {
		return !negative && n <= ^uint64(0)>>(64-t.Bits)
	}
	most := ^uint64(0) >> (65 - t.Bits)
	if negative {
		return n <= most+1
	}
	return n <= most
}

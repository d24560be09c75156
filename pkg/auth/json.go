package auth

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"unicode/utf8"
)

// Bounds of the JSON in a token. The bytes are bounded already; these bound the
// work that they can cause before their signature is checked.
const (
	maxDepth   = 16
	maxMembers = 128
)

var (
	errNotObject  = errors.New("not a JSON object")
	errDuplicate  = errors.New("a member stands twice")
	errDeep       = errors.New("nested too deep")
	errNumerous   = errors.New("an object has too many members")
	errNotUnicode = errors.New("not UTF-8")
)

// member is a member of a JSON object; its value is as it was written.
type member struct {
	name  string
	value []byte
}

// object reads one JSON object and nothing behind it. Of what encoding/json lets
// pass it refuses names that stand twice, at any depth, since another reader may
// take the other value; and it keeps names apart that differ in case.
func object(data []byte) ([]member, error) {
	switch {
	case !utf8.Valid(data):
		return nil, errNotUnicode
	case !json.Valid(data):
		return nil, errNotObject
	}
	w := walker{data: data}
	w.space()
	if w.data[w.at] != '{' {
		return nil, errNotObject
	}
	return w.object(1)
}

// walker goes over JSON that is known to be valid, so it looks at no more than
// tells one part from the next.
type walker struct {
	data []byte
	at   int
}

func (w *walker) object(depth int) ([]member, error) {
	if depth > maxDepth {
		return nil, errDeep
	}
	members := make([]member, 0, 8)
	w.at++ // {
	for w.next('}') {
		name, err := text(w.str())
		if err != nil {
			return nil, err
		}
		for _, m := range members {
			if m.name == name {
				return nil, errDuplicate
			}
		}
		if len(members) == maxMembers {
			return nil, errNumerous
		}
		w.space()
		w.at++ // :
		value, err := w.value(depth)
		if err != nil {
			return nil, err
		}
		members = append(members, member{name, value})
	}
	return members, nil
}

func (w *walker) array(depth int) error {
	if depth > maxDepth {
		return errDeep
	}
	w.at++ // [
	for w.next(']') {
		if _, err := w.value(depth); err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) value(depth int) ([]byte, error) {
	w.space()
	from := w.at
	var err error
	switch w.data[w.at] {
	case '{':
		_, err = w.object(depth + 1)
	case '[':
		err = w.array(depth + 1)
	case '"':
		w.str()
	default: // a number, true, false or null
		for w.at < len(w.data) && !strings.ContainsRune(",]} \t\r\n", rune(w.data[w.at])) {
			w.at++
		}
	}
	return w.data[from:w.at], err
}

// next goes to the next member or element; false when it has gone past the end.
func (w *walker) next(end byte) bool {
	w.space()
	if w.data[w.at] == ',' {
		w.at++
		w.space()
	}
	if w.data[w.at] == end {
		w.at++
		return false
	}
	return true
}

func (w *walker) str() []byte {
	from := w.at
	for w.at++; w.data[w.at] != '"'; w.at++ {
		if w.data[w.at] == '\\' {
			w.at++
		}
	}
	w.at++
	return w.data[from:w.at]
}

func (w *walker) space() {
	for w.at < len(w.data) && strings.ContainsRune(" \t\r\n", rune(w.data[w.at])) {
		w.at++
	}
}

var errNotString = errors.New("not a string")

// text is what a JSON string holds.
func text(raw []byte) (string, error) {
	if len(raw) < 2 || raw[0] != '"' {
		return "", errNotString
	}
	if !bytes.ContainsRune(raw, '\\') {
		return string(raw[1 : len(raw)-1]), nil
	}
	var s string
	err := json.Unmarshal(raw, &s)
	return s, err
}

var errNotTexts = errors.New("not a list of strings")

// texts is what a JSON list of strings holds. null is no list.
func texts(raw []byte) ([]string, error) {
	if len(raw) == 0 || raw[0] != '[' {
		return nil, errNotTexts
	}
	list := make([]string, 0, 4)
	w := walker{data: raw, at: 1}
	for w.next(']') {
		item, err := w.value(1)
		if err != nil {
			return nil, err
		}
		s, err := text(item)
		if err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, nil
}

// Package channel is the name of a channel: a value that cannot be wrong.
//
// A channel is one instance of a stream, "CommentStream:item:42": the stream's
// type, then the key that the stream's template ("item:{item_id}") gives it.
// The package knows names and templates; it does not know which streams exist
// (package schema) nor who may read them (package auth).
package channel

import (
	"errors"
	"fmt"
	"strings"
)

// Bounds of a name, in bytes. A name is a DynamoDB key, a part of a URL and an
// attribute of log lines, so it is short and plain everywhere.
const (
	MaxStream = 64
	MaxKey    = 128
)

// ErrInvalid is in every error of this package.
var ErrInvalid = errors.New("invalid channel")

// Name names one channel. Only Parse and New make one, so a Name in hand is
// well formed; the zero Name is no channel. Names compare with ==.
type Name struct {
	name  string
	colon int // where the stream ends
}

// Parse reads "Stream:key".
func Parse(name string) (Name, error) {
	stream, key, found := strings.Cut(name, ":")
	if !found {
		return Name{}, fmt.Errorf("%w %s: want Stream:key, such as CommentStream:item:42", ErrInvalid, quote(name))
	}
	return New(stream, key)
}

// New joins a stream's type and a key.
func New(stream, key string) (Name, error) {
	if err := checkStream(stream); err != nil {
		return Name{}, err
	}
	if err := checkKey(key); err != nil {
		return Name{}, err
	}
	return Name{name: stream + ":" + key, colon: len(stream)}, nil
}

// MustParse is Parse for names that stand in code; it panics on a wrong one.
func MustParse(name string) Name {
	n, err := Parse(name)
	if err != nil {
		panic(err)
	}
	return n
}

// Stream is the stream's type, "CommentStream".
func (n Name) Stream() string { return n.name[:n.colon] }

// Key is what follows the stream, "item:42".
func (n Name) Key() string {
	if n.name == "" {
		return ""
	}
	return n.name[n.colon+1:]
}

// String is the whole name.
func (n Name) String() string { return n.name }

// IsZero reports whether n names no channel.
func (n Name) IsZero() bool { return n.name == "" }

func checkStream(s string) error {
	switch {
	case s == "":
		return fmt.Errorf("%w: the stream is empty", ErrInvalid)
	case len(s) > MaxStream:
		return fmt.Errorf("%w: the stream has %d bytes, at most %d are allowed", ErrInvalid, len(s), MaxStream)
	case !letter(rune(s[0])):
		return fmt.Errorf("%w: stream %s must begin with a letter", ErrInvalid, quote(s))
	}
	for _, r := range s {
		if !letter(r) && !digit(r) {
			return fmt.Errorf("%w: stream %s: %q is not allowed, only letters and digits are", ErrInvalid, quote(s), r)
		}
	}
	return nil
}

func checkKey(s string) error {
	switch {
	case s == "":
		return fmt.Errorf("%w: the key is empty", ErrInvalid)
	case len(s) > MaxKey:
		return fmt.Errorf("%w: the key has %d bytes, at most %d are allowed", ErrInvalid, len(s), MaxKey)
	}
	for _, r := range s {
		if r != ':' && !inKey(r) {
			return fmt.Errorf("%w: key %s: %q is not allowed, only letters, digits and %s are, with : between parts",
				ErrInvalid, quote(s), r, keyMarks)
		}
	}
	if s[0] == ':' || s[len(s)-1] == ':' || strings.Contains(s, "::") {
		return fmt.Errorf("%w: key %s has an empty part", ErrInvalid, quote(s))
	}
	return nil
}

func letter(r rune) bool { return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' }
func digit(r rune) bool  { return '0' <= r && r <= '9' }

// keyMarks may stand in a part of a key, beside letters and digits.
const keyMarks = "-._~@+=|"

// inKey reports whether r may stand in a part of a key. What ids are made of
// in practice (UUIDs, ULIDs, numbers, e-mail addresses, base64url, auth0|7) is
// allowed; white space, controls and what means something in a URL, a pattern,
// a template or a table key is not.
func inKey(r rune) bool { return letter(r) || digit(r) || strings.ContainsRune(keyMarks, r) }

// quote shows what came from outside, safe for a log line and never long.
func quote(s string) string {
	const most = 40
	if len(s) > most {
		return fmt.Sprintf("%q…", s[:most])
	}
	return fmt.Sprintf("%q", s)
}

package channel

import (
	"errors"
	"fmt"
	"strings"
)

// Pattern stands for channels of one stream: "CommentStream:item:*". In place of
// a part of the key, * is exactly one part whatever it holds, and ** as the last
// part is one or more. A pattern without either is one channel.
//
// The stream is never a wildcard: what a token allows is said stream by stream,
// so that a stream that is added later is in no token that was made before it.
// Only ParsePattern makes a Pattern; the zero one matches nothing. Patterns
// compare with ==.
type Pattern struct{ text string }

const (
	onePart = "*"
	allRest = "**"
)

// ParsePattern reads "Stream:part:*".
func ParsePattern(s string) (Pattern, error) {
	stream, key, found := strings.Cut(s, ":")
	if !found {
		return Pattern{}, fmt.Errorf("%w pattern %s: want Stream:key, such as CommentStream:item:*", ErrInvalid, quote(s))
	}
	if strings.Contains(stream, "*") {
		return Pattern{}, fmt.Errorf("%w pattern %s: the stream may not be a wildcard, only parts of the key may", ErrInvalid, quote(s))
	}
	if err := checkStream(stream); err != nil {
		return Pattern{}, err
	}
	if len(key) > MaxKey {
		return Pattern{}, fmt.Errorf("%w pattern: the key has %d bytes, at most %d are allowed", ErrInvalid, len(key), MaxKey)
	}
	for rest, more := key, true; more; {
		var text string
		text, rest, more = strings.Cut(rest, ":")
		if err := checkPatternPart(text, !more); err != nil {
			return Pattern{}, fmt.Errorf("%w pattern %s: %w", ErrInvalid, quote(s), err)
		}
	}
	return Pattern{text: s}, nil
}

func checkPatternPart(text string, last bool) error {
	switch {
	case text == "":
		return errors.New("a part is empty")
	case text == onePart, text == allRest && last:
		return nil
	case text == allRest:
		return errors.New("** must be the last part")
	case strings.Contains(text, "*"):
		return fmt.Errorf("part %s: a wildcard is a whole part, * or a last **", quote(text))
	}
	for _, r := range text {
		if !inKey(r) {
			return fmt.Errorf("part %s: %q is not allowed, only letters, digits and %s are", quote(text), r, keyMarks)
		}
	}
	return nil
}

// String is the pattern as it was written.
func (p Pattern) String() string { return p.text }

// Match reports whether the pattern stands for the channel.
func (p Pattern) Match(n Name) bool {
	if p.text == "" || n.name == "" {
		return false
	}
	pattern, name := p.text, n.name
	for {
		want, restOfPattern, morePattern := strings.Cut(pattern, ":")
		got, restOfName, moreName := strings.Cut(name, ":")
		switch {
		case want == allRest: // the last part, as ParsePattern saw to
			return true
		case want != onePart && want != got, morePattern != moreName:
			return false
		case !moreName:
			return true
		}
		pattern, name = restOfPattern, restOfName
	}
}

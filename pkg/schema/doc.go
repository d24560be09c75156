package schema

import (
	"strings"
	"unicode"
)

// DocLines are the lines of a doc comment for other files, without what shows
// nothing there or hides what it says: control characters, and marks that turn
// the direction of writing.
func DocLines(doc string) []string {
	doc = strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case r == '\u2028' || r == '\u2029' || r == '\u0085':
			return '\n'
		case r == '\t':
			return ' '
		case unicode.IsControl(r) || '\u202a' <= r && r <= '\u202e' || '\u2066' <= r && r <= '\u2069' || r == '\u200e' || r == '\u200f':
			return -1
		}
		return r
	}, strings.ToValidUTF8(doc, "\ufffd"))
	doc = strings.Trim(doc, "\n ")
	if doc == "" {
		return nil
	}
	lines := strings.Split(doc, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return lines
}

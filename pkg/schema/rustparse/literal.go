package rustparse

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// string reads a string literal, if one stands here: "…", r#"…"#, and those of
// bytes (b, br) and of C (c, cr).
func (l *lexer) string() bool {
	rest := l.rest()
	prefix := 0
	for prefix < len(rest) && prefix < 2 && strings.IndexByte("rbc", rest[prefix]) >= 0 {
		prefix++
	}
	switch letters := rest[:prefix]; letters {
	case "", "b", "c":
		if strings.HasPrefix(rest[prefix:], `"`) {
			l.escaped(prefix, letters == "")
			return true
		}
		if letters == "b" && strings.HasPrefix(rest[prefix:], "'") {
			l.skip(1)
			l.quote()
			return true
		}
	case "r", "br", "cr":
		hashes := prefix
		for hashes < len(rest) && rest[hashes] == '#' {
			hashes++
		}
		if strings.HasPrefix(rest[hashes:], `"`) {
			l.rawString(prefix, hashes-prefix, letters == "r")
			return true
		}
	}
	return false
}

func (l *lexer) rawString(prefix, hashes int, isText bool) {
	rest := l.rest()
	start := prefix + hashes + 1
	closing := `"` + strings.Repeat("#", hashes)
	length := strings.Index(rest[start:], closing)
	if length < 0 {
		l.fail(l.at(), "close it with "+clip(closing), "a string that does not end")
		return
	}
	k := literal
	if isText {
		k = text
	}
	l.emit(k, strings.ReplaceAll(rest[start:start+length], "\r\n", "\n"), start+length+len(closing))
}

// escaped reads a string with escapes; its quote stands after prefix bytes.
func (l *lexer) escaped(prefix int, isText bool) {
	rest := l.rest()
	size := prefix + 1
	for size < len(rest) && rest[size] != '"' {
		if rest[size] == '\\' {
			size++
		}
		size++
	}
	if size >= len(rest) {
		l.fail(l.at(), `close it with "`, "a string that does not end")
		return
	}
	if !isText {
		l.emit(literal, "", size+1)
		return
	}
	said, ok := unescape(rest[prefix+1 : size])
	if !ok {
		l.fail(l.at(), `write an escape that Rust has, such as \n, \" or \u{e9}`, "a string has an escape that is none")
		return
	}
	l.emit(text, said, size+1)
}

var escapes = map[byte]string{'n': "\n", 'r': "\r", 't': "\t", '\\': "\\", '0': "\x00", '\'': "'", '"': `"`}

func unescape(s string) (string, bool) {
	var b strings.Builder
	for {
		plain, rest, found := strings.Cut(s, `\`)
		b.WriteString(strings.ReplaceAll(plain, "\r\n", "\n"))
		if !found {
			return b.String(), true
		}
		if rest == "" {
			return "", false
		}
		if said, ok := escapes[rest[0]]; ok {
			b.WriteString(said)
			s = rest[1:]
			continue
		}
		switch rest[0] {
		case '\n', '\r': // the line goes on in the next one
			s = strings.TrimLeft(rest, " \t\r\n")
		case 'x':
			n, ok := number(rest[1:min(3, len(rest))], 0x7f)
			if !ok || len(rest) < 3 {
				return "", false
			}
			b.WriteRune(n)
			s = rest[3:]
		case 'u':
			digits, after, ok := strings.Cut(strings.TrimPrefix(rest[1:], "{"), "}")
			n, good := number(strings.ReplaceAll(digits, "_", ""), utf8.MaxRune)
			if !ok || !good || rest[1] != '{' || !utf8.ValidRune(n) {
				return "", false
			}
			b.WriteRune(n)
			s = after
		default:
			return "", false
		}
	}
}

func number(digits string, most rune) (rune, bool) {
	n, err := strconv.ParseUint(digits, 16, 32)
	return rune(min(n, utf8.MaxRune)), err == nil && n <= uint64(most)
}

// quote reads a character, or a lifetime.
func (l *lexer) quote() {
	rest := l.rest()
	r, size := utf8.DecodeRuneInString(rest[1:])
	switch {
	case r == '\\':
		if length := strings.IndexByte(rest[min(3, len(rest)):], '\''); length >= 0 && !strings.Contains(rest[:3+length], "\n") {
			l.emit(literal, "", 3+length+1)
			return
		}
	case size > 0 && r != '\'' && strings.HasPrefix(rest[1+size:], "'"):
		l.emit(literal, "", size+2)
		return
	case nameStart(r):
		size := nameLength(rest[1:])
		l.emit(lifetime, rest[1:1+size], 1+size)
		return
	}
	l.fail(l.at(), "write a character such as 'a'", "a quote that begins nothing")
}

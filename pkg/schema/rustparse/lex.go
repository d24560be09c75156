package rustparse

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/runnel-sse/runnel/pkg/schema"
)

// kind is the form of a token.
type kind uint8

const (
	end      kind = iota
	ident         // also a keyword, see token.raw
	lifetime      // 'a
	text          // a string literal; token.text is what it says
	literal       // any other literal
	outerDoc      // "/// …": of the item that follows
	innerDoc      // "//! …": of what it stands in
	mark          // one character, or one of :: -> =>
)

// token is a piece of the source that is neither white space nor a comment.
type token struct {
	kind kind
	text string
	raw  bool // r#type: a name, whatever it spells
	at   schema.Pos
	// mate is the index of the token that closes this one, or opens it.
	mate int
}

// comment is an ordinary line comment.
type comment struct {
	at        schema.Pos
	text      string // without its slashes
	directive bool
}

// lexer takes the source apart. A fault in it ends the reading, since what
// follows would be understood wrongly.
type lexer struct {
	name       string
	src        string
	pos        int
	line       int
	lineStart  int
	problems   *schema.Problems
	failed     bool
	tokens     []token
	comments   []comment
	directives []schema.Directive
}

func (l *lexer) at() schema.Pos {
	return schema.Pos{File: l.name, Line: l.line, Col: l.pos - l.lineStart + 1}
}

func (l *lexer) fail(at schema.Pos, write, what string, args ...any) {
	l.problems.Add(at, write, what, args...)
	l.failed = true
}

// rest is the source from here on, empty at its end.
func (l *lexer) rest() string { return l.src[l.pos:] }

// skip moves on by n bytes and counts the lines.
func (l *lexer) skip(n int) {
	for _, b := range []byte(l.src[l.pos : l.pos+n]) {
		l.pos++
		if b == '\n' {
			l.line++
			l.lineStart = l.pos
		}
	}
}

// run reads the whole source, and reports whether it could.
func (l *lexer) run() bool {
	l.line = 1
	if bad := strings.ToValidUTF8(l.src, "\xff"); !utf8.ValidString(l.src) {
		l.skip(min(strings.IndexByte(bad, '\xff'), len(l.src)))
		l.fail(l.at(), "save the file as UTF-8", "a byte that is no UTF-8")
		return false
	}
	l.src = strings.TrimPrefix(l.src, "\uFEFF")
	if after, ok := strings.CutPrefix(l.src, "#!"); ok && !strings.HasPrefix(strings.TrimLeft(after, " \t\r\n"), "[") {
		l.skip(lineLength(l.src)) // a shebang
	}
	for !l.failed && l.pos < len(l.src) {
		l.next()
	}
	l.tokens = append(l.tokens, token{kind: end, at: l.at()})
	return !l.failed && l.pair()
}

func lineLength(s string) int {
	if i := strings.IndexByte(s, '\n'); i >= 0 {
		return i
	}
	return len(s)
}

func (l *lexer) next() {
	rest := l.rest()
	r, size := utf8.DecodeRuneInString(rest)
	switch {
	case unicode.Is(unicode.Pattern_White_Space, r):
		l.skip(size)
	case strings.HasPrefix(rest, "//"):
		l.lineComment()
	case strings.HasPrefix(rest, "/*"):
		l.blockComment()
	case l.string():
	case nameStart(r):
		l.word()
	case r == '\'':
		l.quote()
	case '0' <= r && r <= '9':
		l.number()
	default:
		l.mark(r, size)
	}
}

func (l *lexer) emit(k kind, text string, size int) {
	l.tokens = append(l.tokens, token{kind: k, text: text, at: l.at()})
	l.skip(size)
}

// lineComment reads "// …", which may be a directive or a doc comment.
func (l *lexer) lineComment() {
	size := lineLength(l.rest())
	line := strings.TrimSuffix(l.rest()[:size], "\r")
	d, isDirective := schema.ParseDirective(l.at(), line, l.problems)
	if isDirective {
		l.directives = append(l.directives, d)
	}
	switch {
	case strings.HasPrefix(line, "///") && !strings.HasPrefix(line, "////"):
		l.emit(outerDoc, line[3:], size)
		return
	case strings.HasPrefix(line, "//!"):
		l.emit(innerDoc, line[3:], size)
		return
	}
	l.comments = append(l.comments, comment{at: l.at(), text: line[2:], directive: isDirective})
	l.skip(size)
}

// blockComment reads "/* … */", in which others may stand.
func (l *lexer) blockComment() {
	rest, depth, size := l.rest(), 0, 0
	for {
		switch {
		case size >= len(rest):
			l.fail(l.at(), "close it with */", "a comment that does not end")
			return
		case strings.HasPrefix(rest[size:], "/*"):
			depth++
			size += 2
		case strings.HasPrefix(rest[size:], "*/"):
			depth--
			size += 2
		default:
			size++
		}
		if depth == 0 {
			break
		}
	}
	body := rest[:size]
	switch {
	case strings.HasPrefix(body, "/**") && !strings.HasPrefix(body, "/***") && len(body) > len("/**/"):
		l.emit(outerDoc, starless(body[3:size-2]), size)
	case strings.HasPrefix(body, "/*!"):
		l.emit(innerDoc, starless(body[3:size-2]), size)
	default:
		l.skip(size)
	}
}

// starless is the text of a doc comment without the column of stars that its
// lines may begin with.
func starless(s string) string {
	lines := strings.Split(strings.ReplaceAll(s, "\r\n", "\n"), "\n")
	for i := range lines[1:] {
		line := strings.TrimLeft(lines[i+1], " \t")
		if starred, ok := strings.CutPrefix(line, "*"); ok {
			line = starred
		}
		lines[i+1] = line
	}
	return strings.Join(lines, "\n")
}

func nameStart(r rune) bool { return r == '_' || unicode.IsLetter(r) }
func namePart(r rune) bool {
	return nameStart(r) || unicode.IsDigit(r) || unicode.Is(unicode.Mn, r)
}

func nameLength(s string) int {
	for i, r := range s {
		if !namePart(r) {
			return i
		}
	}
	return len(s)
}

// word reads a name; r#type is the name type.
func (l *lexer) word() {
	rest := l.rest()
	if after, ok := strings.CutPrefix(rest, "r#"); ok {
		if r, _ := utf8.DecodeRuneInString(after); nameStart(r) {
			size := nameLength(after)
			if name := after[:size]; name == "self" || name == "Self" || name == "super" || name == "crate" || name == "_" {
				l.fail(l.at(), "write another name", "%s cannot be a raw name", clip(name))
				return
			}
			l.emit(ident, after[:size], size+2)
			l.tokens[len(l.tokens)-1].raw = true
			return
		}
	}
	size := nameLength(rest)
	l.emit(ident, rest[:size], size)
}

// number reads a number, of which nothing but its length matters here.
func (l *lexer) number() {
	rest := l.rest()
	size := nameLength(rest)
	if size+1 < len(rest) && rest[size] == '.' && '0' <= rest[size+1] && rest[size+1] <= '9' {
		size++
		size += nameLength(rest[size:])
	}
	l.emit(literal, rest[:size], size)
}

func (l *lexer) mark(r rune, size int) {
	for _, two := range []string{"::", "->", "=>"} {
		if strings.HasPrefix(l.rest(), two) {
			l.emit(mark, two, len(two))
			return
		}
	}
	if !strings.ContainsRune("{}()[]<>,;:=#!?&|+-*/%^.@$~", r) {
		l.fail(l.at(), "delete it", "%q is no part of Rust", r)
		return
	}
	l.emit(mark, l.rest()[:size], size)
}

// pair finds the mate of each bracket.
func (l *lexer) pair() bool {
	closing := map[string]string{"{": "}", "(": ")", "[": "]"}
	var open []int
	for i := range l.tokens {
		t := &l.tokens[i]
		if t.kind != mark {
			continue
		}
		switch t.text {
		case "{", "(", "[":
			open = append(open, i)
		case "}", ")", "]":
			if len(open) == 0 {
				l.fail(t.at, "delete it", "%s closes nothing", t.text)
				return false
			}
			first := open[len(open)-1]
			if want := closing[l.tokens[first].text]; want != t.text {
				l.fail(t.at, "write "+want, "%s closes the %s of line %d", t.text, l.tokens[first].text, l.tokens[first].at.Line)
				return false
			}
			t.mate, l.tokens[first].mate = first, i
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 {
		t := l.tokens[open[len(open)-1]]
		l.fail(t.at, "write "+closing[t.text], "%s is never closed", t.text)
		return false
	}
	return true
}

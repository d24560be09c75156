package rustparse

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/runnel-sse/runnel/pkg/schema"
)

// form is what a declaration declares.
type form uint8

const (
	structForm form = iota + 1
	enumForm
	aliasForm
)

// decl is a type that the file declares.
type decl struct {
	form    form
	name    string
	at      schema.Pos
	doc     doc
	public  bool
	generic bool
	serde   serde
	fields  []member // of a struct; of an enum its values
	alias   typ
	refused *fault // why it is no part of a definition, if it is used in one
	used    bool   // as the type of another's field
	reached bool   // from a type that is no part of another
	reading bool   // to find a type that contains itself
}

// member is a field of a struct, or a value of an enum.
type member struct {
	name   string
	at     schema.Pos
	doc    doc
	public bool
	serde  serde
	typ    typ
}

// fault is one that counts only where the type is used.
type fault struct {
	at          schema.Pos
	what, write string
}

// parser makes declarations of tokens. After a fault of syntax it goes on with
// the next item.
type parser struct {
	tokens   []token
	pos      int
	problems *schema.Problems
	broken   bool              // the syntax has a fault
	begun    bool              // the first item is read
	doc      doc               // of the file
	uses     map[string]string // local name → path
	globs    []string          // paths whose names are all here
	decls    map[string]*decl
	order    []*decl
}

func (p *parser) peek() token { return p.tokens[p.pos] }

func (p *parser) take() token {
	t := p.tokens[p.pos]
	if t.kind != end {
		p.pos++
	}
	return t
}

func (t token) is(text string) bool {
	return (t.kind == mark || t.kind == ident && !t.raw) && t.text == text
}

func (p *parser) accept(text string) bool {
	if p.peek().is(text) {
		p.pos++
		return true
	}
	return false
}

func (p *parser) want(text string) bool {
	return p.accept(text) || p.unexpected(text)
}

func (p *parser) unexpected(want string) bool {
	p.broken = true
	p.add(p.peek().at, "write Rust that rustc accepts", "expected %s, found %s", want, p.peek())
	return false
}

func (p *parser) add(at schema.Pos, write, what string, args ...any) {
	p.problems.Add(at, write, what, args...)
}

func (t token) String() string {
	switch t.kind {
	case end:
		return "the end of the file"
	case text, literal:
		return "a literal"
	case outerDoc, innerDoc:
		return "a doc comment"
	case lifetime:
		return "'" + clip(t.text)
	}
	return clip(t.text)
}

// name takes a name that is no keyword.
func (p *parser) name(what string) (token, bool) {
	t := p.peek()
	if t.kind != ident || !t.raw && keyword(t.text) {
		return t, p.unexpected(what)
	}
	return p.take(), true
}

func keyword(s string) bool {
	return slices.Contains(strings.Fields(`_ Self abstract as async await become box break const continue crate do dyn else enum
		extern false final fn for if impl in let loop macro match mod move mut override priv pub ref return self static struct
		super trait true try type typeof unsafe unsized use virtual where while yield`), s)
}

// skip passes over tokens to the end of an item: a semicolon, or braces.
func (p *parser) skip() {
	for {
		switch t := p.peek(); {
		case t.kind == end:
			return
		case t.is("{"):
			p.pos = t.mate + 1
			return
		case t.is(";"):
			p.pos++
			return
		case t.is("(") || t.is("["):
			p.pos = t.mate + 1
		default:
			p.pos++
		}
	}
}

// file reads the items to the end.
func (p *parser) file() {
	for p.peek().kind != end {
		start := p.pos
		if !p.item() {
			p.pos = max(p.pos, start+1)
			p.resync(start)
		}
	}
}

// resync goes on behind the item that begins at the token start.
func (p *parser) resync(start int) {
	p.pos = start
	for p.pos = start; p.peek().is("#"); {
		p.pos++
		p.accept("!")
		if p.peek().is("[") {
			p.pos = p.peek().mate + 1
		}
	}
	before := p.pos
	p.skip()
	p.pos = max(p.pos, before+1)
	p.pos = min(p.pos, len(p.tokens)-1)
}

func (p *parser) places() map[string]schema.Pos {
	m := map[string]schema.Pos{}
	for name, d := range p.decls {
		m[name] = d.at
	}
	return m
}

// clip is what of a name is shown.
func clip(s string) string {
	const most = 40
	if len(s) <= most {
		return s
	}
	cut := most
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}

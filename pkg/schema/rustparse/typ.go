package rustparse

import "github.com/runnel-sse/runnel/pkg/schema"

// typ is a type as it is written.
type typ struct {
	at      schema.Pos
	path    []string // std, collections, HashMap
	args    []typ
	refused *fault // a form of type that no JSON has
}

// typ reads a type.
func (p *parser) typ(depth int) (typ, bool) {
	t := p.peek()
	if depth > maxDepth {
		p.broken = true
		p.add(t.at, "make it flatter", "a type is nested more than %d deep", maxDepth)
		return typ{}, false
	}
	refuse := func(what, write string) typ { return typ{at: t.at, refused: &fault{t.at, what, write}} }
	switch {
	case t.is("("):
		return p.parenthesis(depth, refuse("a tuple", "write a struct with names"))
	case t.is("["):
		p.pos = t.mate + 1
		return refuse("an array of a fixed length, or a slice", "write a list, such as Vec<String>"), true
	case t.is("&"), t.is("*"):
		p.pos++
		for p.peek().kind == lifetime || p.peek().is("mut") || p.peek().is("const") {
			p.pos++
		}
		_, ok := p.typ(depth + 1)
		return refuse("a reference", "write the type itself, and String for &str"), ok
	case t.is("!"):
		p.pos++
		return refuse("a type without values", "write a type that JSON has"), true
	case t.is("dyn"), t.is("impl"), t.is("fn"), t.is("unsafe"), t.is("extern"), t.is("for"):
		p.passType()
		return refuse("a type that JSON does not have", write), true
	case t.is("<"):
		p.generics()
		for p.accept("::") {
			p.pos++
		}
		return refuse("a type that only a compiler finds", "write the type itself"), true
	}
	return p.path(depth)
}

const write = "write a type that JSON has: String, bool, a number, Vec, HashMap, a struct or chrono::DateTime<Utc>"

func (p *parser) parenthesis(depth int, tuple typ) (typ, bool) {
	mate := p.take().mate
	if p.pos != mate {
		inner, ok := p.typ(depth + 1)
		if !ok {
			return typ{}, false
		}
		if p.pos == mate {
			p.pos++
			return inner, true
		}
	}
	p.pos = mate + 1
	return tuple, true
}

// passType passes over a type to what follows it.
func (p *parser) passType() {
	for depth := 0; ; {
		switch t := p.peek(); {
		case t.kind == end, t.is("}"), t.is(")"), t.is("]"), t.is("{"), t.is(";"), t.is(",") && depth == 0, t.is("=") && depth == 0:
			return
		case t.is("<"):
			depth++
			p.pos++
		case t.is(">"):
			if depth--; depth < 0 {
				return
			}
			p.pos++
		case t.is("("), t.is("["):
			p.pos = t.mate + 1
		default:
			p.pos++
		}
	}
}

// path reads a::b<c>.
func (p *parser) path(depth int) (typ, bool) {
	t := typ{at: p.peek().at}
	p.accept("::")
	for {
		seg := p.peek()
		if seg.kind != ident || !seg.raw && keyword(seg.text) && !seg.is("crate") && !seg.is("self") && !seg.is("super") && !seg.is("Self") {
			return t, p.unexpected("a type")
		}
		p.pos++
		t.path = append(t.path, seg.text)
		more := p.accept("::")
		if p.peek().is("<") {
			if !p.arguments(depth, &t) {
				return t, false
			}
			if more = p.accept("::"); more {
				t.refused = &fault{t.at, "a type that only a compiler finds", "write the type itself"}
			}
		}
		if !more {
			break
		}
	}
	if next := p.peek(); next.is("!") {
		p.pos++
		t.refused = &fault{t.at, "a macro in the place of a type", "write the type itself"}
		if group := p.peek(); group.is("(") || group.is("[") || group.is("{") {
			p.pos = group.mate + 1
		}
	}
	return t, true
}

// arguments reads <A, B>.
func (p *parser) arguments(depth int, t *typ) bool {
	p.pos++
	for !p.accept(">") {
		switch arg := p.peek(); {
		case arg.kind == lifetime, arg.kind == literal, arg.kind == text, arg.is("{"), arg.is("-"):
			t.refused = &fault{t.at, "a type with a lifetime or a number as its argument", "write a type without"}
			p.pos++
			if arg.is("{") {
				p.pos = arg.mate + 1
			}
		default:
			inner, ok := p.typ(depth + 1)
			if !ok {
				return false
			}
			if p.accept("=") { // Item = T, of a trait
				t.refused = &fault{t.at, "a type that only a compiler finds", "write the type itself"}
				if _, ok = p.typ(depth + 1); !ok {
					return false
				}
			}
			t.args = append(t.args, inner)
		}
		if !p.peek().is(">") && !p.want(",") {
			return false
		}
	}
	return true
}

package rustparse

// item reads one item, and reports false after a fault of syntax.
func (p *parser) item() bool {
	if t := p.peek(); t.kind == innerDoc && !p.begun {
		p.doc.add(p.take().text)
		return true
	}
	if p.accept(";") {
		return true
	}
	at := p.peek().at
	a, ok := p.attributes()
	if !ok {
		return false
	}
	if a.inner {
		return !p.begun || p.unexpected("an item: #![…] stands at the top of the file")
	}
	p.begun = true
	public, ok := p.visibility()
	if !ok {
		return false
	}
	switch t := p.peek(); {
	case a.test:
		return p.passOver()
	case t.is("struct"), t.is("enum"), t.is("type"):
		return p.decl(a, public)
	case t.is("use"):
		p.pos++
		return p.useTree("", 0) && p.want(";")
	case t.is("mod"):
		return p.mod()
	case t.is("impl"), t.is("unsafe") && p.tokens[p.pos+1].is("impl"):
		p.impl()
	case t.is("const"), t.is("static"), t.is("fn"), t.is("trait"), t.is("async"), t.is("unsafe"), t.is("extern"):
		return p.passOver()
	case t.is("union") && p.tokens[p.pos+1].kind == ident:
		p.add(t.at, "write a struct", "a union, which JSON is not")
		p.skip()
	case t.kind == ident || t.is("::"):
		return p.macro()
	default:
		if a.any {
			p.broken = true
			p.add(at, "delete it, or write the struct that it is of", "an attribute or a doc comment of nothing")
			return false
		}
		return p.unexpected("an item")
	}
	return true
}

// passOver passes over an item that says nothing of an event.
func (p *parser) passOver() bool {
	isConst := p.peek().is("const") || p.peek().is("static")
	for isConst { // a value may be a block: its end is the semicolon
		switch t := p.peek(); {
		case t.kind == end:
			return p.unexpected(";")
		case t.is("fn"):
			isConst = false
		case t.is(";"):
			p.pos++
			return true
		case t.is("{"), t.is("("), t.is("["):
			p.pos = t.mate + 1
		default:
			p.pos++
		}
	}
	p.skip()
	return true
}

// macro is a call, or a definition, that could declare anything.
func (p *parser) macro() bool {
	at, start := p.peek().at, p.pos
	for p.accept("::") || p.peek().kind == ident {
		if p.peek().kind == ident {
			p.pos++
		}
	}
	if !p.accept("!") {
		p.pos = start
		return p.unexpected("an item")
	}
	p.add(at, "write out what it makes", "a macro: what it declares cannot be seen here")
	if p.peek().kind == ident {
		p.pos++ // macro_rules! name
	}
	switch t := p.peek(); {
	case t.is("{"):
		p.pos = t.mate + 1
		return true
	case t.is("("), t.is("["):
		p.pos = t.mate + 1
		return p.want(";")
	}
	return p.unexpected("{")
}

// mod reads "mod name;", which is of another file, or refuses one that is here.
func (p *parser) mod() bool {
	p.pos++
	name, ok := p.name("the name of a module")
	if !ok || p.accept(";") {
		return ok
	}
	t := p.peek()
	if !p.want("{") {
		return false
	}
	p.add(name.at, "write its items at the top of the file, or #[cfg(test)] above it", "module %s stands in the file, and events stand at its top", clip(name.text))
	p.pos = t.mate + 1
	return true
}

// impl passes over methods; one that says how the type is written is refused.
func (p *parser) impl() {
	p.accept("unsafe")
	at := p.take().at
	if p.peek().is("<") {
		p.generics()
	}
	last := ""
	for t := p.peek(); t.kind == ident && !t.is("for") && !t.is("where") || t.is("::"); t = p.peek() {
		if t.kind == ident {
			last = t.text
		}
		p.pos++
	}
	if last == "Serialize" || last == "Deserialize" {
		p.add(at, "derive it, and say with serde's attributes what differs", "%s written by hand: what it writes cannot be seen here", last)
	}
	p.skip()
}

// generics passes over <…>.
func (p *parser) generics() {
	for depth := 0; p.peek().kind != end; {
		t := p.take()
		switch {
		case t.is("<"):
			depth++
		case t.is(">"):
			depth--
		case t.is("{"), t.is("("), t.is("["):
			p.pos = t.mate + 1
		case t.is("}"), t.is(")"), t.is("]"), t.is(";"):
			p.pos--
			return
		}
		if depth == 0 {
			return
		}
	}
}

// visibility reads pub. "pub(crate)" would be neither an event nor private.
func (p *parser) visibility() (public, ok bool) {
	if !p.accept("pub") {
		return false, true
	}
	if t := p.peek(); t.is("(") {
		inside := p.tokens[p.pos+1]
		if inside.is("crate") || inside.is("super") || inside.is("self") || inside.is("in") {
			p.add(t.at, "write pub", "pub(%s …): an event is for everybody", inside)
			p.pos = t.mate + 1
		}
	}
	return true, true
}

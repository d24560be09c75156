package rustparse

// decl reads a struct, an enum or an alias.
func (p *parser) decl(a attributes, public bool) bool {
	word := p.take()
	name, ok := p.name("a name")
	if !ok {
		return false
	}
	d := &decl{name: name.text, at: name.at, doc: a.doc, public: public}
	if p.peek().is("<") {
		d.generic = true
		p.generics()
	}
	switch word.text {
	case "struct":
		d.form, d.serde = structForm, p.serde(a, ofStruct)
		ok = p.structBody(d)
	case "enum":
		d.form, d.serde = enumForm, p.serde(a, ofEnum)
		ok = p.enumBody(d)
	default:
		d.form = aliasForm
		p.serde(a, ofAlias)
		p.where()
		ok = p.want("=")
		if ok {
			d.alias, ok = p.typ(0)
			p.where()
			ok = ok && p.want(";")
		}
	}
	if !ok {
		return false
	}
	if first, twice := p.decls[d.name]; twice {
		p.add(d.at, "give one of them another name", "type %s is declared twice, on line %d too", clip(d.name), first.at.Line)
		return true
	}
	p.decls[d.name] = d
	p.order = append(p.order, d)
	return true
}

// where passes over a where clause.
func (p *parser) where() {
	if !p.peek().is("where") {
		return
	}
	for {
		switch t := p.peek(); {
		case t.kind == end, t.is("{"), t.is(";"), t.is("="):
			return
		case t.is("("), t.is("["):
			p.pos = t.mate + 1
		default:
			p.pos++
		}
	}
}

func (p *parser) structBody(d *decl) bool {
	p.where()
	switch t := p.peek(); {
	case t.is(";"):
		p.pos++
		d.refused = &fault{d.at, "struct " + clip(d.name) + " has no braces, and serde writes it as null", "write struct " + clip(d.name) + " {}"}
		return true
	case t.is("("):
		d.refused = &fault{d.at, "struct " + clip(d.name) + " has fields without names", "write fields with names, or type " + clip(d.name) + " = … for another name of a type"}
		p.pos = t.mate + 1
		p.where()
		return p.want(";")
	}
	return p.members(func() bool {
		a, ok := p.attributes()
		if !ok {
			return false
		}
		public, ok := p.visibility()
		if !ok {
			return false
		}
		name, ok := p.name("the name of a field")
		if !ok || !p.want(":") {
			return false
		}
		t, ok := p.typ(0)
		d.fields = append(d.fields, member{name: name.text, at: name.at, doc: a.doc, public: public, serde: p.serde(a, ofField), typ: t})
		return ok
	})
}

func (p *parser) enumBody(d *decl) bool {
	p.where()
	return p.members(func() bool {
		a, ok := p.attributes()
		if !ok {
			return false
		}
		name, ok := p.name("the name of a value")
		if !ok {
			return false
		}
		if t := p.peek(); t.is("{") || t.is("(") {
			if d.refused == nil {
				d.refused = &fault{name.at, "value " + clip(name.text) + " of enum " + clip(d.name) + " holds data", "write an event, or a field, for each kind of data"}
			}
			p.pos = t.mate + 1
		}
		if p.accept("=") { // a discriminant, which serde does not write
			for t := p.peek(); !t.is(",") && !t.is("}"); t = p.peek() {
				if t.is("(") || t.is("[") || t.is("{") {
					p.pos = t.mate
				}
				p.pos++
			}
		}
		d.fields = append(d.fields, member{name: name.text, at: name.at, serde: p.serde(a, ofValue)})
		return true
	})
}

// members reads { one, one, … }.
func (p *parser) members(one func() bool) bool {
	if !p.want("{") {
		return false
	}
	for !p.accept("}") {
		if !one() {
			return false
		}
		if !p.peek().is("}") && !p.want(",") {
			return false
		}
	}
	return true
}

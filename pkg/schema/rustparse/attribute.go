package rustparse

import (
	"slices"
	"strings"

	"github.com/runnel-sse/runnel/pkg/schema"
)

// attributes are what stands before an item, a field or a value.
type attributes struct {
	doc   doc
	list  []attribute
	any   bool
	inner bool // it was one of the file
	test  bool // #[cfg(test)]
}

// attribute is "#[path …]", with its tokens after the path.
type attribute struct {
	path string
	at   schema.Pos
	args []token
}

func (p *parser) attributes() (attributes, bool) {
	var a attributes
	for {
		switch t := p.peek(); {
		case t.kind == outerDoc:
			a.any = true
			a.doc.add(p.take().text)
		case t.kind == innerDoc:
			return a, p.unexpected("an item: a //! comment stands at the top of the file")
		case t.is("#"):
			p.pos++
			inner := p.accept("!")
			if inner && a.any {
				return a, p.unexpected("an item: #![…] stands at the top of the file")
			}
			open := p.peek()
			if !p.want("[") {
				return a, false
			}
			one, ok := p.attribute(open.mate)
			if !ok {
				return a, false
			}
			if inner {
				p.serde(attributes{list: []attribute{one}}, ofFile)
				a.inner = true
				return a, true
			}
			a.any = true
			a.add(one)
		default:
			return a, true
		}
	}
}

// attribute reads the inside of #[…], and its bracket.
func (p *parser) attribute(closing int) (attribute, bool) {
	one := attribute{at: p.peek().at}
	for {
		if p.peek().kind != ident {
			return one, p.unexpected("the name of an attribute")
		}
		one.path = join(one.path, p.take().text)
		if !p.accept("::") {
			break
		}
	}
	one.args = p.tokens[p.pos:closing]
	p.pos = closing + 1
	return one, true
}

func (a *attributes) add(one attribute) {
	switch {
	case one.path == "doc" && len(one.args) == 2 && one.args[1].kind == text:
		a.doc.add(one.args[1].text)
	case one.path == "cfg" && len(one.args) == 3 && one.args[1].is("test"):
		a.test = true
	default:
		a.list = append(a.list, one)
	}
}

// harmless are the attributes that change nothing of what is sent.
func harmless(path string) bool {
	return slices.Contains([]string{
		"doc", "allow", "warn", "deny", "forbid", "expect", "deprecated", "must_use", "non_exhaustive", "repr", "default", "derive",
	}, path) || strings.HasPrefix(path, "clippy::") || strings.HasPrefix(path, "rustfmt::")
}

// place is what an attribute is of.
type place uint8

const (
	ofStruct place = iota + 1
	ofEnum
	ofAlias
	ofField
	ofValue
	ofFile
)

// serde is what the attributes say of how a type is written as JSON.
type serde struct {
	derived   bool   // the type derives Serialize or Deserialize
	rename    string // of a field or a value
	renameAll string // of a struct or an enum
	skip      bool   // the field is not sent
	optional  bool   // it may be absent
	with      string // the module that writes it
	at        schema.Pos
}

// serde understands the attributes, and notes those that could change what is
// sent in a way that has no type here.
func (p *parser) serde(a attributes, of place) serde {
	var s serde
	if a.test {
		p.add(a.first(p.peek().at), "write a type that is always the same", "#[cfg(test)] of a part")
	}
	for _, one := range a.list {
		switch {
		case one.path == "derive":
			p.derive(one, &s)
		case one.path == "serde":
			p.settings(one, of, &s)
		case !harmless(one.path):
			p.add(one.at, "delete it, or write out what it does", "attribute %s could change what is sent, and is not understood", clip(one.path))
		}
	}
	return s
}

func (a *attributes) first(at schema.Pos) schema.Pos {
	if len(a.list) > 0 {
		return a.list[0].at
	}
	return at
}

func (p *parser) derive(one attribute, s *serde) {
	for _, t := range one.args {
		switch t.text {
		case "Serialize", "Deserialize":
			s.derived = s.derived || t.kind == ident
		case "Serialize_repr", "Deserialize_repr", "SerializeDisplay", "DeserializeFromStr":
			p.add(t.at, "derive Serialize and Deserialize", "%s writes something else than the definition shows", t.text)
		}
	}
}

// setting is one of "#[serde(one, two = "…", three(…))]".
type setting struct {
	name  string
	at    schema.Pos
	value *string
	group bool
}

// settings reads the settings of one serde attribute.
func (p *parser) settings(one attribute, of place, s *serde) {
	args := one.args
	if len(args) < 2 || !args[0].is("(") {
		p.add(one.at, `write #[serde(rename = "…")] and the like`, "a serde attribute without its settings")
		return
	}
	args = args[1 : len(args)-1]
	for len(args) > 0 {
		set := setting{name: args[0].text, at: args[0].at}
		if args[0].kind != ident {
			p.add(set.at, "write the name of a setting", "%s in a serde attribute", args[0])
			return
		}
		args = args[1:]
		switch {
		case len(args) > 1 && args[0].is("=") && args[1].kind == text:
			set.value = &args[1].text
			args = args[2:]
		case len(args) > 0 && args[0].is("("):
			set.group = true
			args = args[indexClosing(args)+1:]
		}
		if len(args) > 0 && !args[0].is(",") {
			p.add(args[0].at, "write a comma between settings, and strings as their values", "%s in a serde attribute", args[0])
			return
		}
		p.setting(set, of, s)
		args = args[min(1, len(args)):]
	}
}

// indexClosing is where the bracket that args begin with is closed.
func indexClosing(args []token) int {
	depth := 0
	for i, t := range args {
		switch {
		case t.is("("), t.is("["), t.is("{"):
			depth++
		case t.is(")"), t.is("]"), t.is("}"):
			depth--
		}
		if depth == 0 {
			return i
		}
	}
	return len(args) - 1
}

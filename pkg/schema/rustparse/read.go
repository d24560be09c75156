package rustparse

import (
	"slices"
	"unicode/utf8"

	"github.com/runnel-sse/runnel/pkg/schema"
)

// maxNesting bounds how deep a type may consist of others.
const maxNesting = 32

// reader makes the model of declarations.
type reader struct {
	*parser
	named map[string]*schema.Named // the named types that are read
	types []*schema.Named          // the same, each after what it consists of
	depth int
}

// markUsed finds which declarations are parts of others.
func (r *reader) markUsed() {
	for _, d := range r.order {
		for _, part := range r.parts(d) {
			part.used = part.used || part != d
		}
	}
	for _, d := range r.order {
		if !d.used {
			r.reach(d)
		}
	}
	for _, d := range r.order {
		if !d.reached { // a part of its own parts, and so of no event
			r.add(d.at, "refer to it by an id", "type %s contains itself", clip(d.name))
		}
	}
}

// parts are the declarations that the fields of one name, also the fields that
// are not sent.
func (r *reader) parts(d *decl) []*decl {
	var list []*decl
	var add func(t typ)
	add = func(t typ) {
		if part := r.local(t); part != nil {
			list = append(list, part)
		}
		for _, arg := range t.args {
			add(arg)
		}
	}
	add(d.alias)
	for _, f := range d.fields {
		add(f.typ)
	}
	return list
}

func (r *reader) reach(d *decl) {
	if d.reached {
		return
	}
	d.reached = true
	for _, part := range r.parts(d) {
		r.reach(part)
	}
}

// local is the declaration of this file that a type names.
func (r *reader) local(t typ) *decl {
	path := t.path
	if len(path) > 1 && path[0] == "self" {
		path = path[1:]
	}
	if len(path) != 1 {
		return nil
	}
	return r.decls[path[0]]
}

// events reads the public structs that are no part of another. Whatever else is
// no part of an event was meant for one, or is not needed.
func (r *reader) events() []schema.Event {
	var list []schema.Event
	for _, d := range r.order {
		name := clip(d.name)
		switch {
		case d.used:
			continue
		case d.form == aliasForm && r.local(d.alias) == nil:
			continue // a name that nobody uses says nothing
		case d.form == aliasForm:
			r.add(d.at, "write the struct itself", "%s is another name for a type, and an event is a struct", name)
		case d.form == enumForm:
			r.add(d.at, "write a struct for each event, or delete it", "enum %s is no part of an event", name)
		case !d.public:
			r.add(d.at, "write pub struct, or delete it", "struct %s is private, and no part of an event", name)
		case d.generic:
			r.add(d.at, "write a struct for each kind of data", "event %s is generic, which JSON is not", name)
		case d.refused != nil:
			r.add(d.refused.at, d.refused.write, "%s", d.refused.what)
		case r.typeName(d):
			d.reading = true
			fields := r.fields(d)
			d.reading = false
			list = append(list, schema.Event{Name: d.name, Doc: d.doc.String(), Fields: fields})
		}
	}
	return list
}

// typeName reports whether the name is a type's in every language.
func (r *reader) typeName(d *decl) bool {
	first := d.name[0]
	if plain := schema.PlainName(d.name[:min(len(d.name), schema.MaxEventName)]); plain && 'A' <= first && first <= 'Z' {
		return true
	}
	r.add(d.at, "write a name such as CommentAdded", "the name %s is not made of letters, digits and _, a capital letter first", clip(d.name))
	return false
}

// fields reads a struct's fields as serde sees them.
func (r *reader) fields(d *decl) []schema.Field {
	var list []schema.Field
	taken := map[string]string{}
	for _, m := range d.fields {
		if m.serde.skip {
			continue
		}
		t, ok := r.typeOf(m.typ)
		if !ok {
			continue
		}
		if t, ok = r.with(d, m, t); !ok {
			continue
		}
		if (m.serde.optional || d.serde.optional) && t.Kind != schema.Optional {
			elem := t
			t = schema.Type{Kind: schema.Optional, Elem: &elem}
		}
		name := m.name
		if to, ok := cases[d.serde.renameAll]; ok {
			name = to.field(name)
		}
		if m.serde.rename != "" {
			name = m.serde.rename
		}
		switch other, twice := taken[name]; {
		case !m.public:
			r.add(m.at, "write pub", "field %s is private, so no publisher can set it", clip(m.name))
			continue
		case twice:
			r.add(m.at, "give one of them another name", "field %s has the JSON name %q, as %s has", clip(m.name), clip(name), clip(other))
			continue
		case !schema.PlainName(name):
			r.add(m.at, `write #[serde(rename = "item_id")]`, "the JSON name %q is not made of letters, digits and _, a letter first", clip(name))
			continue
		}
		taken[name] = m.name
		list = append(list, schema.Field{Name: m.name, JSON: name, Doc: m.doc.String(), Type: t})
	}
	return list
}

// with is the type of a field after serde(with), which alone makes base64 of
// bytes: without it, serde writes them as a list of numbers.
func (r *reader) with(d *decl, m member, t schema.Type) (schema.Type, bool) {
	inner := &t
	if t.Kind == schema.Optional {
		inner = t.Elem
	}
	module := m.serde.with
	switch {
	case hasBytes(&t) && module == "serde_bytes", hasBytes(&t) && module == "" && d.serde.derived:
		r.add(m.typ.at, `write #[serde(with = "…")] with a module of base64 above it, or Vec<u16> for numbers`,
			"serde writes Vec<u8> as a list of numbers, and the type of bytes is a base64 string")
		return t, false
	case module == "", hasBytes(&t) && !timestamps(module):
		return t, true
	case inner.Kind == schema.Time && timestamps(module):
		*inner = schema.Type{Kind: schema.Int, Bits: 64}
		return t, true
	}
	r.add(m.serde.at, remedies["with"], "serde(with = %q) of %s", clip(module), t.String())
	return t, false
}

func hasBytes(t *schema.Type) bool {
	for ; t != nil; t = t.Elem {
		if t.Kind == schema.Bytes {
			return true
		}
	}
	return false
}

func (r *reader) structOf(d *decl) *schema.Named {
	if n := r.named[d.name]; n != nil {
		return n
	}
	n := &schema.Named{Name: d.name, Doc: d.doc.String()}
	r.named[d.name] = n
	n.Fields = r.fields(d)
	r.types = append(r.types, n) // after what it consists of
	return n
}

func (r *reader) enumOf(d *decl) *schema.Named {
	if n := r.named[d.name]; n != nil {
		return n
	}
	n := &schema.Named{Name: d.name, Doc: d.doc.String()}
	for _, m := range d.fields {
		value := m.name
		if to, ok := cases[d.serde.renameAll]; ok {
			value = to.value(value)
		}
		if m.serde.rename != "" {
			value = m.serde.rename
		}
		if slices.Contains(n.Values, value) || !utf8.ValidString(value) {
			r.add(m.at, "delete one of them", "the value %q of %s stands twice", clip(value), clip(d.name))
			continue
		}
		n.Values = append(n.Values, value)
	}
	r.named[d.name] = n
	r.types = append(r.types, n)
	return n
}

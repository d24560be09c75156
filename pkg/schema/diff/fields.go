package diff

import (
	"fmt"
	"slices"
	"strings"

	"github.com/runnel-sse/runnel/pkg/schema"
)

const both = "add a field of another name for it, fill both for a while, then take the old one out"

// fields compares the fields of an event, or of a struct in it. seen are the
// pairs of structs that this event has had already.
func (d *differ) fields(where string, before, after []schema.Field, seen map[[2]*schema.Named]bool) {
	gone, added := apart(before, after), apart(after, before)
	if len(gone) == 1 && len(added) == 1 && gone[0].Type.String() == added[0].Type.String() && !differs(&gone[0].Type, &added[0].Type) {
		d.renamed(where, gone[0], added[0])
		gone, added = nil, nil
	}
	for _, f := range gone {
		d.add(removed(where, f))
	}
	for _, f := range added {
		d.add(appeared(where, f))
	}
	for i := range before {
		if f := find(after, before[i].JSON); f != nil {
			d.typ(where+"."+f.JSON, &before[i].Type, &f.Type, seen)
		}
	}
}

// apart are the fields of a that b does not have.
func apart(a, b []schema.Field) []*schema.Field {
	var list []*schema.Field
	for i := range a {
		if find(b, a[i].JSON) == nil {
			list = append(list, &a[i])
		}
	}
	return list
}

func find(fields []schema.Field, json string) *schema.Field {
	i := slices.IndexFunc(fields, func(f schema.Field) bool { return f.JSON == json })
	if i < 0 {
		return nil
	}
	return &fields[i]
}

func removed(where string, f *schema.Field) Change {
	c := harmless(where+"."+f.JSON, "the field is gone")
	if f.Type.Kind != schema.Optional {
		c.Readers = breaks("they cannot read an event without it")
		c.Instead = "make it optional first, and take it out when no old client is left"
	}
	return c
}

func appeared(where string, f *schema.Field) Change {
	if f.Type.Kind == schema.Optional {
		return harmless(where+"."+f.JSON, "the field is new, and optional")
	}
	return Change{
		Where: where + "." + f.JSON, What: "the field is new, and required",
		Readers: safe, Log: breaks("new clients cannot read those without it"), Publishers: breaks("what they send without it is refused"),
		Instead: "make it optional: a pointer or omitempty in Go, Option in Rust",
	}
}

func (d *differ) renamed(where string, from, to *schema.Field) {
	c := harmless(where+"."+from.JSON, "the field is named %s now", to.JSON)
	what := "they look for it by its old name"
	if from.Type.Kind == schema.Optional {
		what = "they miss it silently: " + what
	}
	c.Readers = breaks("%s", what)
	c.Log = breaks("they have the old name, where new clients look for %s", to.JSON)
	c.Publishers = breaks("what they send has no %s", to.JSON)
	if to.Type.Kind == schema.Optional {
		c.Publishers = breaks("what they send under the old name is not read any more")
	}
	c.Instead = "add " + to.JSON + " as an optional field, fill both for a while, then take the old one out"
	d.add(c)
}

// typ compares the types of one field.
func (d *differ) typ(where string, before, after *schema.Type, seen map[[2]*schema.Named]bool) {
	for before.Kind == after.Kind && before.Elem != nil {
		where += map[schema.Kind]string{schema.List: "[]", schema.Map: "[*]"}[before.Kind]
		before, after = before.Elem, after.Elem
	}
	switch {
	case before.Kind == schema.Struct && after.Kind == schema.Struct:
		pair := [2]*schema.Named{before.Named, after.Named}
		if !seen[pair] {
			seen[pair] = true
			d.fields(where, before.Named.Fields, after.Named.Fields, seen)
		}
		return
	case before.Kind == schema.Enum && after.Kind == schema.Enum:
		d.enum(where, before.Named.Values, after.Named.Values)
		return
	case before.Kind == after.Kind && before.Bits == after.Bits && before.Unsigned == after.Unsigned:
		return
	}
	c := Change{Where: where, What: fmt.Sprintf("%s became %s", before, after), Readers: safe, Log: safe, Publishers: safe, Instead: both}
	if why := refuses(before, after); why != "" {
		c.Readers = breaks("%s", why)
	}
	if why := refuses(after, before); why != "" {
		c.Log, c.Publishers = breaks("for new clients %s", why), breaks("what they send is refused: %s", why)
	}
	switch {
	case !c.Breaking():
		c.Instead = ""
	case after.Kind == schema.Optional && c.Log.Safe:
		c.Instead = "go on sending it always, until no old client is left"
	case before.Kind == schema.Optional && c.Readers.Safe:
		c.Instead = "leave it optional, or wait until every publisher sends it and the last event without it is kept no more"
	}
	d.add(c)
}

// differs reports whether two types are not the same on the wire.
func differs(a, b *schema.Type) bool {
	var d differ
	d.typ("", a, b, map[[2]*schema.Named]bool{})
	return len(d.changes) > 0
}

func (d *differ) enum(where string, before, after []string) {
	for _, v := range before {
		if !slices.Contains(after, v) {
			d.add(Change{
				Where: where, What: fmt.Sprintf("the value %q is gone", v),
				Readers: safe, Log: breaks("new clients do not know it"), Publishers: breaks("what they send with it is refused"),
				Instead: "stop sending it, wait until the last event with it is kept no more, then take it out",
			})
		}
	}
	for _, v := range after {
		if !slices.Contains(before, v) {
			d.add(Change{
				Where: where, What: fmt.Sprintf("the value %q is new", v),
				Readers: breaks("they do not know it"), Log: safe, Publishers: safe,
				Instead: "do not send it before no old client is left, or send it in a new optional field",
			})
		}
	}
}

// refuses says why one who expects the type reader cannot read every value of
// the type writer, and nothing if they can.
func refuses(reader, writer *schema.Type) string {
	switch {
	case reader.Kind == schema.Optional && writer.Kind == schema.Optional:
		return refuses(reader.Elem, writer.Elem)
	case reader.Kind == schema.Optional:
		return refuses(reader.Elem, writer)
	case writer.Kind == schema.Optional:
		return "it may be null or absent"
	case reader.Kind == schema.Int && writer.Kind == schema.Int:
		return outside(reader, writer)
	case reader.Kind == schema.Float && writer.Kind == schema.Int:
		if digits := map[int]int{32: 24, 64: 53}[reader.Bits]; magnitude(writer) > digits {
			return fmt.Sprintf("a %s is not exact over 2^%d", reader, digits)
		}
		return ""
	case reader.Kind == schema.Float && writer.Kind == schema.Float:
		if writer.Bits > reader.Bits {
			return fmt.Sprintf("a %s does not fit into a %s", writer, reader)
		}
		return ""
	case reader.Kind == schema.String && slices.Contains([]schema.Kind{schema.Enum, schema.Time, schema.Bytes}, writer.Kind):
		return ""
	case reader.Kind == schema.Enum && writer.Kind == schema.Enum:
		for _, v := range writer.Named.Values {
			if !slices.Contains(reader.Named.Values, v) {
				return fmt.Sprintf("the value %q is not known", v)
			}
		}
		return ""
	case reader.Kind == writer.Kind && reader.Elem != nil:
		return refuses(reader.Elem, writer.Elem)
	case reader.Kind == writer.Kind && reader.Kind == schema.Struct:
		return refusesFields(reader.Named.Fields, writer.Named.Fields)
	case reader.Kind == writer.Kind:
		return ""
	}
	return fmt.Sprintf("a %s is no %s", noun(writer), noun(reader))
}

func refusesFields(reader, writer []schema.Field) string {
	for i := range reader {
		f := find(writer, reader[i].JSON)
		if f == nil && reader[i].Type.Kind != schema.Optional {
			return "it has no " + reader[i].JSON
		}
		if f == nil {
			continue
		}
		if why := refuses(&reader[i].Type, &f.Type); why != "" {
			return f.JSON + ": " + why
		}
	}
	return ""
}

func noun(t *schema.Type) string {
	if t.Kind == schema.Struct || t.Kind == schema.Enum {
		return "value of " + t.String()
	}
	return strings.TrimSuffix(t.String(), " of anything")
}

// magnitude is how many binary digits the type's largest number has.
func magnitude(t *schema.Type) int {
	if t.Unsigned {
		return t.Bits
	}
	return t.Bits - 1
}

// outside says which numbers of the writer's type the reader's has not.
func outside(reader, writer *schema.Type) string {
	switch {
	case reader.Unsigned && !writer.Unsigned:
		return fmt.Sprintf("a negative number is no %s", reader)
	case magnitude(writer) > magnitude(reader):
		return fmt.Sprintf("a large %s does not fit into %s", writer, reader)
	}
	return ""
}

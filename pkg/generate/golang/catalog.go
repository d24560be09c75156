// Package golang writes the catalog of an application as Go: a literal of
// package schema, which is what the platform checks events against at run time.
package golang

import (
	"bytes"
	"fmt"
	"go/format"
	"strconv"
	"strings"
	"time"

	"github.com/runnel-sse/runnel/pkg/schema"
)

// File is the name of the generated file. It ends in _sse.gen.go, and so it is
// no definition, and never a file that Go leaves out for a GOOS in its name.
const File = "catalog_sse.gen.go"

// Header is the first line of the generated file; tools know it by its form.
const Header = "// " + schema.Mark

// Catalog returns the bytes of File for a package of that name. They depend on
// the catalog alone. Whatever comes from a definition stands in a quoted string,
// so nothing in it can become code.
func Catalog(pkg string, c *schema.Catalog) ([]byte, error) {
	for i := range c.Streams {
		if _, taken := c.Streams[i].Event("Catalog"); taken {
			return nil, &schema.Refusal{
				Stream: c.Streams[i].Name, Type: "Catalog", What: "an event is named Catalog, as the generated variable is", Write: "give it another name",
			}
		}
	}
	g := &generator{}
	g.line(Header)
	g.line("")
	g.line("package %s", pkg)
	g.line("")
	g.line("import (")
	if len(c.Streams) > 0 {
		g.line("%q", "time")
		g.line("")
		g.line("%q", module+"channel")
	}
	g.line("%q", module+"schema")
	g.line(")")
	g.line("")
	g.line("// Catalog is what the definitions of this package declare.")
	g.line("var Catalog = schema.Catalog{Streams: []schema.Stream{")
	for i := range c.Streams {
		g.stream(&c.Streams[i])
	}
	g.line("}}")
	for i := range c.Streams {
		for _, n := range c.Streams[i].Types {
			g.named(c.Streams[i].Name, n)
		}
	}
	src, err := format.Source(g.Bytes())
	if err != nil {
		return nil, fmt.Errorf("golang: format %s: %w", File, err)
	}
	return src, nil
}

const module = "github.com/runnel-sse/runnel/pkg/"

type generator struct {
	bytes.Buffer
	owner string // the stream whose types are meant
}

func (g *generator) line(text string, args ...any) {
	if len(args) == 0 {
		g.WriteString(text + "\n")
		return
	}
	fmt.Fprintf(g, text+"\n", args...)
}

func (g *generator) stream(s *schema.Stream) {
	g.owner = s.Name
	g.line("{")
	g.line("Name: %q,", s.Name)
	g.doc(s.Doc)
	g.line("Template: channel.MustParseTemplate(%q),", s.Template.String())
	g.line("Policy: schema.%s,", policies[s.Policy])
	if s.Owner != (schema.Owner{}) {
		g.line("Owner: schema.Owner{Field: %q, Claim: %q},", s.Owner.Field, s.Owner.Claim)
	}
	g.line("Retention: %s,", duration(s.Retention))
	g.settings(s)
	g.line("Events: []schema.Event{")
	for i := range s.Events {
		e := &s.Events[i]
		g.line("{")
		g.line("Name: %q,", e.Name)
		g.doc(e.Doc)
		g.fields(e.Fields)
		g.line("},")
	}
	g.line("},")
	if len(s.Types) > 0 {
		g.line("Types: []*schema.Named{")
		for _, n := range s.Types {
			g.line("&%s,", variable(s.Name, n))
		}
		g.line("},")
	}
	g.line("},")
}

// settings are what a definition need not say.
func (g *generator) settings(s *schema.Stream) {
	for _, limit := range []struct {
		name string
		n    int
	}{{"Limit", s.Limit}, {"UserLimit", s.UserLimit}, {"AddressLimit", s.AddressLimit}} {
		if limit.n != 0 {
			g.line("%s: %d,", limit.name, limit.n)
		}
	}
	if s.Presence {
		g.line("Presence: true,")
		g.line("Grace: %s,", duration(s.Grace))
	}
	if e := s.Economy; e != nil {
		g.line("Economy: &schema.Economy{Open: %s, Closed: %s},", duration(e.Open), duration(e.Closed))
	}
	if s.Budget != 0 {
		g.line("Budget: %s,", duration(s.Budget))
	}
}

var policies = map[schema.Policy]string{
	schema.PolicyPublic: "PolicyPublic", schema.PolicyAuthenticated: "PolicyAuthenticated",
	schema.PolicyOwner: "PolicyOwner", schema.PolicyClaim: "PolicyClaim",
}

func (g *generator) named(stream string, n *schema.Named) {
	g.owner = stream
	g.line("")
	g.line("var %s = schema.Named{", variable(stream, n))
	g.line("Name: %q,", n.Name)
	g.doc(n.Doc)
	g.fields(n.Fields)
	if len(n.Values) > 0 {
		var values []string
		for _, v := range n.Values {
			values = append(values, strconv.Quote(v))
		}
		g.line("Values: []string{%s},", strings.Join(values, ", "))
	}
	g.line("}")
}

// variable holds a named type. No name of a stream has an underscore, so two of
// these never meet.
func variable(stream string, n *schema.Named) string { return "catalog" + stream + "_" + n.Name }

func (g *generator) doc(doc string) {
	if doc != "" {
		g.line("Doc: %q,", doc)
	}
}

func (g *generator) fields(fields []schema.Field) {
	if len(fields) == 0 {
		return
	}
	g.line("Fields: []schema.Field{")
	for i := range fields {
		f := &fields[i]
		doc := ""
		if f.Doc != "" {
			doc = fmt.Sprintf("Doc: %q, ", f.Doc)
		}
		g.line("{Name: %q, JSON: %q, %sType: schema.Type%s},", f.Name, f.JSON, doc, g.typ(&f.Type))
	}
	g.line("},")
}

var kinds = map[schema.Kind]string{
	schema.String: "String", schema.Bool: "Bool", schema.Int: "Int", schema.Float: "Float", schema.Bytes: "Bytes", schema.Time: "Time",
	schema.Optional: "Optional", schema.List: "List", schema.Map: "Map", schema.Struct: "Struct", schema.Enum: "Enum",
}

// typ is the literal of a type, without the name of its type.
func (g *generator) typ(t *schema.Type) string {
	s := "{Kind: schema." + kinds[t.Kind]
	if t.Bits != 0 {
		s += ", Bits: " + strconv.Itoa(t.Bits)
	}
	if t.Unsigned {
		s += ", Unsigned: true"
	}
	if t.Elem != nil {
		s += ", Elem: &schema.Type" + g.typ(t.Elem)
	}
	if t.Named != nil {
		s += ", Named: &" + variable(g.owner, t.Named)
	}
	return s + "}"
}

func duration(d time.Duration) string {
	for _, unit := range []struct {
		size time.Duration
		name string
	}{{time.Hour, "time.Hour"}, {time.Minute, "time.Minute"}, {time.Second, "time.Second"}} {
		if d%unit.size == 0 {
			return fmt.Sprintf("%d * %s", d/unit.size, unit.name)
		}
	}
	return fmt.Sprintf("%d * time.Nanosecond", d)
}

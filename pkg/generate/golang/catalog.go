package golang

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/runnel-sse/runnel/pkg/schema"
)

// catalog writes File: the model itself as a literal, and what is of all streams
// together. Whatever comes from a definition stands in a quoted string.
func (p *pkg) catalog() ([]byte, error) {
	g := p.file()
	g.use("encoding/json", channelPath, logicPath, schemaPath)
	if len(p.c.Streams) > 0 {
		g.use("time")
	}
	g.line("// Catalog is what the definitions of this package declare.")
	g.line("var Catalog = %s.Catalog{Streams: []%[1]s.Stream{", g.name(schemaPath))
	for i := range p.c.Streams {
		g.stream(&p.c.Streams[i])
	}
	g.line("}}")
	for i := range p.c.Streams {
		for _, n := range p.c.Streams[i].Types {
			g.named(p.c.Streams[i].Name, n)
		}
	}
	g.together()
	return g.source(File)
}

// together writes what leads from the name of an event to its stream and type.
func (g *generator) together() {
	g.line("\n// Routes says which stream carries an event.\nvar Routes = map[string]string{")
	for i := range g.c.Streams {
		s := &g.c.Streams[i]
		for j := range s.Events {
			g.line("%q: %q,", s.Events[j].Name, s.Name)
		}
	}
	g.line("}\n")
	g.line("// Broadcast addresses an event to the channel that its fields say. It fails")
	g.line("// when the event is not what its definition says, and names the field.")
	g.line("func Broadcast(e %s.Typed) (%s.Broadcast, error) {", g.name(schemaPath), g.name(logicPath))
	g.line("ch, data, err := Catalog.Encode(e)")
	g.line("if err != nil { return %s.Broadcast{}, err }", g.name(logicPath))
	g.line("return %s.Broadcast{Channel: ch.String(), EventType: e.EventType(), Data: data}, nil\n}\n", g.name(logicPath))

	g.line("// Decode reads an event of a stream from its data, as Decode of the stream does.")
	g.line("func Decode(stream, event string, data []byte) (%s.Typed, error) {\nswitch stream {", g.name(schemaPath))
	for i := range g.c.Streams {
		name := g.c.Streams[i].Name
		g.line("case %q: return Decode%s(event, data)", name, name)
	}
	g.line("}\nreturn nil, %s.ErrUnknownStream\n}\n", g.name(schemaPath))

	g.line("// UnknownEvent is an event that these definitions do not know: a newer service")
	g.line("// sent it, or an older one did and it is kept still.")
	g.line("type UnknownEvent struct {\nStream, Type string\nData %s.RawMessage\n}\n", g.name("encoding/json"))
	g.line("// EventType is the event's name on the wire.\nfunc (e UnknownEvent) EventType() string { return e.Type }\n")
	g.line("// EventStream is the stream that carries the event.\nfunc (e UnknownEvent) EventStream() string { return e.Stream }\n")
	g.line("// EventChannel is the channel that the event belongs to, by its data.")
	g.line("func (e UnknownEvent) EventChannel() (%s.Name, error) {", g.name(channelPath))
	g.line("s, ok := Catalog.Stream(e.Stream)\nif !ok { return %s.Name{}, %s.ErrUnknownStream }", g.name(channelPath), g.name(schemaPath))
	g.line("return s.ChannelOf(e.Data)\n}\n")
	g.line("// MarshalJSON is the event's data.\nfunc (e UnknownEvent) MarshalJSON() ([]byte, error) { return e.Data.MarshalJSON() }")
	for i := range g.c.Streams {
		g.line("\nfunc (UnknownEvent) %s() {}", seal(g.c.Streams[i].Name))
	}
}

func (g *generator) stream(s *schema.Stream) {
	g.owner = s.Name
	g.line("{")
	g.line("Name: %q,", s.Name)
	g.doc(s.Doc)
	g.line("Template: %s.MustParseTemplate(%q),", g.name(channelPath), s.Template.String())
	g.line("Policy: %s.%s,", g.name(schemaPath), policies[s.Policy])
	if s.Owner != (schema.Owner{}) {
		g.line("Owner: %s.Owner{Field: %q, Claim: %q},", g.name(schemaPath), s.Owner.Field, s.Owner.Claim)
	}
	g.line("Retention: %s,", g.duration(s.Retention))
	g.settings(s)
	g.line("Events: []%s.Event{", g.name(schemaPath))
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
		g.line("Types: []*%s.Named{", g.name(schemaPath))
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
		g.line("Grace: %s,", g.duration(s.Grace))
	}
	if e := s.Economy; e != nil {
		g.line("Economy: &%s.Economy{Open: %s, Closed: %s},", g.name(schemaPath), g.duration(e.Open), g.duration(e.Closed))
	}
	if f := s.Function; f != nil {
		lease := ""
		if f.Lease != 0 {
			lease = ", Lease: " + g.duration(f.Lease)
		}
		g.line("Function: &%s.Function{Name: %q, Memory: %d, Concurrency: %d%s},", g.name(schemaPath), f.Name, f.Memory, f.Concurrency, lease)
	}
	if s.Budget != 0 {
		g.line("Budget: %s,", g.duration(s.Budget))
	}
}

var policies = map[schema.Policy]string{
	schema.PolicyPublic: "PolicyPublic", schema.PolicyAuthenticated: "PolicyAuthenticated",
	schema.PolicyOwner: "PolicyOwner", schema.PolicyClaim: "PolicyClaim",
}

func (g *generator) named(stream string, n *schema.Named) {
	g.owner = stream
	g.line("")
	g.line("var %s = %s.Named{", variable(stream, n), g.name(schemaPath))
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
	g.line("Fields: []%s.Field{", g.name(schemaPath))
	for i := range fields {
		f := &fields[i]
		doc := ""
		if f.Doc != "" {
			doc = fmt.Sprintf("Doc: %q, ", f.Doc)
		}
		g.line("{Name: %q, JSON: %q, %sType: %s.Type%s},", f.Name, f.JSON, doc, g.name(schemaPath), g.typ(&f.Type))
	}
	g.line("},")
}

var kinds = map[schema.Kind]string{
	schema.String: "String", schema.Bool: "Bool", schema.Int: "Int", schema.Float: "Float", schema.Bytes: "Bytes", schema.Time: "Time",
	schema.Optional: "Optional", schema.List: "List", schema.Map: "Map", schema.Struct: "Struct", schema.Enum: "Enum",
}

// typ is the literal of a type, without the name of its type.
func (g *generator) typ(t *schema.Type) string {
	s := "{Kind: " + g.name(schemaPath) + "." + kinds[t.Kind]
	if t.Bits != 0 {
		s += ", Bits: " + strconv.Itoa(t.Bits)
	}
	if t.Unsigned {
		s += ", Unsigned: true"
	}
	if t.Elem != nil {
		s += ", Elem: &" + g.name(schemaPath) + ".Type" + g.typ(t.Elem)
	}
	if t.Named != nil {
		s += ", Named: &" + variable(g.owner, t.Named)
	}
	return s + "}"
}

func (g *generator) duration(d time.Duration) string {
	for _, unit := range []struct {
		size time.Duration
		name string
	}{{time.Hour, "Hour"}, {time.Minute, "Minute"}, {time.Second, "Second"}} {
		if d%unit.size == 0 {
			return fmt.Sprintf("%d * %s.%s", d/unit.size, g.name("time"), unit.name)
		}
	}
	return fmt.Sprintf("%d * %s.Nanosecond", d, g.name("time"))
}

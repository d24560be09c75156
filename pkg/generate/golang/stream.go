package golang

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/runnel-sse/runnel/pkg/schema"
)

// stream writes what is of one stream: the types that Go does not have yet, the
// interface of the events, their methods, and how they are read.
func (p *pkg) stream(s *schema.Stream) ([]byte, error) {
	g := p.file()
	g.owner = s.Name
	g.use(channelPath, schemaPath)
	name := s.Name + "Event"
	g.line("// %s is an event of %s: %s,", name, s.Name, strings.Join(g.events(s), ", "))
	g.line("// or UnknownEvent, which stands for those that these definitions do not know.")
	g.line("type %s interface {\n%s.Typed\n%s()\n}", name, g.name(schemaPath), seal(s.Name))
	g.line("\n// Decode%s reads an event from its data. It fails when the data is not", s.Name)
	g.line("// what the definition says, and names the field.")
	g.line("func Decode%s(event string, data []byte) (%s, error) {\nswitch event {", s.Name, name)
	for i := range s.Events {
		e := s.Events[i].Name
		g.line("case %q: return %s.Decode[%s](&Catalog, data)", e, g.name(schemaPath), g.typeName(s, e))
	}
	g.line("}\nreturn UnknownEvent{Stream: %q, Type: event, Data: data}, nil\n}", s.Name)
	for i := range s.Events {
		g.event(s, &s.Events[i])
	}
	if !p.Declared(s.Name) {
		for _, n := range s.Types {
			g.declare(s, n)
		}
	}
	return g.source(p.fileOf(s))
}

// typeName is what a type of a definition is called.
func (p *pkg) typeName(s *schema.Stream, name string) string {
	if p.Declared(s.Name) {
		return name
	}
	return upper(name)
}

// events are the names of the stream's types.
func (g *generator) events(s *schema.Stream) []string {
	var names []string
	for i := range s.Events {
		names = append(names, g.typeName(s, s.Events[i].Name))
	}
	return names
}

func (g *generator) event(s *schema.Stream, e *schema.Event) {
	name := g.typeName(s, e.Name)
	if !g.Declared(s.Name) {
		g.structure(s, name, e.Name, e.Doc, e.Fields, methods)
	}
	g.line("\nfunc (%s) %s() {}", name, seal(s.Name))
	g.line("\n// EventType is the event's name on the wire.\nfunc (%s) EventType() string { return %q }", name, e.Name)
	g.line("\n// EventStream is the stream that carries the event.\nfunc (%s) EventStream() string { return %q }", name, s.Name)
	g.line("\n// EventChannel is the channel that the event belongs to, %s of the stream.", s.Template)
	parts := []string{strconv.Quote(s.Name)}
	for _, json := range s.Template.Fields() {
		if f, ok := e.Field(json); ok {
			parts = append(parts, g.keyPart(s, f))
		}
	}
	receiver := ""
	if len(parts) > 1 {
		receiver = "e "
	}
	g.line("func (%s%s) EventChannel() (%s.Name, error) { return Catalog.Channel(%s) }", receiver, name, g.name(channelPath), strings.Join(parts, ", "))
}

// keyPart is what a field is in the key of a channel.
func (g *generator) keyPart(s *schema.Stream, f *schema.Field) string {
	value := "e." + g.field(s, f, methods)
	switch {
	case f.Type.Kind == schema.Enum:
		return "string(" + value + ")"
	case f.Type.Kind == schema.Int && f.Type.Unsigned:
		g.use("strconv")
		return fmt.Sprintf("%s.FormatUint(uint64(%s), 10)", g.name("strconv"), value)
	case f.Type.Kind == schema.Int:
		g.use("strconv")
		return fmt.Sprintf("%s.FormatInt(int64(%s), 10)", g.name("strconv"), value)
	}
	return value
}

// declare writes a named type of a definition in another language.
func (g *generator) declare(s *schema.Stream, n *schema.Named) {
	name := upper(n.Name)
	if n.Values == nil {
		g.structure(s, name, n.Name, n.Doc, n.Fields, nil)
		return
	}
	g.documented(name, n.Name, n.Doc, "is declared by "+s.Name+".")
	g.line("type %s string\n\n// The values of %s.\nconst (", name, name)
	for i, constant := range constants(n) {
		g.line("%s %s = %q", constant, name, n.Values[i])
	}
	g.line(")")
}

func (g *generator) structure(s *schema.Stream, name, declared, doc string, fields []schema.Field, reserved map[string]bool) {
	g.documented(name, declared, doc, "is declared by "+s.Name+".")
	g.line("type %s struct {", name)
	for i := range fields {
		f := &fields[i]
		if f.Doc != "" {
			g.comment(f.Doc)
		}
		option := ""
		if f.Type.Kind == schema.Optional {
			option = ",omitempty"
		}
		g.line("%s %s `json:\"%s%s\"`", g.field(s, f, reserved), g.goType(&f.Type), f.JSON, option)
	}
	g.line("}")
}

// documented writes a type's comment, which begins with the type's name.
func (g *generator) documented(name, declared, doc, otherwise string) {
	g.line("")
	switch {
	case doc == "":
		g.comment(name + " " + otherwise)
	case name == declared && strings.HasPrefix(doc, name+" "):
		g.comment(doc)
	default:
		g.comment(name + ": " + doc)
	}
}

func (g *generator) goType(t *schema.Type) string {
	switch t.Kind {
	case schema.Bytes:
		return "[]byte"
	case schema.Time:
		g.use("time")
		return g.name("time") + ".Time"
	case schema.Optional:
		return "*" + g.goType(t.Elem)
	case schema.List:
		return "[]" + g.goType(t.Elem)
	case schema.Map:
		return "map[string]" + g.goType(t.Elem)
	case schema.Struct, schema.Enum:
		return upper(t.Named.Name)
	case schema.String, schema.Bool, schema.Int, schema.Float:
	}
	return t.String()
}

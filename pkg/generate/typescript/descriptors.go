package typescript

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/runnel-sse/runnel/pkg/schema"
)

// streams is the interface that the client's types are made of.
func (g *generator) streams(c *schema.Catalog) {
	g.line("")
	g.line("/** What there is to subscribe to. */")
	g.line("export interface Streams {")
	for i := range c.Streams {
		s := &c.Streams[i]
		g.stream = s
		lines := append(schema.DocLines(s.Doc), s.Name+", of the channels "+s.Template.String())
		g.doc("  ", strings.Join(lines, "\n"))
		g.line("  %s: {", schema.ClientName(s.Name))
		g.line("    key: %s;", g.key(s))
		g.line("    events: {")
		for j := range s.Events {
			name := s.Events[j].Name
			g.line("      %s: %s;", name, g.names.of(s, name))
		}
		g.line("    };")
		g.line("  };")
	}
	g.line("}")
}

// key is the type of what a channel's key is made of. The whole range of its
// integers is in a bigint alone.
func (g *generator) key(s *schema.Stream) string {
	var members []string
	for _, name := range s.Template.Fields() {
		f, _ := s.Events[0].Field(name) // every event has it
		typ := "string"
		switch f.Type.Kind {
		case schema.Int:
			typ = "string | number | bigint"
		case schema.Enum:
			typ = g.typ(&f.Type)
		}
		members = append(members, schema.Camel(name)+": "+typ)
	}
	if members == nil {
		return "Record<string, never>"
	}
	return "{ " + strings.Join(members, "; ") + " }"
}

// descriptors are the streams as data. What several events hold is said once.
func (g *generator) descriptors(c *schema.Catalog) {
	for i := range c.Streams {
		g.stream = &c.Streams[i]
		written := map[*schema.Named]bool{}
		for j := range g.stream.Events {
			g.shapes(g.stream.Events[j].Fields, written)
		}
	}
	g.line("")
	g.line("export const descriptors = {")
	g.line("  protocol: 1,")
	g.line("  int64: %s,", quote(g.int64))
	g.line("  streams: {")
	for i := range c.Streams {
		g.descriptor(&c.Streams[i])
	}
	g.line("  },")
	g.line("} as const satisfies Descriptors;")
}

func (g *generator) descriptor(s *schema.Stream) {
	g.stream = s
	g.line("    %s: {", schema.ClientName(s.Name))
	g.line("      stream: %s,", quote(s.Name))
	g.line("      template: %s,", quote(s.Template.String()))
	var keys []string
	for _, name := range s.Template.Fields() {
		keys = append(keys, schema.Camel(name)+": "+quote(name))
	}
	g.line("      key: %s,", braces(keys))
	g.line("      events: {")
	for i := range s.Events {
		e := &s.Events[i]
		g.line("        %s: {", e.Name)
		if paths := int64Paths(nil, "", e.Fields); paths != nil {
			g.line("          int64: [%s],", strings.Join(paths, ", "))
		}
		g.line("          fields: %s,", g.fields(e.Fields))
		g.line("        },")
	}
	g.line("      },")
	g.line("    },")
}

// shapes writes the named types of the fields, each after what it holds.
func (g *generator) shapes(fields []schema.Field, written map[*schema.Named]bool) {
	for i := range fields {
		for t := &fields[i].Type; t != nil; t = t.Elem {
			n := t.Named
			if n == nil || written[n] {
				continue
			}
			written[n] = true
			g.shapes(n.Fields, written)
			g.line("")
			if n.Values != nil {
				g.line("const %s = { oneOf: [%s] } as const satisfies Shape;", g.shapeName(n), literals(n.Values, ", "))
				continue
			}
			g.line("const %s = { fields: %s } as const satisfies Shape;", g.shapeName(n), g.fields(n.Fields))
		}
	}
}

// shapeName is a variable's, which no type's name clashes with.
func (g *generator) shapeName(n *schema.Named) string { return "shape" + g.names.of(g.stream, n.Name) }

func (g *generator) fields(fields []schema.Field) string {
	members := make([]string, len(fields))
	for i := range fields {
		members[i] = fields[i].JSON + ": " + g.shape(&fields[i].Type)
	}
	return braces(members)
}

func (g *generator) shape(t *schema.Type) string {
	switch t.Kind {
	case schema.Bool:
		return "'boolean'"
	case schema.Int:
		return "'integer'"
	case schema.Float:
		return "'number'"
	case schema.Optional:
		return "{ optional: " + g.shape(t.Elem) + " }"
	case schema.List:
		return "{ list: " + g.shape(t.Elem) + " }"
	case schema.Map:
		return "{ map: " + g.shape(t.Elem) + " }"
	case schema.Struct, schema.Enum:
		return g.shapeName(t.Named)
	}
	return "'string'"
}

// int64Paths are the places of 64-bit integers in data: 'a.b', 'list.*.n'.
func int64Paths(paths []string, at string, fields []schema.Field) []string {
	for i := range fields {
		path, t := at+fields[i].JSON, &fields[i].Type
		for t.Elem != nil {
			if t.Kind != schema.Optional {
				path += ".*"
			}
			t = t.Elem
		}
		switch {
		case t.Kind == schema.Int && t.Bits == 64:
			paths = append(paths, quote(path))
		case t.Kind == schema.Struct:
			paths = int64Paths(paths, path+".", t.Named.Fields)
		}
	}
	return paths
}

func braces(members []string) string {
	if len(members) == 0 {
		return "{}"
	}
	return "{ " + strings.Join(members, ", ") + " }"
}

// quote is a string literal: no text can end it.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('\'')
	for _, r := range s {
		switch {
		case r == '\'' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, `\u{%x}`, r)
		}
	}
	b.WriteByte('\'')
	return b.String()
}

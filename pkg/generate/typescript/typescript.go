// Package typescript writes a catalog as TypeScript: an interface for each event,
// the interface Streams that ties them to their streams, and the descriptors that
// the client in clients/typescript reads. What runs is in that client.
package typescript

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/runnel-sse/runnel/pkg/generate/ordered"
	"github.com/runnel-sse/runnel/pkg/schema"
)

// File is the one that is written.
const File = "typescript/streams.ts"

// What 64-bit integers are: JSON has them exact, and a number of JavaScript has
// not beyond 2^53.
const (
	Number = "number" // an event with one beyond is reported and not given
	BigInt = "bigint" // all of them, always
)

// client is the npm package that the file imports.
const client = "@runnel-sse/client"

// Files returns the files, by their paths. They depend on the catalog alone.
func Files(c *schema.Catalog, int64 string) (map[string][]byte, error) {
	names, err := nameTypes(c)
	if err != nil {
		return nil, err
	}
	g := &generator{names: names, int64: int64}
	g.line("// " + schema.Mark)
	g.line("import { createClient, type ClientOptions, type Descriptors, type SseClient } from '%s';", client)
	for i := range c.Streams {
		g.stream(&c.Streams[i])
	}
	g.streams(c)
	if err := g.descriptors(c); err != nil {
		return nil, err
	}
	g.doc("", "A client of these streams.")
	g.line("export const createSse = (options: ClientOptions): SseClient<Streams> => createClient<Streams>(descriptors, options);")
	return map[string][]byte{File: g.Bytes()}, nil
}

type generator struct {
	bytes.Buffer
	names map[string]string // of types, by stream and name
	int64 string
	owner string // the stream whose types are meant
}

func (g *generator) line(text string, args ...any) {
	if len(args) == 0 {
		g.WriteString(text + "\n")
		return
	}
	fmt.Fprintf(g, text+"\n", args...)
}

// doc is a comment that nothing in it can end.
func (g *generator) doc(indent, text string) {
	if text == "" {
		return
	}
	text = strings.ReplaceAll(text, "*/", "*\\/")
	lines := strings.Split(strings.Map(func(r rune) rune {
		if r == '\r' || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, text), "\n")
	if len(lines) == 1 {
		g.line("%s/** %s */", indent, lines[0])
		return
	}
	g.line("%s/**", indent)
	for _, l := range lines {
		g.line("%s", strings.TrimRight(indent+" * "+l, " "))
	}
	g.line("%s */", indent)
}

func (g *generator) stream(s *schema.Stream) {
	g.owner = s.Name
	for _, n := range s.Types {
		g.line("")
		g.doc("", n.Doc)
		name := g.names[s.Name+" "+n.Name]
		if len(n.Values) > 0 {
			var values []string
			for _, v := range n.Values {
				values = append(values, quote(v))
			}
			g.line("export type %s = %s;", name, strings.Join(values, " | "))
			continue
		}
		g.object(name, n.Fields)
	}
	for i := range s.Events {
		e := &s.Events[i]
		g.line("")
		g.doc("", e.Doc)
		g.object(g.names[s.Name+" "+e.Name], e.Fields)
	}
}

func (g *generator) object(name string, fields []schema.Field) {
	if len(fields) == 0 {
		g.line("export type %s = Record<string, unknown>;", name)
		return
	}
	g.line("export interface %s {", name)
	for i := range fields {
		f := &fields[i]
		g.doc("  ", strings.TrimSpace(f.Doc+notes[f.Type.Kind]))
		t, mark := &f.Type, ""
		if t.Kind == schema.Optional {
			mark = "?"
		}
		g.line("  %s%s: %s;", property(f.JSON), mark, g.typ(t))
	}
	g.line("}")
}

// notes say what a string is.
var notes = map[schema.Kind]string{schema.Bytes: " (base64, padded)", schema.Time: " (RFC 3339)"}

func (g *generator) typ(t *schema.Type) string {
	switch t.Kind {
	case schema.Bool:
		return "boolean"
	case schema.Int:
		if t.Bits == 64 {
			return g.int64
		}
		return "number"
	case schema.Float:
		return "number"
	case schema.Optional:
		return g.typ(t.Elem) + " | null"
	case schema.List:
		return "Array<" + g.typ(t.Elem) + ">"
	case schema.Map:
		return "Record<string, " + g.typ(t.Elem) + ">"
	case schema.Struct, schema.Enum:
		return g.names[g.owner+" "+t.Named.Name]
	}
	return "string" // String, Bytes, Time
}

// streams is the interface that the client is typed by.
func (g *generator) streams(c *schema.Catalog) {
	g.line("")
	g.doc("", "The streams, their keys and their events.")
	g.line("export interface Streams {")
	for i := range c.Streams {
		s := &c.Streams[i]
		g.doc("  ", s.Doc)
		g.line("  %s: {", property(schema.ClientName(s.Name)))
		var keys []string
		for _, f := range s.Template.Fields() {
			keys = append(keys, property(schema.Camel(f))+": "+g.key(s, f))
		}
		if len(keys) == 0 {
			g.line("    key: Record<string, never>;")
		} else {
			g.line("    key: { %s };", strings.Join(keys, "; "))
		}
		g.line("    events: {")
		for j := range s.Events {
			e := &s.Events[j]
			g.line("      %s: %s;", property(e.Name), g.names[s.Name+" "+e.Name])
		}
		g.line("    };")
		g.line("  };")
	}
	g.line("}")
}

// key is the type of a field of a channel's key: what every event has there.
func (g *generator) key(s *schema.Stream, field string) string {
	for i := range s.Events {
		if f, ok := s.Events[i].Field(field); ok && f.Type.Kind == schema.Int {
			return "string | number | bigint"
		}
	}
	return "string"
}

func (g *generator) descriptors(c *schema.Catalog) error {
	streams := ordered.Object{}
	for i := range c.Streams {
		s := &c.Streams[i]
		key, events := ordered.Object{}, ordered.Object{}
		for _, f := range s.Template.Fields() {
			key = key.With(schema.Camel(f), f)
		}
		for j := range s.Events {
			e := &s.Events[j]
			d := ordered.Object{}
			if paths := int64Paths(e.Fields, ""); len(paths) > 0 {
				d = d.With("int64", paths)
			}
			if len(e.Fields) > 0 {
				d = d.With("fields", shapes(e.Fields))
			}
			events = events.With(e.Name, d)
		}
		streams = streams.With(schema.ClientName(s.Name), ordered.Of(
			"stream", s.Name, "template", s.Template.String(), "key", key, "events", events,
		))
	}
	text, err := ordered.Of("protocol", 1, "int64", g.int64, "streams", streams).Indent()
	if err != nil {
		return fmt.Errorf("typescript: descriptors: %w", err)
	}
	g.line("")
	g.doc("", "What the client has to know of them.")
	g.line("export const descriptors: Descriptors = %s;", text)
	g.line("")
	return nil
}

// property is a name as the member of an object: quoted where it is no identifier.
func property(name string) string {
	if identifier(name) {
		return name
	}
	return quote(name)
}

func quote(s string) string {
	b, _ := json.Marshal(s) // a string: cannot fail
	return string(b)
}

func identifier(s string) bool {
	if s == "" || '0' <= s[0] && s[0] <= '9' {
		return false
	}
	return !slices.ContainsFunc([]byte(s), func(b byte) bool {
		return !('a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9' || b == '_' || b == '$')
	})
}

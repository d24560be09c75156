// Package typescript writes the types of a catalog's events for TypeScript, and
// the descriptors that the client library (clients/typescript) works from. All
// that runs is in the library: what is written here are declarations and data.
package typescript

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/runnel-sse/runnel/pkg/schema"
)

// File is the one file that is written.
const File = "typescript/streams.ts"

// What integers of 64 bits are: JSON has them exact, and a number of JavaScript
// has not beyond 2^53.
const (
	Number = "number" // an event with one beyond is reported and not given
	BigInt = "bigint" // all of them, always
)

// Files returns File; int64 is Number or BigInt. An error holds a *schema.Refusal
// for each name that cannot be given in TypeScript.
func Files(c *schema.Catalog, int64 string) (map[string][]byte, error) {
	n, err := namesOf(c)
	if err != nil {
		return nil, err
	}
	g := &generator{names: n, int64: int64}
	g.line("// %s", schema.Mark)
	g.line("import { createClient } from '@runnel-sse/client';")
	g.line("import type { ClientOptions, Descriptors, %sSseClient } from '@runnel-sse/client';", shapeImport(c))
	for i := range c.Streams {
		g.types(&c.Streams[i])
	}
	g.streams(c)
	g.descriptors(c)
	g.line("")
	g.line("/** The client of these streams. */")
	g.line("export const createSse = (o: ClientOptions): SseClient<Streams> => createClient<Streams>(descriptors, o);")
	return map[string][]byte{File: g.Bytes()}, nil
}

// shapeImport is there only where it is used: compilers are told to mind.
func shapeImport(c *schema.Catalog) string {
	for i := range c.Streams {
		if len(c.Streams[i].Types) > 0 {
			return "Shape, "
		}
	}
	return ""
}

type generator struct {
	bytes.Buffer
	names  *names
	int64  string
	stream *schema.Stream // whose types are meant
}

func (g *generator) line(text string, args ...any) {
	if len(args) == 0 {
		g.WriteString(text + "\n")
		return
	}
	fmt.Fprintf(g, text+"\n", args...)
}

// types are those of a stream's events and of what is in them.
func (g *generator) types(s *schema.Stream) {
	g.stream = s
	for _, n := range s.Types {
		g.line("")
		g.doc("", n.Doc)
		if n.Values != nil {
			g.line("export type %s = %s;", g.names.of(s, n.Name), literals(n.Values, " | "))
			continue
		}
		g.structure(g.names.of(s, n.Name), n.Fields)
	}
	for i := range s.Events {
		e := &s.Events[i]
		g.line("")
		g.doc("", e.Doc)
		g.structure(g.names.of(s, e.Name), e.Fields)
	}
}

func (g *generator) structure(name string, fields []schema.Field) {
	if len(fields) == 0 {
		g.line("export interface %s {}", name)
		return
	}
	g.line("export interface %s {", name)
	for i := range fields {
		f := &fields[i]
		g.doc("  ", f.Doc, g.notes(&f.Type)...)
		mark := ""
		if f.Type.Kind == schema.Optional {
			mark = "?"
		}
		g.line("  %s%s: %s;", f.JSON, mark, g.typ(&f.Type))
	}
	g.line("}")
}

// notes say what a type does not.
func (g *generator) notes(t *schema.Type) []string {
	switch t.Kind {
	case schema.Optional, schema.List, schema.Map:
		return g.notes(t.Elem)
	case schema.Bytes:
		return []string{"Base64, padded."}
	case schema.Time:
		return []string{"RFC 3339, such as 2026-01-31T15:04:05Z."}
	case schema.Int:
		if t.Bits == 64 && g.int64 == Number {
			return []string{t.String() + ": beyond 2^53 the event is reported to onError, not rounded."}
		}
	}
	return nil
}

// doc writes a comment that nothing in the text can leave, nor speak from to the
// compiler: it reads @ts-ignore in such comments too.
func (g *generator) doc(indent, doc string, notes ...string) {
	lines := schema.DocLines(doc)
	lines = append(lines, notes...)
	for i := range lines {
		lines[i] = safe.Replace(lines[i])
	}
	switch len(lines) {
	case 0:
	case 1:
		g.line("%s/** %s */", indent, lines[0])
	default:
		g.line("%s/**", indent)
		for _, l := range lines {
			g.line("%s", strings.TrimRight(indent+" * "+l, " "))
		}
		g.line("%s */", indent)
	}
}

var safe = strings.NewReplacer("*/", `*\/`, "@", `\@`)

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
		if t.Elem.Kind == schema.Optional {
			return "(" + g.typ(t.Elem) + ")[]"
		}
		return g.typ(t.Elem) + "[]"
	case schema.Map:
		return "Record<string, " + g.typ(t.Elem) + ">"
	case schema.Struct, schema.Enum:
		return g.names.of(g.stream, t.Named.Name)
	}
	return "string" // and what is written as one: bytes and times
}

func literals(values []string, between string) string {
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = quote(v)
	}
	return strings.Join(quoted, between)
}

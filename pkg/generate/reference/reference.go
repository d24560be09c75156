// Package reference writes a page for people: the streams, their channels, and
// each event with its fields and a frame as a reader gets it.
package reference

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/runnel-sse/runnel/pkg/schema"
)

// File is the page.
const File = "streams.md"

// Files returns the page. It depends on the catalog alone.
func Files(c *schema.Catalog) (map[string][]byte, error) {
	w := &writer{}
	w.line("<!-- %s -->", schema.Mark)
	w.line("")
	w.line("# Streams")
	w.line("")
	w.line("| stream | in clients | channel | who may read | kept for |")
	w.line("|---|---|---|---|---|")
	for i := range c.Streams {
		s := &c.Streams[i]
		w.line("| [%s](#%s) | `%s` | `%s:%s` | %s | %s |", s.Name, strings.ToLower(s.Name), schema.ClientName(s.Name), s.Name, s.Template, policy(s), s.Retention)
	}
	for i := range c.Streams {
		if err := w.stream(&c.Streams[i]); err != nil {
			return nil, err
		}
	}
	w.line("")
	w.line("In TypeScript and Elm, a type whose name the language or the client has already gets an underscore behind it, and one that several streams have stands behind its stream's name.")
	return map[string][]byte{File: w.Bytes()}, nil
}

type writer struct{ bytes.Buffer }

func (w *writer) line(text string, args ...any) { fmt.Fprintf(w, text+"\n", args...) }

func policy(s *schema.Stream) string {
	if s.Policy == schema.PolicyOwner {
		return fmt.Sprintf("owner: %s equals the claim %s", code(s.Owner.Field), code(s.Owner.Claim))
	}
	return string(s.Policy)
}

func (w *writer) stream(s *schema.Stream) error {
	w.line("")
	w.line("## %s", s.Name)
	w.text(s.Doc)
	for _, l := range settings(s) {
		w.line("- %s", l)
	}
	for i := range s.Events {
		e := &s.Events[i]
		w.line("")
		w.line("### %s", plain(e.Name))
		w.text(e.Doc)
		w.fields(e.Fields)
		frame, err := example(s, e)
		if err != nil {
			return fmt.Errorf("reference: %s of %s: %w", e.Name, s.Name, err)
		}
		w.line("")
		w.line("```")
		w.line("id: …")
		w.line("event: %s", e.Name)
		w.line("data: %s", strings.ReplaceAll(frame, "```", "`\\u0060`"))
		w.line("```")
	}
	for _, n := range s.Types {
		w.line("")
		w.line("### %s", plain(n.Name))
		w.text(n.Doc)
		if len(n.Values) == 0 {
			w.fields(n.Fields)
			continue
		}
		var values []string
		for _, v := range n.Values {
			values = append(values, code(v))
		}
		w.line("")
		w.line("One of %s.", strings.Join(values, ", "))
	}
	return nil
}

func settings(s *schema.Stream) []string {
	var all []string
	add := func(has bool, text string, args ...any) {
		if has {
			all = append(all, fmt.Sprintf(text, args...))
		}
	}
	add(s.Limit > 0, "a channel has at most %d subscribers", s.Limit)
	add(s.UserLimit > 0, "a user has at most %d connections", s.UserLimit)
	add(s.AddressLimit > 0, "an address has at most %d connections", s.AddressLimit)
	add(s.Presence, "who is there is said by `sse.joined` and `sse.left`, after a grace time of %v", s.Grace)
	if s.Economy != nil {
		add(true, "readers are parked: connected for %v, away for %v", s.Economy.Open, s.Economy.Closed)
	}
	add(s.Budget > 0, "at most %v of connection in a month", s.Budget)
	return all
}

// text is a doc comment as a paragraph in which nothing is markup.
func (w *writer) text(doc string) {
	w.line("")
	if doc = strings.TrimSpace(doc); doc != "" {
		w.line("%s", plain(doc))
		w.line("")
	}
}

func (w *writer) fields(fields []schema.Field) {
	if len(fields) == 0 {
		w.line("No fields.")
		return
	}
	w.line("| field | is | |")
	w.line("|---|---|---|")
	for i := range fields {
		f := &fields[i]
		w.line("| %s | %s | %s |", code(f.JSON), plain(f.Type.String()), plain(f.Doc))
	}
}

// code is text as code. Between backticks entities would be seen as they are.
func code(s string) string { return "<code>" + plain(s) + "</code>" }

// plain is text in which Markdown and HTML see nothing but text.
func plain(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	number := strings.TrimLeft(s, "0123456789")
	list := len(s) - len(number) // where a "." would make the line an item of a list
	var b strings.Builder
	for i, r := range s {
		switch {
		case strings.ContainsRune("<>&`|\\*[]#~!", r),
			r == '_' && !(within(s, i-1) && within(s, i+1)),
			i == 0 && strings.ContainsRune("-+=", r),
			i > 0 && i == list && (r == '.' || r == ')'):
			fmt.Fprintf(&b, "&#%d;", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// within reports whether a letter or digit stands there: what is between two of
// them is no emphasis.
func within(s string, i int) bool {
	return i >= 0 && i < len(s) && (s[i] >= 'a' && s[i] <= 'z' || s[i] >= 'A' && s[i] <= 'Z' || s[i] >= '0' && s[i] <= '9')
}

// example is data that the definition allows.
func example(s *schema.Stream, e *schema.Event) (string, error) {
	data, err := json.Marshal(sample(e.Fields))
	if err != nil {
		return "", err
	}
	c := schema.Catalog{Streams: []schema.Stream{*s}}
	if err := c.Check(s.Name, e.Name, data); err != nil {
		return "", err
	}
	return string(data), nil
}

func sample(fields []schema.Field) json.RawMessage {
	var b bytes.Buffer
	b.WriteByte('{')
	for i := range fields {
		f := &fields[i]
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		name, _ := json.Marshal(f.JSON) // a string: cannot fail
		b.Write(name)
		b.WriteByte(':')
		b.WriteString(value(&f.Type, f.JSON))
	}
	b.WriteByte('}')
	return b.Bytes()
}

func value(t *schema.Type, name string) string {
	switch t.Kind {
	case schema.Bool:
		return "true"
	case schema.Int:
		if strings.HasSuffix(name, "_id") || t.Bits < 32 {
			return "7"
		}
		return "42"
	case schema.Float:
		return "1.5"
	case schema.Bytes:
		return `"aGk="`
	case schema.Time:
		return `"2026-01-31T15:04:05Z"`
	case schema.Optional:
		return value(t.Elem, name)
	case schema.List:
		return "[" + value(t.Elem, name) + "]"
	case schema.Map:
		return `{"key":` + value(t.Elem, name) + "}"
	case schema.Enum:
		b, _ := json.Marshal(t.Named.Values[0]) // a string: cannot fail
		return string(b)
	case schema.Struct:
		return string(sample(t.Named.Fields))
	}
	if strings.HasSuffix(name, "id") {
		return `"42"`
	}
	return `"…"`
}

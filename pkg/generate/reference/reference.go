// Package reference writes a page for people: the streams, their channels, and
// each event with its fields and a frame as a reader gets it.
package reference

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/runnel-sse/runnel/pkg/schema"
	"github.com/runnel-sse/runnel/pkg/schema/sample"
)

// File is the page.
const File = "streams.md"

// Renamed is a type that a language calls other than its definition does.
type Renamed struct {
	Language, Stream, Name, As string
}

// Files returns the page, with the names that are others in some language.
func Files(c *schema.Catalog, renamed []Renamed) (map[string][]byte, error) {
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
		w.stream(&c.Streams[i])
	}
	w.names(renamed)
	return map[string][]byte{File: w.Bytes()}, nil
}

// names says by which rule names change, and which did.
func (w *writer) names(renamed []Renamed) {
	w.line("")
	w.line("## Names in clients")
	w.line("")
	w.line("A type whose name the language or the client has already gets an underscore behind it, and one that several streams have stands behind its stream's name. On the wire nothing changes.")
	if len(renamed) == 0 {
		return
	}
	w.line("")
	w.line("| language | stream | type | is called |")
	w.line("|---|---|---|---|")
	for _, r := range renamed {
		w.line("| %s | %s | %s | %s |", r.Language, r.Stream, code(r.Name), code(r.As))
	}
}

type writer struct{ bytes.Buffer }

func (w *writer) line(text string, args ...any) { fmt.Fprintf(w, text+"\n", args...) }

func policy(s *schema.Stream) string {
	if s.Policy == schema.PolicyOwner {
		return fmt.Sprintf("owner: %s equals the claim %s", code(s.Owner.Field), code(s.Owner.Claim))
	}
	return string(s.Policy)
}

func (w *writer) stream(s *schema.Stream) {
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
		data := string(sample.Data(s, e))
		w.line("")
		w.line("```")
		w.line("id: …")
		w.line("event: %s", e.Name)
		w.line("data: %s", strings.ReplaceAll(data, "```", "`\\u0060`"))
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
	s = strings.Join(strings.Fields(strings.Join(schema.DocLines(s), " ")), " ")
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

package schematest

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/runnel-sse/runnel/pkg/schema"
)

// File is the name of the stream's definition, which ends in ext: ".go" or ".rs".
func File(s *schema.Stream, ext string) string {
	return strings.TrimSuffix(s.Name, "Stream") + "_sse" + ext
}

// writer writes source, line by line.
type writer struct{ bytes.Buffer }

func (w *writer) line(text string, args ...any) { fmt.Fprintf(w, text+"\n", args...) }

// comment writes a comment whose lines begin with slashes.
func (w *writer) comment(slashes, doc string) {
	for line := range strings.SplitSeq(doc, "\n") {
		if doc != "" {
			w.line("%s", strings.TrimRight(slashes+" "+line, " "))
		}
	}
}

// directives write what is said of the whole stream, with its documentation.
func (w *writer) directives(s *schema.Stream) {
	w.comment("//", s.Doc)
	if s.Doc != "" {
		w.line("//")
	}
	w.line("//sse:channel %s", s.Template)
	policy := string(s.Policy)
	if s.Policy == schema.PolicyOwner {
		policy += " " + s.Owner.Field + " " + s.Owner.Claim
	}
	w.line("//sse:policy %s", policy)
	w.line("//sse:retention %s", s.Retention)
	for _, limit := range []struct {
		of string
		n  int
	}{{"", s.Limit}, {"user ", s.UserLimit}, {"address ", s.AddressLimit}} {
		if limit.n > 0 {
			w.line("//sse:limit %s%d", limit.of, limit.n)
		}
	}
	if s.Presence {
		w.line("//sse:presence grace %s", s.Grace)
	}
	if s.Economy != nil {
		w.line("//sse:economy open %s closed %s", s.Economy.Open, s.Economy.Closed)
	}
	if s.Budget > 0 {
		w.line("//sse:budget %s", s.Budget.Truncate(time.Hour))
	}
	if f := s.Function; f != nil {
		w.line("//sse:function %s memory %d concurrency %d lease %s", f.Name, f.Memory, f.Concurrency, f.Lease)
	}
	w.line("")
}

// Go is the stream's definition as Go.
func Go(s *schema.Stream) []byte {
	w := &writer{}
	w.line("package events\n\nimport \"time\"\n\nvar _ time.Time\n")
	w.directives(s)
	for i := range s.Events {
		w.goStruct(s.Events[i].Name, s.Events[i].Doc, s.Events[i].Fields)
	}
	for _, n := range s.Types {
		if n.Values == nil {
			w.goStruct(n.Name, n.Doc, n.Fields)
			continue
		}
		w.comment("//", n.Doc)
		w.line("type %s string\n\nconst (", n.Name)
		for i, v := range n.Values {
			w.line("\t%sValue%d %s = %s", n.Name, i, n.Name, strconv.Quote(v))
		}
		w.line(")\n")
	}
	return w.Bytes()
}

func (w *writer) goStruct(name, doc string, fields []schema.Field) {
	w.comment("//", doc)
	w.line("type %s struct {", name)
	for i := range fields {
		f := &fields[i]
		w.comment("\t//", f.Doc)
		t, option := f.Type, ""
		if t.Kind == schema.Optional && len(f.JSON)%2 == 0 { // the other way to say it
			t, option = *t.Elem, ",omitempty"
			if t.Kind == schema.Time || t.Kind == schema.Struct {
				option = ",omitzero"
			}
		}
		w.line("\t%s %s `json:\"%s%s\"`", f.Name, goType(&t), f.JSON, option)
	}
	w.line("}\n")
}

func goType(t *schema.Type) string {
	switch t.Kind {
	case schema.String, schema.Bool, schema.Int, schema.Float:
		return t.String()
	case schema.Bytes:
		return "[]byte"
	case schema.Time:
		return "time.Time"
	case schema.Optional:
		return "*" + goType(t.Elem)
	case schema.List:
		return "[]" + goType(t.Elem)
	case schema.Map:
		return "map[string]" + goType(t.Elem)
	}
	return t.Named.Name
}

// Rust is the stream's definition as Rust.
func Rust(s *schema.Stream) []byte {
	w := &writer{}
	w.directives(s)
	for i := range s.Events {
		w.rustStruct(s.Events[i].Name, s.Events[i].Doc, s.Events[i].Fields)
	}
	for _, n := range s.Types {
		if n.Values == nil {
			w.rustStruct(n.Name, n.Doc, n.Fields)
			continue
		}
		w.comment("///", n.Doc)
		w.line("#[derive(serde::Serialize, serde::Deserialize)]\npub enum %s {", n.Name)
		for i, v := range n.Values {
			w.line("    #[serde(rename = %s)]\n    V%d,", rustQuote(v), i)
		}
		w.line("}\n")
	}
	return w.Bytes()
}

func (w *writer) rustStruct(name, doc string, fields []schema.Field) {
	w.comment("///", doc)
	w.line("#[derive(serde::Serialize, serde::Deserialize)]\npub struct %s {", name)
	for i := range fields {
		f := &fields[i]
		w.comment("    ///", f.Doc)
		t := f.Type
		if t.Kind == schema.Optional && t.Elem.Named == nil && len(f.JSON)%2 == 0 { // the other way to say it, of what has a default
			t = *t.Elem
			w.line("    #[serde(default)]")
		}
		if bytesIn(&t) {
			w.line("    #[serde(with = \"base64_json\")]")
		}
		if i%2 == 0 {
			w.line("    #[serde(rename = %s)]\n    pub field_%d: %s,", rustQuote(f.JSON), i, rustType(&t))
		} else {
			w.line("    pub r#%s: %s,", f.JSON, rustType(&t))
		}
	}
	w.line("}\n")
}

func bytesIn(t *schema.Type) bool {
	return t != nil && (t.Kind == schema.Bytes || bytesIn(t.Elem))
}

func rustType(t *schema.Type) string {
	switch t.Kind {
	case schema.String:
		return "String"
	case schema.Int:
		return map[bool]string{false: "i", true: "u"}[t.Unsigned] + strconv.Itoa(t.Bits)
	case schema.Float:
		return "f" + strconv.Itoa(t.Bits)
	case schema.Bytes:
		return "Vec<u8>"
	case schema.Time:
		return "chrono::DateTime<chrono::Utc>"
	case schema.Optional:
		return "Option<" + rustType(t.Elem) + ">"
	case schema.List:
		return "Vec<" + rustType(t.Elem) + ">"
	case schema.Map:
		return "std::collections::BTreeMap<String, " + rustType(t.Elem) + ">"
	case schema.Bool:
		return "bool"
	}
	return t.Named.Name
}

func rustQuote(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r < ' ' || r == '"' || r == '\\' {
			fmt.Fprintf(&b, `\u{%x}`, r)
			continue
		}
		b.WriteRune(r)
	}
	return `"` + b.String() + `"`
}

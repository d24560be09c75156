package main

import (
	"encoding/json"
	"strings"

	"github.com/runnel-sse/runnel/pkg/schema"
)

// The catalog as the page reads it.
type (
	streamInfo struct {
		Name     string      `json:"name"`
		Doc      string      `json:"doc,omitempty"`
		Template string      `json:"template"`
		Public   bool        `json:"public"` // read by everybody, signed in or not
		Fields   []string    `json:"fields"` // of the template
		Events   []eventInfo `json:"events"`
	}
	eventInfo struct {
		Name   string `json:"name"`
		Doc    string `json:"doc,omitempty"`
		Sample object `json:"sample"` // data that the definition allows
	}
)

func describe(c *schema.Catalog) []byte {
	streams := []streamInfo{}
	for _, s := range c.Streams {
		info := streamInfo{Name: s.Name, Doc: s.Doc, Template: s.Template.String(), Fields: s.Template.Fields(), Public: s.Policy == schema.PolicyPublic, Events: []eventInfo{}}
		if info.Fields == nil {
			info.Fields = []string{}
		}
		for _, e := range s.Events {
			info.Events = append(info.Events, eventInfo{e.Name, e.Doc, sample(e.Fields, schema.MaxDepth)})
		}
		streams = append(streams, info)
	}
	body, _ := json.Marshal(map[string]any{"streams": streams}) // plain values: cannot fail
	return body
}

// object is a JSON object that keeps the order of its members: a definition's
// own order is the one that its reader knows.
type object []member

type member struct {
	name  string
	value any
}

// MarshalJSON is json.Marshaler's.
func (o object) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, m := range o {
		if i > 0 {
			b = append(b, ',')
		}
		name, _ := json.Marshal(m.name) // a string: cannot fail
		value, err := json.Marshal(m.value)
		if err != nil {
			return nil, err
		}
		b = append(append(append(b, name...), ':'), value...)
	}
	return append(b, '}'), nil
}

// sample is an object that the definition allows. depth ends what contains itself.
func sample(fields []schema.Field, depth int) object {
	o := object{}
	for _, f := range fields {
		if f.Type.Kind != schema.Optional {
			o = append(o, member{f.JSON, sampleOf(f.JSON, f.Type, depth-1)})
		}
	}
	return o
}

func sampleOf(name string, t schema.Type, depth int) any {
	if depth < 0 {
		return nil
	}
	switch t.Kind {
	case schema.String:
		return sampleText(name)
	case schema.Bool:
		return true
	case schema.Int, schema.Float:
		return sampleNumber(name, t.Bits)
	case schema.Bytes:
		return "aGVsbG8="
	case schema.Time:
		return "2026-01-02T15:04:05Z"
	case schema.List:
		return []any{}
	case schema.Map:
		return object{}
	case schema.Struct:
		return sample(t.Named.Fields, depth)
	case schema.Enum:
		if len(t.Named.Values) > 0 {
			return t.Named.Values[0]
		}
	}
	return nil
}

func sampleText(name string) string {
	switch {
	case strings.HasSuffix(name, "_id"):
		return "1"
	case strings.HasSuffix(name, "name"):
		return "Ada"
	case strings.Contains(name, "text"), strings.Contains(name, "message"):
		return "Hello"
	case name == "symbol":
		return "ACME"
	case name == "severity":
		return "info"
	case name == "sent_to":
		return "ada@example.com"
	}
	return "some " + strings.ReplaceAll(name, "_", " ")
}

func sampleNumber(name string, bits int) int {
	if bits == 64 && (name == "timestamp" || strings.HasSuffix(name, "_at")) {
		return 1763900000
	}
	if bits == 64 && name == "at" {
		return 1763900000000
	}
	return 7
}

// Package jsonschema writes the data of each event as JSON Schema 2020-12: what
// pkg/schema accepts, the schema accepts, and nothing else that JSON Schema can
// tell apart: to it 1.0 is an integer, and a validator that reads numbers as
// doubles rounds the bounds of 64 bits. Members that a definition does not know
// are allowed, as they are there.
package jsonschema

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"

	"github.com/runnel-sse/runnel/pkg/generate/ordered"
	"github.com/runnel-sse/runnel/pkg/schema"
)

// dialect is the version of JSON Schema.
const dialect = "https://json-schema.org/draft/2020-12/schema"

// Files returns jsonschema/{Stream}/{Event}.json for every event. They depend on the
// catalog alone.
func Files(c *schema.Catalog) (map[string][]byte, error) {
	files := map[string][]byte{}
	for i := range c.Streams {
		s := &c.Streams[i]
		for j := range s.Events {
			e := &s.Events[j]
			text, err := Event(s, e)
			if err != nil {
				return nil, fmt.Errorf("jsonschema: %s of %s: %w", e.Name, s.Name, err)
			}
			files["jsonschema/"+s.Name+"/"+e.Name+".json"] = text
		}
	}
	return files, nil
}

// Event returns the schema of one event's data.
func Event(s *schema.Stream, e *schema.Event) ([]byte, error) {
	root := ordered.Of(
		"$comment", schema.Mark,
		"$schema", dialect,
		"$id", "urn:runnel:"+s.Name+":"+e.Name,
		"title", e.Name,
	)
	root = append(root, object(e.Doc, e.Fields)...)
	if defs := definitions(s, e); len(defs) > 0 {
		root = root.With("$defs", defs)
	}
	text, err := root.Indent()
	if err != nil {
		return nil, err
	}
	return append(text, '\n'), nil
}

// object is the schema of an object with these fields.
func object(doc string, fields []schema.Field) ordered.Object {
	var n ordered.Object
	if doc != "" {
		n = n.With("description", doc)
	}
	properties, required := ordered.Object{}, []string{}
	for i := range fields {
		f := &fields[i]
		p := typ(&f.Type)
		if f.Doc != "" {
			p = append(ordered.Of("description", f.Doc), p...)
		}
		properties = properties.With(f.JSON, p)
		if f.Type.Kind != schema.Optional {
			required = append(required, f.JSON)
		}
	}
	n = n.With("type", "object").With("properties", properties)
	if len(required) > 0 {
		n = n.With("required", required)
	}
	return n
}

// definitions are the named types that the event is made of.
func definitions(s *schema.Stream, e *schema.Event) ordered.Object {
	used := map[*schema.Named]bool{}
	for i := range e.Fields {
		use(&e.Fields[i].Type, used)
	}
	var defs ordered.Object
	for _, n := range s.Types {
		switch {
		case !used[n]:
		case len(n.Values) > 0:
			d := ordered.Object{}
			if n.Doc != "" {
				d = d.With("description", n.Doc)
			}
			defs = defs.With(n.Name, d.With("enum", n.Values))
		default:
			defs = defs.With(n.Name, object(n.Doc, n.Fields))
		}
	}
	return defs
}

func use(t *schema.Type, used map[*schema.Named]bool) {
	switch {
	case t.Elem != nil:
		use(t.Elem, used)
	case t.Named != nil && !used[t.Named]:
		used[t.Named] = true
		for i := range t.Named.Fields {
			use(&t.Named.Fields[i].Type, used)
		}
	}
}

func typ(t *schema.Type) ordered.Object {
	switch t.Kind {
	case schema.Bool:
		return ordered.Of("type", "boolean")
	case schema.Int:
		low, high := bounds(t)
		return ordered.Of("type", "integer", "minimum", low, "maximum", high)
	case schema.Float:
		if t.Bits == 32 {
			return ordered.Of("type", "number", "minimum", -math.MaxFloat32, "maximum", math.MaxFloat32)
		}
		return ordered.Of("type", "number")
	case schema.Bytes:
		return ordered.Of("type", "string", "contentEncoding", "base64", "pattern", base64)
	case schema.Time:
		return ordered.Of("type", "string", "format", "date-time", "pattern", rfc3339)
	case schema.Optional:
		return ordered.Of("anyOf", []ordered.Object{typ(t.Elem), ordered.Of("type", "null")})
	case schema.List:
		return ordered.Of("type", "array", "items", typ(t.Elem))
	case schema.Map:
		return ordered.Of("type", "object", "additionalProperties", typ(t.Elem))
	case schema.Struct, schema.Enum:
		return ordered.Of("$ref", "#/$defs/"+t.Named.Name)
	}
	return ordered.Of("type", "string")
}

// rfc3339 is for validators that take a format for a mere note.
const rfc3339 = `^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})$`

const base64 = `^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$`

// bounds are exact: 64 bits do not fit into a float.
func bounds(t *schema.Type) (low, high json.Number) {
	one := big.NewInt(1)
	if t.Unsigned {
		return "0", json.Number(new(big.Int).Sub(new(big.Int).Lsh(one, uint(t.Bits)), one).String())
	}
	half := new(big.Int).Lsh(one, uint(t.Bits-1))
	return json.Number(new(big.Int).Neg(half).String()), json.Number(new(big.Int).Sub(half, one).String())
}

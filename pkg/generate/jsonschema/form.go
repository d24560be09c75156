package jsonschema

import (
	"encoding/json"
	"math/big"
	"strings"

	"github.com/runnel-sse/runnel/pkg/generate/ordered"
	"github.com/runnel-sse/runnel/pkg/schema"
)

// Refer names the schema of a named type, for $ref.
type Refer func(*schema.Named) string

// Fields is the schema of an object with these fields, and perhaps others.
func Fields(doc string, fields []schema.Field, refer Refer) ordered.Object {
	o := described(doc, "type", "object")
	properties, required := ordered.Object{}, []string{}
	for i := range fields {
		f := &fields[i]
		member := typ(&f.Type, refer)
		if d := text(f.Doc); d != "" {
			member = append(ordered.Of("description", d), member...)
		}
		properties = properties.With(f.JSON, member)
		if f.Type.Kind != schema.Optional {
			required = append(required, f.JSON)
		}
	}
	o = o.With("properties", properties)
	if len(required) > 0 {
		o = o.With("required", required)
	}
	return o.With("additionalProperties", true)
}

// Named is the schema that Refer names.
func Named(n *schema.Named, refer Refer) ordered.Object {
	if n.Values == nil {
		return Fields(n.Doc, n.Fields, refer)
	}
	return described(n.Doc, "type", "string").With("enum", n.Values)
}

// namedIn are the named types of the fields, each once, after what they hold.
func namedIn(fields []schema.Field) []*schema.Named {
	var list []*schema.Named
	seen := map[*schema.Named]bool{}
	var visit func(fields []schema.Field)
	visit = func(fields []schema.Field) {
		for i := range fields {
			for t := &fields[i].Type; t != nil; t = t.Elem {
				if t.Named != nil && !seen[t.Named] {
					seen[t.Named] = true
					visit(t.Named.Fields)
					list = append(list, t.Named)
				}
			}
		}
	}
	visit(fields)
	return list
}

func described(doc, key string, value any) ordered.Object {
	o := ordered.Of(key, value)
	if d := text(doc); d != "" {
		o = append(ordered.Of("description", d), o...)
	}
	return o
}

func text(doc string) string { return strings.Join(schema.DocLines(doc), "\n") }

// What Check takes for base64 and for a time, without the days of each month,
// which format has.
const (
	base64 = `^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$`
	moment = `^[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]+)?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$`
)

// typ is the schema of a type.
func typ(t *schema.Type, refer Refer) ordered.Object {
	switch t.Kind {
	case schema.Bool:
		return ordered.Of("type", "boolean")
	case schema.Int:
		least, most := bounds(t)
		return ordered.Of("type", "integer", "minimum", least, "maximum", most)
	case schema.Float:
		if t.Bits == 32 {
			return ordered.Of("type", "number", "exclusiveMinimum", "-"+beyond32, "exclusiveMaximum", beyond32)
		}
		return ordered.Of("type", "number")
	case schema.Bytes:
		return ordered.Of("type", "string", "contentEncoding", "base64", "pattern", base64)
	case schema.Time:
		return ordered.Of("type", "string", "format", "date-time", "pattern", moment)
	case schema.Optional:
		return ordered.Of("anyOf", []ordered.Object{typ(t.Elem, refer), ordered.Of("type", "null")})
	case schema.List:
		return ordered.Of("type", "array", "items", typ(t.Elem, refer))
	case schema.Map:
		return ordered.Of("type", "object", "additionalProperties", typ(t.Elem, refer))
	case schema.Struct, schema.Enum:
		return ordered.Of("$ref", refer(t.Named))
	}
	return ordered.Of("type", "string")
}

// beyond32 is the least number that rounds to the infinity of float32.
const beyond32 = json.Number("340282356779733661637539395458142568448")

// bounds are the ends of an integer type, exact.
func bounds(t *schema.Type) (least, most json.Number) {
	one := big.NewInt(1)
	if t.Unsigned {
		end := new(big.Int).Lsh(one, uint(t.Bits))
		return "0", json.Number(end.Sub(end, one).String())
	}
	end := new(big.Int).Lsh(one, uint(t.Bits-1))
	return json.Number("-" + end.String()), json.Number(new(big.Int).Sub(end, one).String())
}

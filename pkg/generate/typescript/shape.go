package typescript

import (
	"github.com/runnel-sse/runnel/pkg/generate/ordered"
	"github.com/runnel-sse/runnel/pkg/schema"
)

// int64Paths are the places of 64-bit integers below prefix; "*" is every member
// of a list or a map. Names are of letters, digits and _, and no type is a part of
// itself, so a path is plain and ends.
func int64Paths(fields []schema.Field, prefix string) []string {
	var all []string
	for i := range fields {
		all = append(all, int64PathsOf(&fields[i].Type, prefix+fields[i].JSON)...)
	}
	return all
}

func int64PathsOf(t *schema.Type, path string) []string {
	switch t.Kind {
	case schema.Int:
		if t.Bits == 64 {
			return []string{path}
		}
	case schema.Optional:
		return int64PathsOf(t.Elem, path)
	case schema.List, schema.Map:
		return int64PathsOf(t.Elem, path+".*")
	case schema.Struct:
		return int64Paths(t.Named.Fields, path+".")
	}
	return nil
}

// shapes are what the client checks data by, where that is asked for.
func shapes(fields []schema.Field) ordered.Object {
	o := ordered.Object{}
	for i := range fields {
		o = o.With(fields[i].JSON, shape(&fields[i].Type))
	}
	return o
}

func shape(t *schema.Type) any {
	switch t.Kind {
	case schema.Bool:
		return "boolean"
	case schema.Int:
		return "integer"
	case schema.Float:
		return "number"
	case schema.Optional:
		return ordered.Of("optional", shape(t.Elem))
	case schema.List:
		return ordered.Of("list", shape(t.Elem))
	case schema.Map:
		return ordered.Of("map", shape(t.Elem))
	case schema.Enum:
		return ordered.Of("oneOf", t.Named.Values)
	case schema.Struct:
		return ordered.Of("fields", shapes(t.Named.Fields))
	}
	return "string"
}

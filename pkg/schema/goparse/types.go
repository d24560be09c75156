package goparse

import (
	"go/ast"
	"go/token"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/runnel-sse/runnel/pkg/schema"
)

// maxNesting bounds how deep a type may be nested, so that a hostile file is
// refused and not followed.
const maxNesting = 32

// fields reads a struct's fields as encoding/json sees them.
func (r *reader) fields(st *ast.StructType) []schema.Field {
	var list []schema.Field
	taken := map[string]string{}
	for _, f := range st.Fields.List {
		if len(f.Names) == 0 {
			r.add(f.Pos(), "write its fields out", "an embedded field")
			continue
		}
		tag, ok := r.tag(f)
		if !ok || tag.skip {
			continue
		}
		typ, ok := r.typeOf(f.Type)
		if !ok {
			continue
		}
		if tag.empty && (typ.Kind == schema.Time || typ.Kind == schema.Struct) {
			r.add(f.Tag.Pos(), "write omitzero, or a pointer", "omitempty leaves no %s out: to encoding/json a struct is never empty", typ.String())
			continue
		}
		if tag.optional && typ.Kind != schema.Optional {
			elem := typ
			typ = schema.Type{Kind: schema.Optional, Elem: &elem}
		}
		for _, id := range f.Names {
			name := tag.name
			if name == "" {
				name = id.Name
			}
			switch other, twice := taken[name]; {
			case !id.IsExported():
				r.add(id.Pos(), "begin it with a capital letter, or delete it", "field %s is unexported, so it is never sent", id.Name)
				continue
			case twice:
				r.add(id.Pos(), "give one of them another json tag", "field %s has the JSON name %q, as %s has", id.Name, name, other)
				continue
			case !schema.PlainName(name):
				r.add(id.Pos(), "write a tag such as `json:\"item_id\"`", "the JSON name %q is not made of letters, digits and _, a letter first", name)
				continue
			}
			taken[name] = id.Name
			list = append(list, schema.Field{Name: id.Name, JSON: name, Doc: fieldDoc(f), Type: typ})
		}
	}
	return list
}

func fieldDoc(f *ast.Field) string {
	if f.Doc != nil {
		return text(f.Doc)
	}
	return text(f.Comment)
}

type tag struct {
	name           string
	skip, optional bool
	empty          bool // optional by omitempty
}

func (r *reader) tag(f *ast.Field) (tag, bool) {
	if f.Tag == nil {
		return tag{}, true
	}
	raw, ok := stringLiteral(f.Tag)
	if !ok {
		r.add(f.Tag.Pos(), "write a tag such as `json:\"item_id\"`", "a tag that is no string")
		return tag{}, false
	}
	value, ok := reflect.StructTag(raw).Lookup("json")
	if !ok && strings.Contains(raw, "json") {
		r.add(f.Tag.Pos(), "write `json:\"item_id\"`", "a json tag that encoding/json does not read: %s", f.Tag.Value)
		return tag{}, false
	}
	if value == "-" {
		return tag{skip: true}, true
	}
	options := strings.Split(value, ",")
	t := tag{name: options[0]}
	for _, o := range options[1:] {
		switch o {
		case "omitempty", "omitzero":
			t.optional, t.empty = true, t.empty || o == "omitempty"
		case "":
		default:
			r.add(f.Tag.Pos(), "delete the option", "the json option %q has no type of its own here", o)
			return tag{}, false
		}
	}
	return t, true
}

var basic = map[string]schema.Type{
	"string": {Kind: schema.String}, "bool": {Kind: schema.Bool},
	"int": {Kind: schema.Int, Bits: 64}, "int8": {Kind: schema.Int, Bits: 8}, "int16": {Kind: schema.Int, Bits: 16},
	"int32": {Kind: schema.Int, Bits: 32}, "rune": {Kind: schema.Int, Bits: 32}, "int64": {Kind: schema.Int, Bits: 64},
	"uint": {Kind: schema.Int, Bits: 64, Unsigned: true}, "uint8": {Kind: schema.Int, Bits: 8, Unsigned: true},
	"byte": {Kind: schema.Int, Bits: 8, Unsigned: true}, "uint16": {Kind: schema.Int, Bits: 16, Unsigned: true},
	"uint32": {Kind: schema.Int, Bits: 32, Unsigned: true}, "uint64": {Kind: schema.Int, Bits: 64, Unsigned: true},
	"float32": {Kind: schema.Float, Bits: 32}, "float64": {Kind: schema.Float, Bits: 64},
}

// typeOf is the type that an expression means; false after a fault that is noted.
func (r *reader) typeOf(e ast.Expr) (schema.Type, bool) {
	if r.depth++; r.depth > maxNesting {
		r.depth--
		r.add(e.Pos(), "make it flatter", "a type is nested more than %d deep", maxNesting)
		return schema.Type{}, false
	}
	defer func() { r.depth-- }()
	switch t := e.(type) {
	case *ast.ParenExpr:
		return r.typeOf(t.X)
	case *ast.Ident:
		return r.ident(t)
	case *ast.StarExpr:
		return r.optional(t)
	case *ast.ArrayType:
		return r.list(t)
	case *ast.MapType:
		return r.mapOf(t)
	case *ast.SelectorExpr:
		return r.imported(t)
	case *ast.StructType:
		r.add(e.Pos(), "declare a type with a name for it", "a struct without a name")
	case *ast.InterfaceType:
		r.add(e.Pos(), "write the type that it holds", "an interface has no JSON type")
	case *ast.IndexExpr, *ast.IndexListExpr:
		r.add(e.Pos(), "write the type out", "a generic type")
	default: // chan, func, …
		r.add(e.Pos(), "write a type that JSON has: string, bool, a number, list, map, struct or time.Time", "a type that JSON does not have")
	}
	return schema.Type{}, false
}

func (r *reader) optional(t *ast.StarExpr) (schema.Type, bool) {
	elem, ok := r.typeOf(t.X)
	if ok && elem.Kind == schema.Optional {
		r.add(t.Pos(), "write one *", "an optional of an optional, which JSON cannot tell apart")
		return schema.Type{}, false
	}
	return schema.Type{Kind: schema.Optional, Elem: &elem}, ok
}

func (r *reader) list(t *ast.ArrayType) (schema.Type, bool) {
	if t.Len != nil {
		r.add(t.Pos(), "write a list, such as []string", "an array of a fixed length")
		return schema.Type{}, false
	}
	elem, ok := r.typeOf(t.Elt)
	if ok && elem.Kind == schema.Int && elem.Bits == 8 && elem.Unsigned {
		return schema.Type{Kind: schema.Bytes}, true // as encoding/json has it
	}
	return schema.Type{Kind: schema.List, Elem: &elem}, ok
}

func (r *reader) mapOf(t *ast.MapType) (schema.Type, bool) {
	key, ok := r.typeOf(t.Key)
	if ok && key.Kind != schema.String {
		r.add(t.Key.Pos(), "write map[string]…", "a map whose key is %s, and JSON has strings only", key.String())
		ok = false
	}
	if !ok {
		return schema.Type{}, false // without a look at the value, or a tower of maps takes exponential time
	}
	elem, ok := r.typeOf(t.Value)
	return schema.Type{Kind: schema.Map, Elem: &elem}, ok
}

func (r *reader) imported(t *ast.SelectorExpr) (schema.Type, bool) {
	pkg, ok := t.X.(*ast.Ident)
	if !ok {
		r.add(t.Pos(), "write a type of this file, or time.Time", "a type that is not understood")
		return schema.Type{}, false
	}
	switch {
	case r.imports[pkg.Name] == "time" && t.Sel.Name == "Time":
		return schema.Type{Kind: schema.Time}, true
	case r.imports[pkg.Name] == "time" && t.Sel.Name == "Duration":
		r.add(t.Pos(), "write an int64 whose name has the unit, such as duration_ms", "a time.Duration is a number without a unit in JSON")
	default:
		r.add(t.Pos(), "declare the type in this file", "type %s.%s is of another package, and a definition stands by itself", pkg.Name, t.Sel.Name)
	}
	return schema.Type{}, false
}

// ident is a type of the file, or one that Go has.
func (r *reader) ident(id *ast.Ident) (schema.Type, bool) {
	d := r.decls[id.Name]
	if d == nil {
		if t, ok := basic[id.Name]; ok {
			return t, true
		}
		if slices.Contains([]string{"any", "error", "complex64", "complex128", "uintptr"}, id.Name) {
			r.add(id.Pos(), "write a type that JSON has: string, bool, a number, list, map, struct or time.Time", "type %s has no JSON type", id.Name)
		} else {
			r.add(id.Pos(), "declare it in this file, or correct its name", "type %s is not declared in this file", id.Name)
		}
		return schema.Type{}, false
	}
	switch {
	case generic(d.spec):
		r.add(id.Pos(), "write the type out", "type %s is generic", id.Name)
		return schema.Type{}, false
	case d.reading:
		r.add(id.Pos(), "refer to it by an id", "type %s contains itself", id.Name)
		return schema.Type{}, false
	}
	d.reading = true
	defer func() { d.reading = false }()
	if st, ok := d.spec.Type.(*ast.StructType); ok {
		return schema.Type{Kind: schema.Struct, Named: r.structOf(id.Name, d, st)}, true
	}
	t, ok := r.typeOf(d.spec.Type)
	if ok && t.Kind == schema.String && len(d.values) > 0 {
		return schema.Type{Kind: schema.Enum, Named: r.enumOf(id.Name, d)}, true
	}
	return t, ok
}

func (r *reader) structOf(name string, d *decl, st *ast.StructType) *schema.Named {
	if n := r.named[name]; n != nil {
		return n
	}
	n := &schema.Named{Name: name, Doc: d.doc}
	r.named[name] = n
	n.Fields = r.fields(st)
	r.types = append(r.types, n) // after what it consists of
	return n
}

func (r *reader) enumOf(name string, d *decl) *schema.Named {
	if n := r.named[name]; n != nil {
		return n
	}
	n := &schema.Named{Name: name, Doc: d.doc}
	for _, v := range d.values {
		if slices.Contains(n.Values, v) {
			r.add(d.spec.Pos(), "delete one of them", "the value %q of %s stands twice", v, name)
			continue
		}
		n.Values = append(n.Values, v)
	}
	r.named[name] = n
	r.types = append(r.types, n)
	return n
}

func stringLiteral(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(lit.Value)
	return s, err == nil
}

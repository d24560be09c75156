package rustparse

import (
	"slices"
	"strings"

	"github.com/runnel-sse/runnel/pkg/schema"
)

// basic are the types that have a name everywhere. The width of isize and usize
// is the machine's own, and JSON goes from one to another.
var basic = map[string]schema.Type{
	"bool": {Kind: schema.Bool},
	"i8":   {Kind: schema.Int, Bits: 8}, "i16": {Kind: schema.Int, Bits: 16}, "i32": {Kind: schema.Int, Bits: 32}, "i64": {Kind: schema.Int, Bits: 64},
	"u8": {Kind: schema.Int, Bits: 8, Unsigned: true}, "u16": {Kind: schema.Int, Bits: 16, Unsigned: true},
	"u32": {Kind: schema.Int, Bits: 32, Unsigned: true}, "u64": {Kind: schema.Int, Bits: 64, Unsigned: true},
	"f32": {Kind: schema.Float, Bits: 32}, "f64": {Kind: schema.Float, Bits: 64},
}

// prelude are the names that stand for a path without a use.
var prelude = map[string]string{
	"String": "std::string::String", "Option": "std::option::Option", "Vec": "std::vec::Vec", "Box": "std::boxed::Box",
}

// others say what to write instead of types that are known and have no type here.
var others = map[string]string{
	"str": "write String", "char": "write String",
	"usize": "write u32 or u64: the width of usize is the machine's", "isize": "write i32 or i64: the width of isize is the machine's",
	"u128": "write u64, or a String of digits", "i128": "write i64, or a String of digits", "f16": "write f32", "f128": "write f64",
	"NaiveDateTime": "write DateTime<Utc>: without its zone a time is not RFC 3339", "NaiveDate": "write String", "NaiveTime": "write String",
	"SystemTime": "write chrono::DateTime<Utc>", "Instant": "write chrono::DateTime<Utc>", "OffsetDateTime": "write chrono::DateTime<Utc>",
	"Duration": "write an i64 whose name has the unit, such as duration_ms",
	"HashSet":  "write Vec", "BTreeSet": "write Vec", "VecDeque": "write Vec", "LinkedList": "write Vec",
	"Rc": "write the type itself", "Arc": "write the type itself", "Cell": "write the type itself", "RefCell": "write the type itself",
	"Mutex": "write the type itself", "Cow": "write String, or the type itself", "Value": "write the type that it holds",
	"Uuid": "write String", "Result": "write a field for each, with Option",
}

// typeOf is the type that is meant; false after a fault that is noted.
func (r *reader) typeOf(t typ) (schema.Type, bool) {
	if r.depth++; r.depth > maxNesting {
		r.depth--
		r.add(t.at, "make it flatter", "a type is nested more than %d deep", maxNesting)
		return schema.Type{}, false
	}
	defer func() { r.depth-- }()
	if t.refused != nil {
		r.add(t.refused.at, t.refused.write, "%s", t.refused.what)
		return schema.Type{}, false
	}
	if d := r.local(t); d != nil {
		return r.declared(t, d)
	}
	if simple, ok := basic[t.path[len(t.path)-1]]; ok && len(t.path) == 1 && len(t.args) == 0 && r.uses[t.path[0]] == "" {
		return simple, true
	}
	switch path := r.canonical(t.path); path {
	case "std::string::String":
		if len(t.args) == 0 {
			return schema.Type{Kind: schema.String}, true
		}
	case "std::boxed::Box":
		if len(t.args) == 1 {
			return r.typeOf(t.args[0])
		}
	case "std::option::Option":
		if len(t.args) == 1 {
			return r.optional(t)
		}
	case "std::vec::Vec":
		if len(t.args) == 1 {
			return r.list(t)
		}
	case "std::collections::HashMap", "std::collections::BTreeMap":
		if len(t.args) == 2 {
			return r.mapOf(t)
		}
	case "chrono::DateTime":
		if len(t.args) == 1 {
			return r.time(t)
		}
	default:
		return r.unknown(t, path)
	}
	r.add(t.at, "write it as its documentation has it", "%s with %d types as its arguments", clip(t.path[len(t.path)-1]), len(t.args))
	return schema.Type{}, false
}

// canonical is the path that a name stands for, by its use or from the prelude.
func (r *reader) canonical(path []string) string {
	first := path[0]
	rest := strings.Join(path[1:], "::")
	switch used, ok := r.uses[first]; {
	case ok:
		first = used
	case len(path) == 1 && prelude[first] != "":
		first = prelude[first]
	case len(path) == 1:
		for _, glob := range r.globs {
			if p := standard(join(glob, first)); slices.Contains([]string{"std::collections::HashMap", "std::collections::BTreeMap", "chrono::DateTime", "chrono::Utc", "chrono::Local", "chrono::FixedOffset"}, p) {
				return p
			}
		}
	}
	if rest != "" {
		first = join(first, rest)
	}
	return standard(first)
}

// standard is the one path of those that lead to the same type.
func standard(path string) string {
	first, rest, _ := strings.Cut(path, "::")
	switch first {
	case "alloc", "core", "std":
		rest = strings.Replace(rest, "hash_map::HashMap", "HashMap", 1)
		return "std::" + strings.Replace(rest, "btree_map::BTreeMap", "BTreeMap", 1)
	case "chrono":
		rest = strings.TrimPrefix(strings.TrimPrefix(rest, "prelude::"), "offset::")
		return "chrono::" + rest
	}
	return path
}

// declared is a type of the file.
func (r *reader) declared(t typ, d *decl) (schema.Type, bool) {
	name := clip(d.name)
	switch {
	case d.generic || len(t.args) > 0:
		r.add(t.at, "write the type out", "type %s is generic", name)
		return schema.Type{}, false
	case d.reading:
		r.add(t.at, "refer to it by an id", "type %s contains itself", name)
		return schema.Type{}, false
	case d.refused != nil:
		r.add(d.refused.at, d.refused.write, "%s", d.refused.what)
		return schema.Type{}, false
	case d.form != aliasForm && !r.typeName(d):
		return schema.Type{}, false
	case d.form == enumForm && len(d.fields) == 0:
		r.add(d.at, "write its values", "enum %s has no value", name)
		return schema.Type{}, false
	}
	d.reading = true
	defer func() { d.reading = false }()
	switch d.form {
	case structForm:
		return schema.Type{Kind: schema.Struct, Named: r.structOf(d)}, true
	case enumForm:
		return schema.Type{Kind: schema.Enum, Named: r.enumOf(d)}, true
	default:
		return r.typeOf(d.alias)
	}
}

func (r *reader) optional(t typ) (schema.Type, bool) {
	elem, ok := r.typeOf(t.args[0])
	if ok && elem.Kind == schema.Optional {
		r.add(t.at, "write one Option", "an optional of an optional, which JSON cannot tell apart")
		return schema.Type{}, false
	}
	return schema.Type{Kind: schema.Optional, Elem: &elem}, ok
}

func (r *reader) list(t typ) (schema.Type, bool) {
	elem, ok := r.typeOf(t.args[0])
	if ok && elem.Kind == schema.Int && elem.Bits == 8 && elem.Unsigned {
		return schema.Type{Kind: schema.Bytes}, true // as Go's []byte, see reader.with
	}
	return schema.Type{Kind: schema.List, Elem: &elem}, ok
}

func (r *reader) mapOf(t typ) (schema.Type, bool) {
	key, ok := r.typeOf(t.args[0])
	if ok && key.Kind != schema.String {
		r.add(t.args[0].at, "write "+clip(t.path[len(t.path)-1])+"<String, …>", "a map whose key is %s, and JSON has strings only", key.String())
		ok = false
	}
	if !ok {
		return schema.Type{}, false // without a look at the value, or a tower of maps takes exponential time
	}
	elem, ok := r.typeOf(t.args[1])
	return schema.Type{Kind: schema.Map, Elem: &elem}, ok
}

func (r *reader) time(t typ) (schema.Type, bool) {
	zone := t.args[0]
	if zone.refused == nil && r.local(zone) == nil && len(zone.args) == 0 {
		switch r.canonical(zone.path) {
		case "chrono::Utc", "chrono::Local", "chrono::FixedOffset":
			return schema.Type{Kind: schema.Time}, true
		}
	}
	r.add(zone.at, "write DateTime<Utc>, with Utc of chrono", "a time of a zone that is not known")
	return schema.Type{}, false
}

// unknown refuses a type that is not of the file, and not one of those above.
func (r *reader) unknown(t typ, path string) (schema.Type, bool) {
	last := path[lastName(path):]
	switch instead, ok := others[last]; {
	case ok:
		r.add(t.at, instead, "type %s has no JSON type of its own", last)
	case last == "HashMap" || last == "BTreeMap":
		r.add(t.at, "write use std::collections::"+last+";", "type %s is not in scope", last)
	case last == "DateTime":
		r.add(t.at, "write use chrono::{DateTime, Utc};", "type %s is not chrono's", last)
	case path == last:
		r.add(t.at, "declare it in this file, or correct its name", "type %s is not declared in this file", clip(last))
	default:
		r.add(t.at, "declare the type in this file", "type %s is of another file, and a definition stands by itself", clip(path))
	}
	return schema.Type{}, false
}

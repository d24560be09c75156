package rustparse_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/schema/rustparse"
)

// refused are definitions with one fault each, and what is said of it.
var refused = map[string]struct{ src, want string }{
	"syntax":                 {"pub struct A {\n  pub a: u8\n  pub b: u8 }", "x_sse.rs:3:3: expected ,, found pub; write Rust that rustc accepts"},
	"syntax of a part":       {"struct B { pub x u8 }\npub struct A { pub f: B }", "x_sse.rs:1:18: expected :, found u8"},
	"part of a type":         {"pub struct A { pub f: Vec<u8>::Item }", "a type that only a compiler finds; write the type itself"},
	"never closed":           {"pub struct A {", "x_sse.rs:1:14: { is never closed; write }"},
	"crossed":                {"pub struct A { pub a: (u8] }", "x_sse.rs:1:26: ] closes the ( of line 1; write )"},
	"no event":               {"type B = u8;", "x_sse.rs:1:1: the definition has no event; declare a public struct for each event"},
	"private":                {"struct A {}", "x_sse.rs:1:8: struct A is private, and no part of an event; write pub struct, or delete it"},
	"half public":            {"pub(crate) struct A {}", "x_sse.rs:1:4: pub(crate …): an event is for everybody; write pub"},
	"half public field":      {"pub struct A { pub(in crate::a) f: u8 }", "x_sse.rs:1:19: pub(in …)"},
	"enum of events":         {"pub enum A { B { c: u8 } }", "x_sse.rs:1:10: enum A is no part of an event; write a struct for each event, or delete it"},
	"generic":                {"pub struct A<T: Fn() -> u8> { pub f: T }", "x_sse.rs:1:12: event A is generic, which JSON is not; write a struct for each kind of data"},
	"lifetime":               {"pub struct A<'a> { pub f: &'a str }", "event A is generic"},
	"generic part":           {"pub struct A { pub f: B<u8> } struct B<T> { pub f: T }", "x_sse.rs:1:23: type B is generic; write the type out"},
	"type to nowhere":        {"pub struct A { pub f: B }", "x_sse.rs:1:23: type B is not declared in this file; declare it in this file, or correct its name"},
	"type of elsewhere":      {"use crate::b::B;\npub struct A { pub f: B }", "x_sse.rs:2:23: type crate::b::B is of another file, and a definition stands by itself; declare the type in this file"},
	"type of above":          {"pub struct A { pub f: super::B }", "type super::B is of another file"},
	"alias of a struct":      {"pub type A = B; pub struct B {}", "x_sse.rs:1:10: A is another name for a type, and an event is a struct"},
	"twice":                  {"pub struct A {}\npub struct A {}", "x_sse.rs:2:12: type A is declared twice, on line 1 too; give one of them another name"},
	"itself":                 {"pub struct A { pub f: B } pub struct B { pub g: Vec<Box<B>> }", "x_sse.rs:1:57: type B contains itself; refer to it by an id"},
	"an event of itself":     {"pub struct A { pub f: Vec<A> }", "x_sse.rs:1:27: type A contains itself; refer to it by an id"},
	"itself by alias":        {"pub struct A { pub f: B } type B = C; type C = B;", "contains itself"},
	"unit struct":            {"pub struct A;", "x_sse.rs:1:12: struct A has no braces, and serde writes it as null; write struct A {}"},
	"tuple struct":           {"pub struct A { pub f: B } pub struct B(pub u8);", "x_sse.rs:1:38: struct B has fields without names; write fields with names, or type B = … for another name of a type"},
	"private field":          {"pub struct A { f: String }", "x_sse.rs:1:16: field f is private, so no publisher can set it; write pub"},
	"lower case":             {"pub struct comment_added {}", "x_sse.rs:1:12: the name comment_added is not made of letters, digits and _, a capital letter first; write a name such as CommentAdded"},
	"not ASCII":              {"pub struct Ärger {}", "the name Ärger is not made of letters"},
	"long name":              {"pub struct A" + strings.Repeat("a", 64) + " {}", "the event's name has 65 bytes; shorten it to 64 bytes"},
	"data in an enum":        {"pub struct A { pub f: B } enum B { C, D(u8) }", "x_sse.rs:1:39: value D of enum B holds data; write an event, or a field, for each kind of data"},
	"empty enum":             {"pub struct A { pub f: B } enum B {}", "x_sse.rs:1:32: enum B has no value; write its values"},
	"value twice":            {"pub struct A { pub f: B } enum B { C, #[serde(rename = \"C\")] D }", `x_sse.rs:1:62: the value "C" of B stands twice`},
	"usize":                  {"pub struct A { pub f: usize }", "x_sse.rs:1:23: type usize has no JSON type of its own; write u32 or u64: the width of usize is the machine's"},
	"isize":                  {"pub struct A { pub f: isize }", "write i32 or i64"},
	"u128":                   {"pub struct A { pub f: u128 }", "write u64, or a String of digits"},
	"i128":                   {"pub struct A { pub f: i128 }", "write i64, or a String of digits"},
	"char":                   {"pub struct A { pub f: char }", "type char has no JSON type of its own; write String"},
	"reference":              {"pub struct A { pub f: &'static str }", "x_sse.rs:1:23: a reference; write the type itself, and String for &str"},
	"pointer":                {"pub struct A { pub f: *const u8 }", "a reference; write"},
	"tuple":                  {"pub struct A { pub f: (u8, String) }", "x_sse.rs:1:23: a tuple; write a struct with names"},
	"unit":                   {"pub struct A { pub f: () }", "a tuple; write a struct with names"},
	"array":                  {"pub struct A { pub f: [u8; 3] }", "x_sse.rs:1:23: an array of a fixed length, or a slice; write a list, such as Vec<String>"},
	"never":                  {"pub struct A { pub f: ! }", "a type without values"},
	"function":               {"pub struct A { pub f: fn(u8) -> Vec<u8>, pub g: u8 }", "x_sse.rs:1:23: a type that JSON does not have; write a type that JSON has"},
	"trait":                  {"pub struct A { pub f: Box<dyn Fn(u8) -> u8 + Send> }", "x_sse.rs:1:27: a type that JSON does not have"},
	"projection":             {"pub struct A { pub f: <Vec<u8> as IntoIterator>::Item }", "x_sse.rs:1:23: a type that only a compiler finds; write the type itself"},
	"type macro":             {"pub struct A { pub f: m!(u8) }", "a macro in the place of a type"},
	"number as argument":     {"pub struct A { pub f: Vec<3> }", "a type with a lifetime or a number as its argument"},
	"too many arguments":     {"use std::collections::HashMap;\npub struct A { pub f: HashMap<String, u8, S> }", "x_sse.rs:2:23: HashMap with 3 types as its arguments; write it as its documentation has it"},
	"map key":                {"use std::collections::HashMap;\npub struct A { pub f: HashMap<u32, u8> }", "x_sse.rs:2:31: a map whose key is uint32, and JSON has strings only; write HashMap<String, …>"},
	"map not in scope":       {"pub struct A { pub f: HashMap<String, u8> }", "type HashMap is not in scope; write use std::collections::HashMap;"},
	"time not in scope":      {"pub struct A { pub f: DateTime<Utc> }", "type DateTime is not chrono's; write use chrono::{DateTime, Utc};"},
	"zone of elsewhere":      {"use chrono::DateTime;\npub struct A { pub f: DateTime<Utc> }", "x_sse.rs:2:32: a time of a zone that is not known; write DateTime<Utc>, with Utc of chrono"},
	"time without zone":      {"use chrono::NaiveDateTime;\npub struct A { pub f: NaiveDateTime }", "write DateTime<Utc>: without its zone a time is not RFC 3339"},
	"duration":               {"use std::time::Duration;\npub struct A { pub f: Duration }", "write an i64 whose name has the unit, such as duration_ms"},
	"set":                    {"pub struct A { pub f: std::collections::HashSet<u8> }", "type HashSet has no JSON type of its own; write Vec"},
	"any value":              {"pub struct A { pub f: serde_json::Value }", "type Value has no JSON type of its own; write the type that it holds"},
	"optional twice":         {"pub struct A { pub f: Option<Option<u8>> }", "an optional of an optional, which JSON cannot tell apart; write one Option"},
	"tower of lists":         {"pub struct A { pub f: " + strings.Repeat("Vec<", 40) + "u8" + strings.Repeat(">", 40) + " }", "a type is nested more than 32 deep; make it flatter"},
	"same JSON name":         {"pub struct A { pub f: u8, #[serde(rename = \"f\")] pub g: u8 }", `x_sse.rs:1:54: field g has the JSON name "f", as f has`},
	"odd JSON name":          {"#[serde(rename_all = \"kebab-case\")] pub struct A { pub a_b: u8 }", `the JSON name "a-b" is not made of letters, digits and _, a letter first; write #[serde(rename = "item_id")]`},
	"flatten":                {"pub struct A { #[serde(flatten)] pub f: B } struct B {}", "x_sse.rs:1:24: serde(flatten) here could change what is sent, and is not understood; write its fields out"},
	"tag":                    {"pub struct A { pub f: B } #[serde(tag = \"t\")] enum B { C }", "serde(tag) here could change what is sent"},
	"untagged":               {"pub struct A { pub f: B } #[serde(untagged)] enum B { C }", "serde(untagged) here could"},
	"transparent":            {"#[serde(transparent)] pub struct A { pub f: u8 }", "serde(transparent) here could"},
	"alias":                  {"pub struct A { #[serde(alias = \"g\")] pub f: u8 }", "serde(alias) here could change what is sent, and is not understood; write one name"},
	"other":                  {"pub struct A { pub f: B } enum B { C, #[serde(other)] D }", "serde(other) here could"},
	"skipped one way":        {"pub struct A { #[serde(skip_serializing)] pub f: u8 }", "serde(skip_serializing) here could change what is sent, and is not understood; write skip"},
	"unknown setting":        {"pub struct A { #[serde(getter = \"g\", default)] pub f: u8 }", "serde(getter) here could change what is sent, and is not understood; delete it"},
	"unknown fields":         {"#[serde(deny_unknown_fields)] pub struct A { pub f: u8 }", "serde(deny_unknown_fields) here could change what is sent, and is not understood; delete it: a newer publisher may send more fields"},
	"rename of a type":       {"#[serde(rename = \"B\")] pub struct A { pub f: u8 }", "serde(rename) of a type, whose name JSON does not show; delete it, or rename the type"},
	"two names":              {"pub struct A { #[serde(rename(serialize = \"g\", deserialize = \"h\"))] pub f: u8 }", `serde(rename(…)) may write one name and read another; write rename = "…"`},
	"no such case":           {"#[serde(rename_all = \"Title Case\")] pub struct A { pub f: u8 }", `x_sse.rs:1:9: serde has no rename_all = "Title Case"; write one of lowercase, UPPERCASE, PascalCase, camelCase, snake_case`},
	"case twice":             {"#[serde(rename_all = \"camelCase\", rename_all = \"camelCase\")] pub struct A { pub f: u8 }", "serde(rename_all) is empty or stands twice"},
	"empty name":             {"pub struct A { #[serde(rename = \"\")] pub f: u8 }", "serde(rename) is empty or stands twice"},
	"serde of nothing":       {"#[serde] pub struct A {}", "a serde attribute without its settings"},
	"serde of a literal":     {"#[serde(\"a\")] pub struct A {}", "a literal in a serde attribute"},
	"serde of a number":      {"pub struct A { #[serde(rename = 7)] pub f: u8 }", "= in a serde attribute; write a comma between settings, and strings as their values"},
	"unknown module":         {"pub struct A { #[serde(with = \"my\")] pub f: u8 }", `serde(with) here could change what is sent, and is not understood; write the type that is sent, or with = "…" of chrono::serde or of base64`},
	"time module of a text":  {"pub struct A { #[serde(with = \"chrono::serde::ts_seconds\")] pub f: String }", `x_sse.rs:1:24: serde(with = "chrono::serde::ts_seconds") of string`},
	"base64 of a text":       {"pub struct A { #[serde(with = \"base64\")] pub f: String }", `serde(with = "base64") of string`},
	"bytes as serde does":    {"#[derive(serde::Serialize)] pub struct A { pub f: Option<Vec<u8>> }", `x_sse.rs:1:51: serde writes Vec<u8> as a list of numbers, and the type of bytes is a base64 string; write #[serde(with = "…")] with a module of base64 above it, or Vec<u16> for numbers`},
	"serde_bytes":            {"pub struct A { #[serde(with = \"serde_bytes\")] pub f: Vec<u8> }", "serde writes Vec<u8> as a list of numbers"},
	"numbers of an enum":     {"#[derive(Serialize_repr)] pub enum A { B } pub struct C { pub a: A }", "x_sse.rs:1:10: Serialize_repr writes something else than the definition shows; derive Serialize and Deserialize"},
	"attribute":              {"#[serde_as] pub struct A {}", "x_sse.rs:1:3: attribute serde_as could change what is sent, and is not understood; delete it, or write out what it does"},
	"conditional":            {"#[cfg(feature = \"x\")] pub struct A {}", "attribute cfg could change what is sent"},
	"conditional attribute":  {"#[cfg_attr(feature = \"x\", serde(default))] pub struct A {}", "attribute cfg_attr could"},
	"field of a test":        {"pub struct A { #[cfg(test)] pub f: u8 }", "#[cfg(test)] of a part; write a type that is always the same"},
	"attribute of the file":  {"#![feature(x)]\npub struct A {}", "x_sse.rs:1:4: attribute feature could change what is sent"},
	"module":                 {"mod m { pub struct B {} }\npub struct A {}", "x_sse.rs:1:5: module m stands in the file, and events stand at its top"},
	"macro":                  {"events! { A }\npub struct A {}", "x_sse.rs:1:1: a macro: what it declares cannot be seen here; write out what it makes"},
	"macro by path":          {"::a::events!(A);\npub struct A {}", "x_sse.rs:1:1: a macro"},
	"definition of a macro":  {"macro_rules! m { () => {} }\npub struct A {}", "x_sse.rs:1:1: a macro"},
	"union":                  {"union U { a: u8 }\npub struct A {}", "x_sse.rs:1:1: a union, which JSON is not; write a struct"},
	"written by hand":        {"pub struct A {}\nimpl<'de> serde::Deserialize<'de> for A { fn f() {} }", "x_sse.rs:2:1: Deserialize written by hand: what it writes cannot be seen here; derive it"},
	"directive":              {"//sse:chanel x\npub struct A {}", "x_sse.rs:1:1: unknown directive //sse:chanel; there are //sse:channel"},
	"directive, doc comment": {"//! sse:policy public\npub struct A {}", "x_sse.rs:1:1: a directive has nothing between // and sse; write //sse:policy public"},
	"no such field":          {"//sse:channel i:{id}\npub struct A {}", "x_sse.rs:2:12: event A has no field id, which the channel i:{id} (line 1) needs"},
}

func TestRefusesWithPlaceAndRemedy(t *testing.T) {
	t.Parallel()
	for name, tc := range refused {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := rustparse.File("x_sse.rs", []byte(tc.src))
			require.ErrorContains(t, err, tc.want)
			require.NotContains(t, err.Error(), "\n", "one fault is said once")
		})
	}
}

func TestAllFaultsAreSaidAtOnce(t *testing.T) {
	t.Parallel()
	src := "pub struct A { pub f: usize, g: u8 }\nstruct B {}\n#[serde(flatten)]\npub struct C { pub h: (u8, u8) }\n"
	_, err := rustparse.File("x_sse.rs", []byte(src))
	var places []string
	for line := range strings.SplitSeq(err.Error(), "\n") {
		places = append(places, strings.Join(strings.SplitN(line, ":", 4)[:3], ":"))
	}
	require.Equal(t, []string{"x_sse.rs:1:23", "x_sse.rs:1:30", "x_sse.rs:2:8", "x_sse.rs:3:9", "x_sse.rs:4:23"}, places)

	// A ring of types is no part of an event, and not passed over.
	_, err = rustparse.File("x_sse.rs", []byte("pub struct A { pub f: u8 }\npub struct B { pub c: C }\npub struct C { pub b: B }\n"))
	require.EqualError(t, err, "x_sse.rs:2:12: type B contains itself; refer to it by an id\nx_sse.rs:3:12: type C contains itself; refer to it by an id")

	// After a fault of syntax the next item is read all the same.
	_, err = rustparse.File("x_sse.rs", []byte("pub struct A { pub f u8 }\nfn main() {}\npub struct { }\npub enum B { C D }\n"))
	require.ErrorContains(t, err, "x_sse.rs:1:22: expected :, found u8")
	require.ErrorContains(t, err, "x_sse.rs:3:12: expected a name, found {")
	require.ErrorContains(t, err, "x_sse.rs:4:16: expected ,, found D")
}

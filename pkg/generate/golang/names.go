package golang

import (
	"errors"
	"fmt"
	"go/token"
	"go/types"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/runnel-sse/runnel/pkg/schema"
)

// common are the names that the catalog's file declares.
var common = []string{"Catalog", "Routes", "Broadcast", "Decode", "UnknownEvent"}

// methods are those of every event, so no field of one has their names.
var methods = map[string]bool{"EventType": true, "EventStream": true, "EventChannel": true}

// own are the publisher's methods that are of no event.
var own = map[string]bool{"Batch": true}

// seal is the method that only the events of a stream have.
func seal(stream string) string { return lower(stream) + "Event" }

func lower(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToLower(r)) + s[size:]
}

func upper(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[size:]
}

// names sees that every name is declared once. Those of this package that are
// written by hand come first, then what is generated whatever the definitions
// say, then the types of the definitions.
func (p *pkg) names() error {
	taken := map[string]string{} // name → who has it, for people
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(p.Names)) {
		taken[name] = "declared at " + p.Names[name]
		if types.Universe.Lookup(name) != nil {
			faults = append(faults, p.handWritten(name, taken[name], "hides what Go means by it, which generated code needs"))
		}
	}
	for _, name := range p.generated() {
		if who := taken[name]; who != "" {
			faults = append(faults, p.handWritten(name, who, "is a name that is generated"))
		}
		taken[name] = "a generated name"
	}
	events := map[string]string{}    // event → its stream
	publisher := map[string]string{} // method of the publisher → its event
	for i := range p.c.Streams {
		s := &p.c.Streams[i]
		if p.fileOf(s) == File {
			faults = append(faults, &schema.Refusal{
				Stream: s.Name, What: "its generated file would be " + File + ", which is that of all streams", Write: "rename the definition",
			})
		}
		for j := range s.Events {
			e := &s.Events[j]
			if other := events[e.Name]; other != "" {
				faults = append(faults, &schema.Refusal{
					Stream: s.Name, Type: e.Name, Write: "give one of them another name",
					What: "event " + e.Name + " is also one of " + other + ", and a Go package has one type of a name",
				})
			}
			events[e.Name] = s.Name
			method := schema.Escape(p.typeName(s, e.Name), own)
			if other := publisher[method]; other != "" && other != e.Name {
				faults = append(faults, &schema.Refusal{
					Stream: s.Name, Type: e.Name, Write: "give one of them another name",
					What: fmt.Sprintf("the events %s and %s are both published by %s", other, e.Name, method),
				})
			}
			publisher[method] = e.Name
			faults = append(faults, p.members(s, e.Name, e.Fields, methods)...)
		}
		if !p.Declared(s.Name) {
			faults = append(faults, p.claim(s, taken)...)
		}
	}
	return errors.Join(faults...)
}

// generated are the names that follow from which streams there are.
func (p *pkg) generated() []string {
	all := slices.Clone(common)
	for i := range p.c.Streams {
		all = append(all, p.c.Streams[i].Name+"Event", "Decode"+p.c.Streams[i].Name)
	}
	return all
}

// handWritten is the fault of a name that is declared by hand: in a definition, if
// one has it.
func (p *pkg) handWritten(name, who, why string) error {
	for i := range p.c.Streams {
		s := &p.c.Streams[i]
		if _, event := s.Event(name); event || slices.ContainsFunc(s.Types, func(n *schema.Named) bool { return n.Name == name }) {
			return &schema.Refusal{Stream: s.Name, Type: name, What: "the type " + name + " " + why, Write: "give it another name"}
		}
	}
	return fmt.Errorf("golang: %s is %s and %s; give it another name", name, who, why)
}

// claim takes the names of the types that are written for a stream, and of their
// fields and constants.
func (p *pkg) claim(s *schema.Stream, taken map[string]string) []error {
	var faults []error
	take := func(of, name string) {
		switch who := taken[name]; {
		case !token.IsExported(name) || !token.IsIdentifier(name):
			faults = append(faults, &schema.Refusal{Stream: s.Name, Type: of, What: name + " is no name that Go exports", Write: "begin it with a capital letter"})
		case who != "":
			faults = append(faults, &schema.Refusal{
				Stream: s.Name, Type: of, What: fmt.Sprintf("Go would declare %s twice: it is %s", name, who), Write: "give it another name",
			})
		}
		taken[name] = "a type or constant of " + s.Name
	}
	for i := range s.Events {
		take(s.Events[i].Name, upper(s.Events[i].Name))
	}
	for _, n := range s.Types {
		take(n.Name, upper(n.Name))
		faults = append(faults, p.members(s, n.Name, n.Fields, nil)...)
		for _, c := range constants(n) {
			take(n.Name, c)
		}
	}
	return faults
}

// members sees that the fields of a struct are fields that Go can have.
func (p *pkg) members(s *schema.Stream, of string, fields []schema.Field, reserved map[string]bool) []error {
	var faults []error
	first := map[string]string{}
	declared := p.Declared(s.Name)
	for i := range fields {
		f := &fields[i]
		name := p.field(s, f, reserved)
		refuse := func(what, write string) {
			faults = append(faults, &schema.Refusal{Stream: s.Name, Type: of, What: what, Write: write})
		}
		switch {
		case declared && reserved[f.Name]:
			refuse(fmt.Sprintf("the field %s has the name of a method that every event has", f.Name),
				fmt.Sprintf("call it %s_ and keep its JSON name with a tag, `json:%q`", f.Name, f.JSON))
		case declared:
		case first[name] != "":
			refuse(fmt.Sprintf("the fields %s and %s are both %s in Go", first[name], f.Name, name), "give one of them another name, and keep its JSON name with serde(rename)")
		case !token.IsIdentifier(name) || !token.IsExported(name):
			refuse(fmt.Sprintf("the field %s is %q in Go, which is no name of a field", f.Name, name), "give it another name, and keep its JSON name with serde(rename)")
		}
		first[name] = f.Name
	}
	return faults
}

// field is a field's name in Go: the one that it has in its definition, as Go
// writes it.
func (p *pkg) field(s *schema.Stream, f *schema.Field, reserved map[string]bool) string {
	if p.Declared(s.Name) {
		return f.Name
	}
	return schema.Escape(camel(f.Name), reserved)
}

// initialisms are words that Go writes in capitals.
var initialisms = map[string]bool{
	"api": true, "ascii": true, "cpu": true, "css": true, "db": true, "dns": true, "eof": true, "html": true, "http": true, "https": true,
	"id": true, "ip": true, "json": true, "ms": true, "os": true, "qps": true, "ram": true, "rpc": true, "sla": true, "sms": true, "sql": true,
	"ssh": true, "tcp": true, "tls": true, "ttl": true, "udp": true, "ui": true, "uid": true, "uri": true, "url": true, "utc": true, "uuid": true,
	"vm": true, "xml": true,
}

// camel is a name as Go writes it: item_id is ItemID, itemCount ItemCount.
func camel(name string) string {
	var b strings.Builder
	digit := false // at the end of what is written
	for word := range strings.FieldsFuncSeq(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		if digit && unicode.IsDigit(rune(word[0])) {
			b.WriteByte('_') // or a_1_2 and a_12 would be one
		}
		digit = unicode.IsDigit(rune(word[len(word)-1]))
		if initialisms[strings.ToLower(word)] {
			b.WriteString(strings.ToUpper(word))
			continue
		}
		b.WriteString(upper(word))
	}
	return b.String()
}

// constants are the names of an enum's values: LevelVeryHigh, and LevelValue2 for
// the second one if that has nothing that a name can be made of.
func constants(n *schema.Named) []string {
	names := make([]string, len(n.Values))
	for i, value := range n.Values {
		name := upper(n.Name) + camel(value)
		if camel(value) == "" || !token.IsIdentifier(name) || slices.Contains(names[:i], name) {
			name = fmt.Sprintf("%sValue%d", upper(n.Name), i+1)
		}
		names[i] = name
	}
	return names
}

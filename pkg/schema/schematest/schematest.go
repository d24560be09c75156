// Package schematest makes schemas and data for tests: random catalogs of all
// that a definition may say, the source of each as Go and as Rust, and data that
// an event's definition allows. The same seed gives the same bytes.
package schematest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/schema"
)

// Random returns a catalog of up to four streams.
func Random(seed uint64) *schema.Catalog {
	r := &random{Rand: rand.New(rand.NewPCG(seed, 0x72756e6e656c))}
	c := &schema.Catalog{}
	for i := range 1 + r.IntN(4) {
		c.Streams = append(c.Streams, r.stream(fmt.Sprintf("%s%dStream", upper(r.word()), i)))
	}
	return c
}

// Shape is a copy of the streams without what their languages name by
// themselves: the names that fields have in the definition.
func Shape(streams ...schema.Stream) []schema.Stream {
	shape := make([]schema.Stream, len(streams))
	for i, s := range streams {
		text, _ := json.Marshal(s) // plain values: cannot fail
		_ = json.Unmarshal(text, &shape[i])
		shape[i].Template = s.Template
		for j := range shape[i].Events {
			nameless(shape[i].Events[j].Fields)
		}
		for _, n := range shape[i].Types {
			nameless(n.Fields)
		}
	}
	return shape
}

func nameless(fields []schema.Field) {
	for i := range fields {
		fields[i].Name = ""
		for t := &fields[i].Type; t != nil; t = t.Elem {
			if t.Named != nil {
				nameless(t.Named.Fields)
			}
		}
	}
}

type random struct {
	*rand.Rand
	number int             // so that no two names are the same
	types  []*schema.Named // of the stream that is made
}

func (r *random) one(of ...string) string { return of[r.IntN(len(of))] }
func (r *random) maybe() bool             { return r.IntN(2) == 0 }

func (r *random) word() string {
	return r.one("item", "user", "type", "func", "class", "Match", "URL", "case2", "let", "html", "x", "created", "Int", "record")
}

func upper(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// name is one that the stream does not have yet.
func (r *random) name() string {
	r.number++
	return fmt.Sprintf("%s%d", r.word(), r.number)
}

func (r *random) doc() string {
	lines := []string{
		"says */ what \"happened\" /* to it", "`${x}` \\ <b>&amp; é 😀 -- {-", "and this", "# no attribute", "", "1 < 2",
	}
	if r.IntN(3) > 0 {
		return ""
	}
	return strings.TrimSpace(strings.TrimSpace("What it "+r.one(lines...)) + "\n" + r.one(lines...))
}

func (r *random) stream(name string) schema.Stream {
	r.types = nil
	s := schema.Stream{
		Name: name, Doc: r.doc(), Policy: schema.PolicyAuthenticated, Retention: time.Duration(16+r.IntN(8000)) * time.Minute,
	}
	var keys []schema.Field
	parts := []string{r.one("all", "item", "a.b")}
	for range r.IntN(3) {
		key := r.field()
		key.Type = r.simple(schema.String, schema.Int, schema.Enum)
		keys = append(keys, key)
		parts = append(parts, "{"+key.JSON+"}")
	}
	s.Template = channel.MustParseTemplate(strings.Join(parts, ":"))
	r.settings(&s, keys)
	for range 1 + r.IntN(4) {
		e := schema.Event{Name: upper(r.name()), Doc: r.doc(), Fields: append([]schema.Field(nil), keys...)}
		for range r.IntN(7) {
			e.Fields = append(e.Fields, r.field())
		}
		s.Events = append(s.Events, e)
	}
	s.Types = used(&s)
	return s
}

func (r *random) settings(s *schema.Stream, keys []schema.Field) {
	switch r.IntN(4) {
	case 0:
		s.Policy = schema.PolicyPublic
	case 1:
		s.Policy = schema.PolicyClaim
	case 2:
		if len(keys) > 0 {
			s.Policy, s.Owner = schema.PolicyOwner, schema.Owner{Field: keys[0].JSON, Claim: r.one("sub", "org", "https://x.test/`'")}
		}
	}
	if r.maybe() {
		s.Limit, s.UserLimit, s.AddressLimit = r.IntN(1000), r.IntN(3), r.IntN(3)
	}
	if r.maybe() {
		s.Economy = &schema.Economy{Open: time.Duration(5+r.IntN(60)) * time.Second, Closed: time.Duration(5+r.IntN(600)) * time.Second}
	}
	if r.maybe() {
		s.Presence, s.Grace = true, time.Duration(1210+r.IntN(2000))*time.Second
	}
	if r.maybe() {
		s.Budget = time.Duration(1+r.IntN(1000)) * time.Hour
	}
	if r.IntN(3) == 0 {
		r.number++ // two streams of one function would have to agree
		s.Function = &schema.Function{
			Name: fmt.Sprintf("f-%s%d", strings.ToLower(s.Name), r.number), Memory: 128 + r.IntN(1000), Concurrency: 1 + r.IntN(100),
			Lease: time.Duration(10+r.IntN(500)) * time.Second,
		}
	}
}

func (r *random) field() schema.Field {
	name := r.name()
	json := name
	if r.maybe() {
		json = strings.ToLower(name) + "_" + r.one("id", "of", "2", "Ab")
	}
	return schema.Field{Name: upper(name), JSON: json, Doc: r.doc(), Type: r.typ(0)}
}

// typ is a type of any kind, flatter the deeper it stands.
func (r *random) typ(depth int) schema.Type {
	if depth > 3 || r.IntN(3) > 0 {
		return r.simple(schema.String, schema.Bool, schema.Int, schema.Float, schema.Bytes, schema.Time, schema.Enum)
	}
	switch r.IntN(4) {
	case 0:
		elem := r.typ(depth + 1)
		if elem.Kind == schema.Optional {
			return elem
		}
		return schema.Type{Kind: schema.Optional, Elem: &elem}
	case 1:
		elem := r.typ(depth + 1)
		if elem.Kind == schema.Int && elem.Bits == 8 && elem.Unsigned {
			elem.Bits = 16 // a list of bytes is bytes
		}
		return schema.Type{Kind: schema.List, Elem: &elem}
	case 2:
		elem := r.typ(depth + 1)
		return schema.Type{Kind: schema.Map, Elem: &elem}
	}
	for _, n := range r.types { // perhaps one that is there
		if n.Values == nil && r.maybe() {
			return schema.Type{Kind: schema.Struct, Named: n}
		}
	}
	n := &schema.Named{Name: upper(r.name()), Doc: r.doc()}
	for range 1 + r.IntN(3) {
		f := r.field()
		f.Type = r.typ(depth + 1)
		n.Fields = append(n.Fields, f)
	}
	r.types = append(r.types, n)
	return schema.Type{Kind: schema.Struct, Named: n}
}

func (r *random) simple(kinds ...schema.Kind) schema.Type {
	t := schema.Type{Kind: kinds[r.IntN(len(kinds))]}
	switch t.Kind {
	case schema.Int:
		t.Bits, t.Unsigned = 8<<r.IntN(4), r.maybe()
	case schema.Float:
		t.Bits = 32 << r.IntN(2)
	case schema.Enum:
		t.Named = &schema.Named{Name: upper(r.name()), Doc: r.doc()}
		for i := range 1 + r.IntN(4) {
			t.Named.Values = append(t.Named.Values, fmt.Sprintf("%s%d", r.one("low", "bad/worse", "a\\\"b", "é😀", "\n", "VeryHigh", " "), i))
		}
		r.types = append(r.types, t.Named)
	}
	return t
}

// used are the named types of the events, each after what it consists of.
func used(s *schema.Stream) []*schema.Named {
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
	for i := range s.Events {
		visit(s.Events[i].Fields)
	}
	return list
}

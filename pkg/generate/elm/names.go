package elm

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/runnel-sse/runnel/pkg/schema"
)

// Names that the language or the generated modules have already, in three scopes:
// one that clashes gets an underscore behind it.
var (
	takenValues = words(`if then else case of let in type module where import exposing as port
		e d event value data toMsg onEvent onStatus encode s`)
	takenTypes = words(`Int Float Bool String Char List Maybe Result Order Never Program Cmd Sub Dict Value Decoder Broadcast
		True False LT EQ GT Just Nothing Ok Err Unknown Event`)
)

// generated are the names of a stream's functions.
var generated = regexp.MustCompile(`^(decode|encode|subscribeTo|textOf|textTo)[A-Z]`)

func words(text string) map[string]bool {
	all := map[string]bool{}
	for w := range strings.FieldsSeq(text) {
		all[w] = true
	}
	return all
}

// names are those of a catalog.
type names struct {
	streams    []*streamNames
	broadcasts map[string]string // functions of SseBroadcast, by stream and event
}

// streamNames are those in the module of a stream.
type streamNames struct {
	events  map[string]string            // constructors, by event
	types   map[string]string            // by event (its record) and by named type
	fields  map[string]map[string]string // by event or named type, and by JSON name
	values  map[string][]string          // constructors of an enum, in their order
	keys    map[string]string            // by the template's field
	owner   map[string]string            // who has a type or constructor
	stream  string
	refused *schema.Refusal
}

func nameAll(c *schema.Catalog) (*names, error) {
	all := &names{broadcasts: map[string]string{}}
	count := map[string]int{}
	modules, clients := map[string]string{}, map[string]string{}
	for i := range c.Streams {
		s := &c.Streams[i]
		for j := range s.Events {
			count[lower(s.Events[j].Name)]++
		}
		if first, twice := modules[module(s)]; twice {
			return nil, both(s.Name, "", first, "Sse."+module(s))
		}
		if first, twice := clients[schema.ClientName(s.Name)]; twice {
			return nil, both(s.Name, "", first, subscribe(s))
		}
		modules[module(s)], clients[schema.ClientName(s.Name)] = s.Name, s.Name
	}
	functions := map[string]string{}
	for i := range c.Streams {
		s := &c.Streams[i]
		n := nameStream(s)
		if n.refused != nil {
			return nil, n.refused
		}
		all.streams = append(all.streams, n)
		for j := range s.Events {
			name := s.Events[j].Name
			called := schema.Escape(lower(name), takenValues)
			if count[lower(name)] > 1 {
				called = schema.Escape(lower(strings.TrimSuffix(s.Name, "Stream"))+upper(name), takenValues)
			}
			if first, twice := functions[called]; twice {
				return nil, both(s.Name, name, first, "SseBroadcast."+called)
			}
			functions[called] = name + " of " + s.Name
			all.broadcasts[s.Name+" "+name] = called
		}
	}
	return all, nil
}

func nameStream(s *schema.Stream) *streamNames {
	n := &streamNames{
		events: map[string]string{}, types: map[string]string{}, fields: map[string]map[string]string{},
		values: map[string][]string{}, keys: map[string]string{}, owner: map[string]string{}, stream: s.Name,
	}
	n.own(union(s), "", "the stream's union type")
	for i := range s.Events {
		e := &s.Events[i]
		n.events[e.Name] = n.own(schema.Escape(upper(e.Name), takenTypes), e.Name, e.Name)
		n.types[e.Name] = n.own(upper(e.Name)+"Data", e.Name, "the data of "+e.Name)
		n.nameFields(e.Name, e.Fields)
	}
	for _, t := range s.Types {
		n.types[t.Name] = n.own(schema.Escape(upper(t.Name), takenTypes), t.Name, t.Name)
		n.nameFields(t.Name, t.Fields)
		for i, v := range t.Values {
			called := upper(t.Name) + upper(camel(v))
			if _, twice := n.owner[called]; twice || camel(v) == "" {
				called = fmt.Sprintf("%s%s_%d", upper(t.Name), upper(camel(v)), i+1)
			}
			n.values[t.Name] = append(n.values[t.Name], n.own(called, t.Name, quote(v)+" of "+t.Name))
		}
		if len(t.Values) > 0 {
			n.own(other(t), t.Name, "another value of "+t.Name)
		}
	}
	seen := map[string]string{}
	for _, f := range s.Template.Fields() {
		n.keys[f] = n.field(f, "", seen)
		if generated.MatchString(n.keys[f]) {
			n.keys[f] += "_" // an argument must not have a function's name
		}
	}
	return n
}

// own gives a name to its owner, and refuses it to another.
func (n *streamNames) own(called, of, who string) string {
	if first, twice := n.owner[called]; twice {
		n.refuse(of, who, first, called)
	}
	n.owner[called] = who
	return called
}

func (n *streamNames) nameFields(of string, fields []schema.Field) {
	seen, called := map[string]string{}, map[string]string{}
	for i := range fields {
		called[fields[i].JSON] = n.field(fields[i].JSON, of, seen)
	}
	n.fields[of] = called
}

func (n *streamNames) field(json, of string, seen map[string]string) string {
	called := lower(camel(json))
	if called == "" || !unicode.IsLetter(rune(called[0])) {
		called = "field" + upper(called)
	}
	called = schema.Escape(called, takenValues)
	if first, twice := seen[called]; twice {
		n.refuse(of, json, first, called)
	}
	seen[called] = json
	return called
}

func (n *streamNames) refuse(of, who, first, called string) {
	if n.refused == nil {
		n.refused = both(n.stream, of, first+" and "+who, called)
	}
}

// both is the refusal of a name that somebody else has.
func both(stream, name, others, called string) *schema.Refusal {
	return &schema.Refusal{
		Stream: stream, Type: name, Write: "rename one of them",
		What: fmt.Sprintf("%s would both be called %s in Elm", others, called),
	}
}

// union is the type of a stream's events.
func union(s *schema.Stream) string { return upper(s.Name) + "Event" }

// other is the constructor for a value that an enum had not when this was generated.
func other(t *schema.Named) string { return upper(t.Name) + "Unknown" }

func subscribe(s *schema.Stream) string { return "subscribeTo" + upper(schema.ClientName(s.Name)) }

// camel is the words of text as one name; whatever else is in it goes.
func camel(text string) string {
	var b strings.Builder
	for i, word := range strings.FieldsFunc(text, func(r rune) bool {
		return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r)
	}) {
		if i > 0 {
			word = upper(word)
		}
		b.WriteString(word)
	}
	return b.String()
}

func upper(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	if size == 0 {
		return ""
	}
	return string(unicode.ToUpper(r)) + s[size:]
}

func lower(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	if size == 0 {
		return ""
	}
	return string(unicode.ToLower(r)) + s[size:]
}

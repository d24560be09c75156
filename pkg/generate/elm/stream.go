package elm

import (
	"fmt"
	"slices"
	"strings"

	"github.com/runnel-sse/runnel/pkg/schema"
)

func (g *generator) stream(s *schema.Stream) {
	g.WriteString(mark)
	g.line("module Sse.%s exposing (..)\n", module(s))
	doc := paragraph(s.Doc)
	if doc == "" {
		doc = "The events of " + s.Name + "."
	}
	g.line("{-| %s\n-}\n", doc)
	if hasMap(s) {
		g.line("import Dict exposing (Dict)")
	}
	g.line("import Json.Decode as D exposing (Decoder, Value)")
	g.line("import Json.Encode as E")
	g.line("import Sse")
	g.line("import Sse.Json")
	g.union(s)
	for i := range s.Events {
		e := &s.Events[i]
		g.record(g.names.types[e.Name], e.Doc, e.Name, e.Fields)
	}
	for _, t := range s.Types {
		if len(t.Values) > 0 {
			g.enum(t)
		} else {
			g.record(g.names.types[t.Name], t.Doc, t.Name, t.Fields)
		}
	}
	g.subscribe(s)
	g.decodeEvent(s)
}

func hasMap(s *schema.Stream) bool {
	fields := [][]schema.Field{}
	for i := range s.Events {
		fields = append(fields, s.Events[i].Fields)
	}
	for _, t := range s.Types {
		fields = append(fields, t.Fields)
	}
	return slices.ContainsFunc(slices.Concat(fields...), func(f schema.Field) bool {
		for t := &f.Type; t != nil; t = t.Elem {
			if t.Kind == schema.Map {
				return true
			}
		}
		return false
	})
}

func (g *generator) union(s *schema.Stream) {
	g.begin("What comes. Unknown is an event that was defined after this was generated.")
	g.line("type %s", union(s))
	sign := "="
	for i := range s.Events {
		name := s.Events[i].Name
		g.line("    %s %s %s", sign, g.names.events[name], g.names.types[name])
		sign = "|"
	}
	g.line("    %s Unknown String Value", sign)
}

// record is a type, its decoder and its encoder.
func (g *generator) record(called, doc, of string, fields []schema.Field) {
	names := g.names.fields[of]
	g.begin(docOf(doc, fields, names))
	g.line("type alias %s =", called)
	sign := "{"
	for i := range fields {
		g.line("    %s %s : %s", sign, names[fields[i].JSON], g.typ(&fields[i].Type, false))
		sign = ","
	}
	if len(fields) == 0 {
		g.line("    {}")
	} else {
		g.line("    }")
	}
	g.begin("")
	g.line("decode%s : Decoder %s\ndecode%s =", called, called, called)
	if len(fields) == 0 {
		g.line("    D.succeed {}")
	} else {
		g.line("    D.succeed %s", called)
	}
	for i := range fields {
		need, t := "required", &fields[i].Type
		if t.Kind == schema.Optional {
			need, t = "optional", t.Elem
		}
		g.line("        |> Sse.Json.%s %s %s", need, quote(fields[i].JSON), g.decoder(t))
	}
	g.begin("")
	g.line("encode%s : %s -> Value", called, called)
	if len(fields) == 0 {
		g.line("encode%s _ =\n    E.object []", called)
		return
	}
	g.line("encode%s value =\n    E.object", called)
	sign = "["
	for i := range fields {
		g.line("        %s ( %s, %s value.%s )", sign, quote(fields[i].JSON), g.encoder(&fields[i].Type), names[fields[i].JSON])
		sign = ","
	}
	g.line("        ]")
}

// enum is a type, its decoder and its encoder. A value that was added later is
// no fault of the event.
func (g *generator) enum(t *schema.Named) {
	called, values := g.names.types[t.Name], g.names.values[t.Name]
	g.begin(paragraph(t.Doc))
	g.line("type %s", called)
	sign := "="
	for _, v := range values {
		g.line("    %s %s", sign, v)
		sign = "|"
	}
	g.line("    | %s String", other(t))
	g.begin("")
	g.line("decode%s : Decoder %s\ndecode%s =\n    D.map textTo%s D.string", called, called, called, called)
	g.begin("")
	g.line("textTo%s : String -> %s\ntextTo%s text =\n    case text of", called, called, called)
	for i, v := range t.Values {
		g.line("        %s ->\n            %s\n", quote(v), values[i])
	}
	g.line("        _ ->\n            %s text", other(t))
	g.begin("")
	g.line("encode%s : %s -> Value\nencode%s value =\n    E.string (textOf%s value)", called, called, called, called)
	g.begin("")
	g.line("textOf%s : %s -> String\ntextOf%s value =\n    case value of", called, called, called)
	for i, v := range t.Values {
		g.line("        %s ->\n            %s\n", values[i], quote(v))
	}
	g.line("        %s text ->\n            text", other(t))
}

func (g *generator) subscribe(s *schema.Stream) {
	sub := "Sse.Stream msg"
	if g.mode == Sub {
		sub = "Sub msg"
	}
	name, event := subscribe(s), "("+union(s)+" -> msg)"
	var keys, types, records []string
	for _, f := range s.Template.Fields() {
		keys = append(keys, g.names.keys[f])
		types = append(types, "String")
		records = append(records, g.names.keys[f]+" : String")
	}
	g.begin("What comes on a channel of the stream.")
	g.line("%s : %s", name, strings.Join(append(types, event, sub), " -> "))
	g.line("%s =\n    Sse.subscribe", strings.Join(append([]string{name}, append(keys, "toMsg")...), " "))
	g.channel(s, "", "toMsg", "Nothing")

	g.begin("The same, with what is known of the connection.")
	records = append(records, "onEvent : "+union(s)+" -> msg", "onStatus : Sse.Status -> msg")
	g.line("%sWith : { %s } -> %s", name, strings.Join(records, ", "), sub)
	g.line("%sWith s =\n    Sse.subscribe", name)
	g.channel(s, "s.", "s.onEvent", "Just s.onStatus")
}

func (g *generator) channel(s *schema.Stream, of, onEvent, onStatus string) {
	g.line("        { channel = %s", channelOf(s, func(field string) string { return of + g.names.keys[field] }))
	g.line("        , onEvent = \\event data -> Result.map %s (decodeEvent event data)", onEvent)
	g.line("        , onStatus = %s\n        }", onStatus)
}

// channelOf is an expression for a channel of the stream, with expressions for the
// template's fields.
func channelOf(s *schema.Stream, value func(field string) string) string {
	var terms []string
	text := s.Name + ":"
	for i, part := range strings.Split(s.Template.String(), ":") {
		if i > 0 {
			text += ":"
		}
		field, is := strings.CutPrefix(part, "{")
		if !is {
			text += part
			continue
		}
		terms = append(terms, quote(text), value(strings.TrimSuffix(field, "}")))
		text = ""
	}
	if text != "" {
		terms = append(terms, quote(text))
	}
	return strings.Join(terms, " ++ ")
}

func (g *generator) decodeEvent(s *schema.Stream) {
	g.begin("An event by its name and its data, or what is wrong with the data.")
	g.line("decodeEvent : String -> Value -> Result String %s\ndecodeEvent event data =\n    case event of", union(s))
	for i := range s.Events {
		name := s.Events[i].Name
		g.line("        %s ->\n            Sse.Json.decode (D.map %s decode%s) data\n", quote(name), g.names.events[name], g.names.types[name])
	}
	g.line("        _ ->\n            Ok (Unknown event data)")
}

// typ is a type, in parentheses where it is a part of another.
func (g *generator) typ(t *schema.Type, inner bool) string {
	of := ""
	switch t.Kind {
	case schema.Bool:
		return "Bool"
	case schema.Int:
		return "Int"
	case schema.Float:
		return "Float"
	case schema.Struct, schema.Enum:
		return g.names.types[t.Named.Name]
	case schema.Optional:
		of = "Maybe "
	case schema.List:
		of = "List "
	case schema.Map:
		of = "Dict String "
	default:
		return "String" // String, Bytes, Time
	}
	return paren(inner, of+g.typ(t.Elem, true))
}

func (g *generator) decoder(t *schema.Type) string { return g.codec(t, "D.", "decode") }

// encoder is for an argument that follows, so it needs no parentheses.
func (g *generator) encoder(t *schema.Type) string {
	text := g.codec(t, "E.", "encode")
	if inner, ok := strings.CutPrefix(text, "("); ok {
		return strings.TrimSuffix(inner, ")")
	}
	return text
}

// codec is what reads or writes a type; both are named alike.
func (g *generator) codec(t *schema.Type, of, named string) string {
	switch t.Kind {
	case schema.Bool:
		return of + "bool"
	case schema.Int:
		if t.Bits == 64 && of == "D." {
			return "Sse.Json.int64"
		}
		return of + "int"
	case schema.Float:
		return of + "float"
	case schema.Struct, schema.Enum:
		return named + g.names.types[t.Named.Name]
	case schema.Optional:
		if of == "E." {
			return fmt.Sprintf("(Sse.Json.nullable %s)", g.codec(t.Elem, of, named))
		}
		return fmt.Sprintf("(D.nullable %s)", g.codec(t.Elem, of, named))
	case schema.List:
		return fmt.Sprintf("(%slist %s)", of, g.codec(t.Elem, of, named))
	case schema.Map:
		if of == "E." {
			return fmt.Sprintf("(E.dict identity %s)", g.codec(t.Elem, of, named))
		}
		return fmt.Sprintf("(D.dict %s)", g.codec(t.Elem, of, named))
	}
	return of + "string"
}

func paren(inner bool, text string) string {
	if inner {
		return "(" + text + ")"
	}
	return text
}

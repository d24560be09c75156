package elm

import (
	"slices"

	"github.com/runnel-sse/runnel/pkg/schema"
)

// broadcasts is the module that event logic written in Elm emits events by.
func broadcasts(c *schema.Catalog, n *names) []byte {
	g := &generator{}
	g.WriteString(mark)
	g.line("module SseBroadcast exposing (..)\n")
	g.line("{-| Events as the queue takes them: one is encoded to the body of a message.\n-}\n")
	g.line("import Json.Encode as E exposing (Value)")
	var modules []string
	for i := range c.Streams {
		modules = append(modules, module(&c.Streams[i]))
	}
	slices.Sort(modules) // as elm-format does
	for _, m := range modules {
		g.line("import Sse.%s", m)
	}
	g.begin("An event, and the channel that it goes to.")
	g.line("type alias Broadcast =\n    { channel : String\n    , eventType : String\n    , data : Value\n    }")
	g.begin("The body of a message to the queue.")
	g.line("encode : Broadcast -> Value\nencode value =\n    E.object")
	g.line("        [ ( \"channel\", E.string value.channel )\n        , ( \"event_type\", E.string value.eventType )\n        , ( \"data\", value.data )\n        ]")
	for i := range c.Streams {
		s := &c.Streams[i]
		for j := range s.Events {
			e := &s.Events[j]
			g.names = n.streams[i]
			called, typ, in := n.broadcasts[s.Name+" "+e.Name], g.names.types[e.Name], "Sse."+module(s)+"."
			g.begin(paragraph(e.Doc))
			g.line("%s : %s%s -> Broadcast\n%s data =", called, in, typ, called)
			g.line("    { channel = %s", channelOf(s, func(field string) string { return g.part(e, field, in) }))
			g.line("    , eventType = %s\n    , data = %sencode%s data\n    }", quote(e.Name), in, typ)
		}
	}
	return g.Bytes()
}

// part is a field of the data as a part of a channel.
func (g *generator) part(e *schema.Event, field, in string) string {
	value := "data." + g.names.fields[e.Name][field]
	f, ok := e.Field(field)
	switch {
	case ok && f.Type.Kind == schema.Int:
		return "String.fromInt " + value
	case ok && f.Type.Kind == schema.Enum:
		return in + "textOf" + g.names.types[f.Type.Named.Name] + " " + value
	}
	return value
}

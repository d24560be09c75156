// Package asyncapi writes one AsyncAPI 3.0 document of a catalog: the channels,
// what they carry, who may read them. It describes the reading side, which is
// HTTP; how services publish is no matter of their readers.
package asyncapi

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/runnel-sse/runnel/pkg/generate/jsonschema"
	"github.com/runnel-sse/runnel/pkg/generate/ordered"
	"github.com/runnel-sse/runnel/pkg/schema"
	"github.com/runnel-sse/runnel/pkg/schema/sample"
)

// File is the one file that is written.
const File = "asyncapi.json"

type object = ordered.Object

func with(key string, value any) ordered.Member { return ordered.Member{Name: key, Value: value} }

// Files returns File. The document refers to nothing outside itself.
func Files(c *schema.Catalog) (map[string][]byte, error) {
	var channels, operations, messages, schemas object
	for i := range c.Streams {
		s := &c.Streams[i]
		channels = append(channels, with(s.Name, channel(s)))
		operations = append(operations, with("read"+s.Name, operation(s)))
		for j := range s.Events {
			e := &s.Events[j]
			messages = append(messages, with(component(s, e.Name), message(s, e)))
		}
		for _, n := range s.Types {
			schemas = append(schemas, with(component(s, n.Name), jsonschema.Named(n, refer(s))))
		}
	}
	doc := object{
		with("x-generated", schema.Mark), // the document itself may have no $comment
		with("asyncapi", "3.0.0"),
		with("info", object{
			with("title", "Events"),
			with("version", "1"),
			with("description", "Server-sent events of Runnel. Old readers meet fields that they do not know: they leave them out."),
		}),
		with("defaultContentType", "application/json"),
		with("channels", orEmpty(channels)),
		with("operations", orEmpty(operations)),
		with("components", object{
			with("messages", orEmpty(messages)), with("schemas", orEmpty(schemas)), with("securitySchemes", securitySchemes),
		}),
	}
	text, err := doc.Indent()
	if err != nil {
		return nil, fmt.Errorf("asyncapi: write %s: %w", File, err)
	}
	return map[string][]byte{File: append(text, '\n')}, nil
}

func orEmpty(o object) object {
	if o == nil {
		return object{}
	}
	return o
}

// component is the key of a stream's part among all, which has letters, digits
// and a few marks: of what Go allows in names besides, the number stands.
func component(s *schema.Stream, name string) string {
	var b strings.Builder
	b.WriteString(s.Name + ".")
	for _, r := range name {
		if r < 0x80 {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, "-%x-", r)
		}
	}
	return b.String()
}

func refer(s *schema.Stream) jsonschema.Refer {
	return func(n *schema.Named) string { return "#/components/schemas/" + component(s, n.Name) }
}

func ref(to string) object { return object{with("$ref", to)} }

// channel is a stream: the family of its channels, with the fields of the template
// as parameters.
func channel(s *schema.Stream) object {
	o := object{
		with("address", "/sse/"+s.Name+"/"+s.Template.String()),
		with("title", schema.ClientName(s.Name)),
	}
	if doc := schema.DocLines(s.Doc); doc != nil {
		o = append(o, with("description", strings.Join(doc, "\n")))
	}
	var messages, parameters object
	for i := range s.Events {
		name := s.Events[i].Name
		messages = append(messages, with(component(s, name)[len(s.Name)+1:], ref("#/components/messages/"+component(s, name))))
	}
	o = append(o, with("messages", messages))
	for _, name := range s.Template.Fields() {
		f, _ := s.Events[0].Field(name) // every event has it
		doc := append(schema.DocLines(f.Doc), "One part of the channel's name, without a colon: "+f.Type.String()+".")
		p := object{with("description", strings.Join(doc, "\n"))}
		if f.Type.Kind == schema.Enum {
			p = append(p, with("enum", f.Type.Named.Values))
		}
		parameters = append(parameters, with(name, p))
	}
	if parameters != nil {
		o = append(o, with("parameters", parameters))
	}
	return append(o, with("x-runnel", settings(s)))
}

// settings are what AsyncAPI has no word for.
func settings(s *schema.Stream) object {
	o := object{with("policy", s.Policy), with("retention", s.Retention.String())}
	if s.Policy == schema.PolicyOwner {
		o = append(o, with("owner", object{with("field", s.Owner.Field), with("claim", s.Owner.Claim)}))
	}
	for _, limit := range []struct {
		name string
		n    int
	}{{"limit", s.Limit}, {"userLimit", s.UserLimit}, {"addressLimit", s.AddressLimit}} {
		if limit.n > 0 {
			o = append(o, with(limit.name, limit.n))
		}
	}
	if s.Presence {
		o = append(o, with("presence", object{with("grace", s.Grace.String())}))
	}
	if s.Economy != nil {
		o = append(o, with("economy", object{with("open", s.Economy.Open.String()), with("closed", s.Economy.Closed.String())}))
	}
	if s.Budget > 0 {
		o = append(o, with("budget", s.Budget.String()))
	}
	return o
}

// operation is the stream as its readers have it: the application sends.
func operation(s *schema.Stream) object {
	var messages []object
	for i := range s.Events {
		messages = append(messages, ref("#/channels/"+s.Name+"/messages/"+component(s, s.Events[i].Name)[len(s.Name)+1:]))
	}
	o := object{
		with("action", "send"),
		with("channel", ref("#/channels/"+s.Name)),
		with("summary", summaries[s.Policy]),
	}
	if s.Policy != schema.PolicyPublic {
		var schemes []object
		for _, m := range securitySchemes {
			schemes = append(schemes, ref("#/components/securitySchemes/"+m.Name))
		}
		o = append(o, with("security", schemes))
	}
	return append(o,
		with("bindings", object{with("http", object{with("method", "GET"), with("bindingVersion", "0.3.0")})}),
		with("messages", messages))
}

var summaries = map[schema.Policy]string{
	schema.PolicyPublic:        "Everybody may read.",
	schema.PolicyAuthenticated: "Whoever has a valid token may read.",
	schema.PolicyOwner:         "The one whose channel it is may read.",
	schema.PolicyClaim:         "Whose token lists the channel may read.",
}

// securitySchemes are the ways to say who one is, each of which will do.
var securitySchemes = object{
	with("bearer", object{with("type", "http"), with("scheme", "bearer"), with("bearerFormat", "JWT")}),
	with("cookie", object{with("type", "httpApiKey"), with("in", "cookie"), with("name", "__Host-runnel"), with("description", "The token as a cookie.")}),
	with("ticket", object{with("type", "httpApiKey"), with("in", "query"), with("name", "ticket"), with("description", "For an EventSource, which can set no header.")}),
}

func message(s *schema.Stream, e *schema.Event) object {
	o := object{with("name", e.Name), with("title", e.Name)}
	if doc := schema.DocLines(e.Doc); doc != nil {
		o = append(o, with("description", strings.Join(doc, "\n")))
	}
	return append(o,
		with("payload", jsonschema.Fields("", e.Fields, refer(s))),
		with("examples", []object{{with("payload", json.RawMessage(sample.Data(s, e)))}}))
}

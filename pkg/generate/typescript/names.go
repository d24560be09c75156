package typescript

import (
	"fmt"
	"strings"

	"github.com/runnel-sse/runnel/pkg/schema"
)

// taken are names that the file, or the language, has already. A type of that
// name gets an underscore behind it.
var taken = map[string]bool{
	"any": true, "Array": true, "as": true, "async": true, "await": true, "bigint": true, "boolean": true, "break": true,
	"case": true, "catch": true, "class": true, "ClientOptions": true, "const": true, "continue": true, "createClient": true,
	"createSse": true, "debugger": true, "declare": true, "default": true, "delete": true, "Descriptors": true, "descriptors": true,
	"do": true, "else": true, "enum": true, "export": true, "extends": true, "false": true, "finally": true, "for": true,
	"function": true, "if": true, "implements": true, "import": true, "in": true, "instanceof": true, "interface": true,
	"let": true, "never": true, "new": true, "null": true, "number": true, "object": true, "package": true, "private": true,
	"protected": true, "public": true, "Record": true, "return": true, "SseClient": true, "static": true, "Streams": true,
	"string": true, "super": true, "switch": true, "symbol": true, "this": true, "throw": true, "true": true, "try": true,
	"type": true, "typeof": true, "undefined": true, "unknown": true, "var": true, "void": true, "while": true, "with": true,
	"yield": true,
}

// nameTypes gives each event and each named type its name in the file, by stream
// and name. One that several streams have stands behind its stream's name.
func nameTypes(c *schema.Catalog) (map[string]string, error) {
	streams := map[string]int{} // that have a type of the name
	for i := range c.Streams {
		for _, name := range typesOf(&c.Streams[i]) {
			streams[name]++
		}
	}
	names, owner := map[string]string{}, map[string]string{}
	for i := range c.Streams {
		s := &c.Streams[i]
		for _, name := range typesOf(s) {
			called := name
			if streams[name] > 1 {
				called = strings.TrimSuffix(s.Name, "Stream") + name
			}
			called = schema.Escape(called, taken)
			if first, twice := owner[called]; twice {
				return nil, both(s.Name, name, first, called)
			}
			owner[called] = name + " of " + s.Name
			names[s.Name+" "+name] = called
		}
	}
	seen := map[string]string{}
	for i := range c.Streams {
		if err := distinctKeys(&c.Streams[i]); err != nil {
			return nil, err
		}
		name := schema.ClientName(c.Streams[i].Name)
		if first, twice := seen[name]; twice {
			return nil, both(c.Streams[i].Name, "", first, name)
		}
		seen[name] = c.Streams[i].Name
	}
	return names, nil
}

func typesOf(s *schema.Stream) []string {
	var names []string
	for i := range s.Events {
		names = append(names, s.Events[i].Name)
	}
	for _, n := range s.Types {
		names = append(names, n.Name)
	}
	return names
}

// distinctKeys sees that no two fields of the channel's key have one name here.
func distinctKeys(s *schema.Stream) error {
	seen := map[string]string{}
	for _, f := range s.Template.Fields() {
		name := schema.Camel(f)
		if first, twice := seen[name]; twice {
			return &schema.Refusal{Stream: s.Name, What: fmt.Sprintf("%s and %s of its channel would both be called %s in TypeScript", first, f, name), Write: "rename one of them"}
		}
		seen[name] = f
	}
	return nil
}

// both is the refusal of a name that somebody else has in the file.
func both(stream, name, other, called string) error {
	return &schema.Refusal{
		Stream: stream, Type: name, Write: "rename one of them",
		What: fmt.Sprintf("it and %s would both be called %s in TypeScript", other, called),
	}
}

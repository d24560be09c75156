package typescript

import (
	"fmt"
	"slices"
	"strings"

	"github.com/runnel-sse/runnel/pkg/schema"
)

// taken are names that the file, or the language, has already. A type of that
// name gets an underscore behind it.
var taken = []string{
	"any", "Array", "as", "async", "await", "bigint", "boolean", "break", "case", "catch", "class", "ClientOptions", "const", "continue",
	"createClient", "createSse", "debugger", "declare", "default", "delete", "Descriptors", "descriptors", "do", "else", "enum", "export",
	"extends", "false", "finally", "for", "function", "if", "implements", "import", "in", "instanceof", "interface", "let", "never", "new",
	"null", "number", "object", "package", "private", "protected", "public", "Record", "return", "SseClient", "static", "Streams", "string",
	"super", "switch", "symbol", "this", "throw", "true", "try", "type", "typeof", "undefined", "unknown", "var", "void", "while", "with", "yield",
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
			if slices.Contains(taken, called) {
				called += "_"
			}
			if first, twice := owner[called]; twice {
				return nil, fmt.Errorf("typescript: %s of %s and %s would both be called %s: rename one of them", name, s.Name, first, called)
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
			return nil, fmt.Errorf("typescript: %s and %s would both be called %s: rename the file of one of them", c.Streams[i].Name, first, name)
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
			return fmt.Errorf("typescript: %s and %s of the channel of %s would both be called %s: rename one of them", first, f, s.Name, name)
		}
		seen[name] = f
	}
	return nil
}

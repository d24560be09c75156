// Package jsonschema writes a JSON Schema (2020-12) for the data of each event of
// a catalog, each file whole in itself. What a schema says is what Catalog.Check
// holds data to, by value. Of the text of JSON it sees nothing, so it takes what
// Check refuses for its text: an integer written 1.0 or 1e3, a key that stands
// twice, objects that are nested too deep. Validators that count in float64 know
// the ends of 64-bit integers only roughly.
package jsonschema

import (
	"fmt"
	"net/url"

	"github.com/runnel-sse/runnel/pkg/generate/ordered"
	"github.com/runnel-sse/runnel/pkg/schema"
)

// Files returns jsonschema/{Stream}/{Event}.json for each event.
func Files(c *schema.Catalog) (map[string][]byte, error) {
	files := map[string][]byte{}
	for i := range c.Streams {
		s := &c.Streams[i]
		for j := range s.Events {
			e := &s.Events[j]
			text, err := event(s, e).Indent()
			if err != nil {
				return nil, fmt.Errorf("jsonschema: write %s of %s: %w", e.Name, s.Name, err)
			}
			files["jsonschema/"+s.Name+"/"+e.Name+".json"] = append(text, '\n')
		}
	}
	return files, nil
}

func event(s *schema.Stream, e *schema.Event) ordered.Object {
	refer := func(n *schema.Named) string { return "#/$defs/" + url.PathEscape(n.Name) }
	o := ordered.Of(
		"$comment", schema.Mark,
		"$schema", "https://json-schema.org/draft/2020-12/schema",
		"$id", "urn:runnel:"+s.Name+":"+url.PathEscape(e.Name),
		"title", e.Name,
	)
	o = append(o, Fields(e.Doc, e.Fields, refer)...)
	var defs ordered.Object
	for _, n := range namedIn(e.Fields) {
		defs = defs.With(n.Name, Named(n, refer))
	}
	if defs != nil {
		o = o.With("$defs", defs)
	}
	return o
}

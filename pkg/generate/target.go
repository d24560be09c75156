package generate

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"github.com/runnel-sse/runnel/pkg/generate/golang"
	"github.com/runnel-sse/runnel/pkg/generate/jsonschema"
	"github.com/runnel-sse/runnel/pkg/generate/reference"
	"github.com/runnel-sse/runnel/pkg/generate/typescript"
	"github.com/runnel-sse/runnel/pkg/schema"
)

// targets are what is written from a catalog, by the names of --lang: the files
// of a folder, by their paths in it.
var targets = map[string]struct {
	folder string // below Options.Out
	files  func(o Options, c *schema.Catalog) (map[string][]byte, error)
}{
	"typescript": {"typescript", func(o Options, c *schema.Catalog) (map[string][]byte, error) { return typescript.Files(c, o.Int64) }},
	"jsonschema": {"jsonschema", func(_ Options, c *schema.Catalog) (map[string][]byte, error) { return jsonschema.Files(c) }},
	"docs":       {"reference", func(_ Options, c *schema.Catalog) (map[string][]byte, error) { return reference.Files(c) }},
}

// langGo is written beside the definitions, whose package it joins.
const langGo = "go"

// Languages are the names of --lang.
func Languages() []string {
	return append([]string{langGo}, slices.Sorted(maps.Keys(targets))...)
}

// render makes the files, and writes nothing.
func render(o Options, defs []schema.Definition) ([]set, error) {
	var c schema.Catalog
	for i := range defs {
		c.Streams = append(c.Streams, defs[i].Stream)
	}
	var sets []set
	for _, lang := range o.Langs {
		if lang == langGo {
			pkg, err := packageName(o.From)
			if err != nil {
				return nil, err
			}
			src, err := golang.Catalog(pkg, &c)
			if err != nil {
				return nil, fmt.Errorf("generate: %w", err)
			}
			sets = append(sets, set{folder: o.From, files: map[string][]byte{golang.File: src}})
			continue
		}
		t := targets[lang]
		files, err := t.files(o, &c)
		if err != nil {
			return nil, fmt.Errorf("generate: %w", err)
		}
		sets = append(sets, set{folder: filepath.Join(o.Out, t.folder), files: files, whole: true})
	}
	return sets, nil
}

package generate

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/runnel-sse/runnel/pkg/generate/elm"
	"github.com/runnel-sse/runnel/pkg/generate/functions"
	"github.com/runnel-sse/runnel/pkg/generate/jsonschema"
	"github.com/runnel-sse/runnel/pkg/generate/jsonschema/asyncapi"
	"github.com/runnel-sse/runnel/pkg/generate/reference"
	"github.com/runnel-sse/runnel/pkg/generate/typescript"
	"github.com/runnel-sse/runnel/pkg/schema"
)

// target is a language that is generated.
type target struct {
	lang   string
	beside bool // its files stand beside the definitions, whatever Options.Out is
	// owns are patterns of the files that are its own, where they bear the mark; one
	// that ends in / is a folder with all below it.
	owns []string
	// files are by their paths, with slashes, below Options.Out or beside the
	// definitions. They depend on the catalog and the options alone.
	files func(*input) (map[string][]byte, error)
}

// targets are in the order in which --lang names them.
var targets = []target{
	{lang: "go", beside: true, owns: []string{"*_sse.gen.go", "publish/*_sse.gen.go"}, files: goFiles},
	{lang: "functions", owns: []string{functions.File}, files: func(in *input) (map[string][]byte, error) { return functions.Files(in.catalog) }},
	{lang: "typescript", owns: []string{"typescript/"}, files: func(in *input) (map[string][]byte, error) { return typescript.Files(in.catalog, in.Int64) }},
	{lang: "elm", owns: []string{"elm/"}, files: func(in *input) (map[string][]byte, error) { return elm.Files(in.catalog, in.Elm) }},
	{lang: "jsonschema", owns: []string{"jsonschema/"}, files: func(in *input) (map[string][]byte, error) { return jsonschema.Files(in.catalog) }},
	{lang: "asyncapi", owns: []string{asyncapi.File}, files: func(in *input) (map[string][]byte, error) { return asyncapi.Files(in.catalog) }},
	{lang: "docs", owns: []string{reference.File}, files: func(in *input) (map[string][]byte, error) { return reference.Files(in.catalog, renamed(in.catalog)) }},
}

// renamed are the names that clients do not have from the definitions.
func renamed(c *schema.Catalog) []reference.Renamed {
	var list []reference.Renamed
	for _, r := range typescript.RenamedIn(c) {
		list = append(list, reference.Renamed{Language: "TypeScript", Stream: r.Stream, Name: r.Name, As: r.As})
	}
	return list
}

// input is what targets are given.
type input struct {
	Options
	defs    []schema.Definition
	catalog *schema.Catalog // of the defs, in their order
	notes   []string        // what a target decided by itself
}

// Langs are the targets there are.
func Langs() []string {
	names := make([]string, len(targets))
	for i, t := range targets {
		names[i] = t.lang
	}
	return names
}

// owned are the files below root that the target could have written.
func (t *target) owned(root string) ([]string, error) {
	var all []string
	for _, pattern := range t.owns {
		dir, whole := strings.CutSuffix(pattern, "/")
		if !whole {
			// The folder is the user's and may have any name, so it is no pattern.
			inner, last := filepath.Split(filepath.FromSlash(pattern))
			entries, err := readDir(filepath.Join(root, inner))
			if err != nil {
				return nil, err
			}
			for _, entry := range entries {
				if fits, _ := filepath.Match(last, entry.Name()); fits && entry.Type().IsRegular() {
					all = append(all, filepath.Join(root, inner, entry.Name()))
				}
			}
			continue
		}
		below, err := walk(filepath.Join(root, filepath.FromSlash(dir)))
		if err != nil {
			return nil, err
		}
		all = append(all, below...)
	}
	return all, nil
}

// walk returns the files of a folder, without what package managers put there.
func walk(dir string) ([]string, error) {
	var all []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist) && path == dir:
			return fs.SkipAll
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == "elm-stuff" || path != dir && strings.HasPrefix(d.Name(), ".")):
			return fs.SkipDir
		case d.Type().IsRegular():
			all = append(all, path)
		}
		return nil
	})
	return all, err
}

package generate

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/runnel-sse/runnel/pkg/schema"
	"github.com/runnel-sse/runnel/pkg/schema/goparse"
	"github.com/runnel-sse/runnel/pkg/schema/rustparse"
)

// parsers are the languages of definitions, by the end of the file's name.
var parsers = map[string]func(name string, src []byte) (schema.Definition, error){
	".go": goparse.File,
	".rs": rustparse.File,
}

// Defines reports whether a file of that name is a definition.
func Defines(name string) bool {
	ext := filepath.Ext(name)
	return parsers[ext] != nil && strings.HasSuffix(name, "_sse"+ext)
}

// Load reads the definitions of a folder, in the order of their streams' names.
func Load(dir string) ([]schema.Definition, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("generate: read the definitions: %w; name the folder with --from", err)
	}
	sources := map[string][]byte{}
	for _, entry := range entries {
		if entry.IsDir() || !Defines(entry.Name()) {
			continue
		}
		path := filepath.Join(dir, entry.Name())
		src, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("generate: read a definition: %w", err)
		}
		sources[filepath.ToSlash(path)] = src
	}
	return Parse(dir, sources)
}

// Parse is Load of files that are read already, by their names. Its error speaks
// of the folder dir.
func Parse(dir string, sources map[string][]byte) ([]schema.Definition, error) {
	var defs []schema.Definition
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(sources)) {
		def, err := parsers[filepath.Ext(name)](name, sources[name])
		if err != nil {
			faults = append(faults, err)
			continue
		}
		defs = append(defs, def)
	}
	faults = append(faults, across(defs)...)
	if len(defs) == 0 && len(faults) == 0 {
		faults = append(faults, fmt.Errorf("generate: no definition in %s: write one, such as %s", dir, filepath.Join(dir, "comment_sse.go")))
	}
	slices.SortFunc(defs, func(a, b schema.Definition) int { return strings.Compare(a.Stream.Name, b.Stream.Name) })
	return defs, errors.Join(faults...)
}

// across finds the faults that only several definitions together have.
func across(defs []schema.Definition) []error {
	var faults []error
	first, clients := map[string]string{}, map[string]string{}
	for i := range defs {
		d := &defs[i]
		at := schema.Pos{File: d.File, Line: 1, Col: 1}
		if other, twice := first[d.Stream.Name]; twice {
			faults = append(faults, &schema.Problem{
				Pos: at, What: d.Stream.Name + " is declared by " + other + " already", Write: "delete one of the files, or rename it",
			})
		}
		first[d.Stream.Name] = d.File
		name := schema.ClientName(d.Stream.Name)
		if other, twice := clients[name]; twice && other != d.Stream.Name {
			faults = append(faults, &schema.Problem{
				Pos: at, What: "clients would know " + d.Stream.Name + " and " + other + " by one name, " + name, Write: "rename the file",
			})
		}
		clients[name] = d.Stream.Name
	}
	return faults
}

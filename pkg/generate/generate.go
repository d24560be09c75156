// Package generate reads the definitions of a folder and writes what follows
// from them. It writes only what changed, whole files only, and nothing at all
// when a definition has a fault.
package generate

import (
	"context"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/runnel-sse/runnel/pkg/generate/golang"
	"github.com/runnel-sse/runnel/pkg/generate/typescript"
	"github.com/runnel-sse/runnel/pkg/schema"
	"github.com/runnel-sse/runnel/pkg/schema/goparse"
	"github.com/runnel-sse/runnel/pkg/schema/rustparse"
)

// ErrStale: with Options.Check, a generated file is not what the definitions say.
var ErrStale = errors.New("generated files are stale")

// Options say what to do.
type Options struct {
	From  string   // the folder of the definitions; default "events"
	Out   string   // where everything goes that is not Go, which goes beside them; default From/gen
	Langs []string // of Languages; default all
	Int64 string   // what 64-bit integers are in TypeScript: number (default) or bigint
	Check bool     // write nothing, fail with ErrStale where something would be written
}

func (o Options) withDefaults() (Options, error) {
	if o.From == "" {
		o.From = "events"
	}
	if o.Out == "" {
		o.Out = filepath.Join(o.From, "gen")
	}
	if len(o.Langs) == 0 {
		o.Langs = Languages()
	}
	for _, lang := range o.Langs {
		if !slices.Contains(Languages(), lang) {
			return o, fmt.Errorf("generate: unknown language %q: want some of %s, with commas between", lang, strings.Join(Languages(), ", "))
		}
	}
	switch o.Int64 {
	case "":
		o.Int64 = typescript.Number
	case typescript.Number, typescript.BigInt:
	default:
		return o, fmt.Errorf("generate: 64-bit integers as %q: want %s or %s", o.Int64, typescript.Number, typescript.BigInt)
	}
	return o, nil
}

// Result is what a run did.
type Result struct {
	Definitions []schema.Definition
	Written     []string // paths of the files that were written, or with Check would be
	Removed     []string // of those that follow from nothing any more, likewise
	Notes       []string // what a run decided by itself, a line each
}

// Run generates. Its error holds every fault of every definition, a line each.
func Run(ctx context.Context, o Options) (Result, error) {
	var res Result
	o, err := o.withDefaults()
	if err != nil {
		return res, err
	}
	defs, err := Load(o.From)
	if err != nil {
		return res, err
	}
	res.Definitions = defs
	for i := range defs {
		if defs[i].Derived {
			s := &defs[i].Stream
			res.Notes = append(res.Notes, fmt.Sprintf("%s: no //sse:channel, so the channels of %s are %s", defs[i].File, s.Name, s.Template))
		}
	}
	sets, err := render(o, defs)
	if err != nil {
		return res, err
	}
	for _, s := range sets {
		if err := s.write(ctx, o.Check, &res); err != nil {
			return res, err
		}
	}
	if stale := slices.Concat(res.Written, res.Removed); o.Check && len(stale) > 0 {
		return res, fmt.Errorf("generate: %w: %s; run `runnel generate` and commit them", ErrStale, strings.Join(stale, ", "))
	}
	return res, nil
}

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
	first := map[string]string{}
	for i := range defs {
		d := &defs[i]
		at := schema.Pos{File: d.File, Line: 1, Col: 1}
		if other, twice := first[d.Stream.Name]; twice {
			faults = append(faults, &schema.Problem{
				Pos: at, What: d.Stream.Name + " is declared by " + other + " already", Write: "delete one of the files, or rename it",
			})
		}
		first[d.Stream.Name] = d.File
		if _, taken := d.Stream.Event("Catalog"); taken {
			faults = append(faults, &schema.Problem{
				Pos: at, What: "an event is named Catalog, as the generated variable is", Write: "give it another name",
			})
		}
	}
	return faults
}

// packageName is the Go package that the generated file joins: that of the Go
// files beside it, else the folder's own name.
func packageName(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", fmt.Errorf("generate: read the definitions: %w", err)
	}
	for _, entry := range entries {
		name := entry.Name()
		if filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") || name == golang.File {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, name), nil, parser.PackageClauseOnly)
		if err == nil {
			return f.Name.Name, nil
		}
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("generate: %w", err)
	}
	if name := filepath.Base(abs); token.IsIdentifier(name) {
		return name, nil
	}
	return "events", nil
}

// Package generate reads the definitions of a folder and writes what follows
// from them, in every target language. It writes only what changed, whole files
// only, and nothing at all when a definition has a fault; what it wrote once and
// what no longer follows from any definition, it removes.
//
// What the files say is the targets' business, each in a package of its own.
package generate

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/runnel-sse/runnel/pkg/schema"
)

// ErrStale: with Options.Check, what is there is not what the definitions say.
var ErrStale = errors.New("generated files are stale")

// Options say what to do.
type Options struct {
	From  string   // the folder of the definitions; default "events"
	Out   string   // the folder of what is not Go; default gen in From
	Langs []string // the targets; default all
	Check bool     // write nothing, fail with ErrStale where something would be written
	Elm   string   // how Elm subscribes: "ports", the default, or "sub"
	Int64 string   // what integers of 64 bits are in TypeScript: "number", the default, or "bigint"
}

// complete puts the defaults in, and refuses what is no option.
func (o Options) complete() (Options, error) {
	if o.From == "" {
		o.From = "events"
	}
	if o.Out == "" {
		o.Out = filepath.Join(o.From, "gen")
	}
	var faults []error
	for _, lang := range o.Langs {
		if !slices.Contains(Langs(), lang) {
			faults = append(faults, fmt.Errorf("generate: unknown language %q: there are %s", lang, strings.Join(Langs(), ", ")))
		}
	}
	if len(o.Langs) == 0 {
		o.Langs = Langs()
	}
	for _, choice := range []struct {
		flag  string
		value *string
		of    []string // the first is the default
	}{{"elm", &o.Elm, []string{"ports", "sub"}}, {"int64", &o.Int64, []string{"number", "bigint"}}} {
		if *choice.value == "" {
			*choice.value = choice.of[0]
		}
		if !slices.Contains(choice.of, *choice.value) {
			faults = append(faults, fmt.Errorf("generate: --%s %q: want %s", choice.flag, *choice.value, strings.Join(choice.of, " or ")))
		}
	}
	return o, errors.Join(faults...)
}

// Result is what a run did, or with Check would do.
type Result struct {
	Definitions []schema.Definition
	Written     []string // paths of the files that were written, sorted
	Removed     []string // paths of the files that follow from nothing any more, sorted
	Notes       []string // what a run decided by itself, a line each
}

// Run generates. Its error holds every fault of every definition, a line each.
func Run(ctx context.Context, o Options) (Result, error) {
	var res Result
	o, err := o.complete()
	if err != nil {
		return res, err
	}
	res.Definitions, err = Load(o.From)
	if err != nil {
		return res, err
	}
	for i := range res.Definitions {
		if d := &res.Definitions[i]; d.Derived {
			res.Notes = append(res.Notes, fmt.Sprintf("%s: no //sse:channel, so the channels of %s are %s", d.File, d.Stream.Name, d.Stream.Template))
		}
	}
	want, owned, err := render(ctx, o, &res)
	if err != nil {
		return res, err
	}
	plan, err := compare(want, owned)
	if err != nil {
		return res, fmt.Errorf("generate: %w", err)
	}
	res.Written, res.Removed = plan.changed(), plan.superfluous
	if o.Check {
		return res, plan.stale()
	}
	if err := ctx.Err(); err != nil { // from here on it is done to the end
		return res, fmt.Errorf("generate: %w", err)
	}
	if err := plan.apply(); err != nil {
		return res, fmt.Errorf("generate: %w", err)
	}
	return res, nil
}

// render has every target say its files, and which files that are there are its
// own. Nothing is written: a fault of the last target leaves all as it was.
func render(ctx context.Context, o Options, res *Result) (want map[string][]byte, owned []string, err error) {
	in := input{Options: o, defs: res.Definitions, catalog: &schema.Catalog{}}
	for i := range in.defs {
		in.catalog.Streams = append(in.catalog.Streams, in.defs[i].Stream)
	}
	want = map[string][]byte{}
	var faults []error
	for _, t := range targets {
		if !slices.Contains(o.Langs, t.lang) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, nil, fmt.Errorf("generate: %w", err)
		}
		files, err := t.files(&in)
		if err != nil {
			faults = append(faults, placed(err, in.defs)...)
			continue
		}
		root := o.Out
		if t.beside {
			root = o.From
		}
		for name, data := range files {
			if !filepath.IsLocal(name) {
				return nil, nil, fmt.Errorf("generate: %s would write %q, outside its folder", t.lang, name)
			}
			want[filepath.Join(root, filepath.FromSlash(name))] = data
		}
		mine, err := t.owned(root)
		if err != nil {
			return nil, nil, fmt.Errorf("generate: look for what was generated: %w", err)
		}
		owned = append(owned, mine...)
	}
	res.Notes = append(res.Notes, in.notes...)
	return want, owned, errors.Join(faults...)
}

// placed gives the refusals of a target their places in the definitions.
func placed(err error, defs []schema.Definition) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, one := range joined.Unwrap() {
			all = append(all, placed(one, defs)...)
		}
		return all
	}
	if r, ok := errors.AsType[*schema.Refusal](err); ok {
		for i := range defs {
			if defs[i].Stream.Name == r.Stream {
				return []error{r.At(&defs[i])}
			}
		}
	}
	return []error{fmt.Errorf("generate: %w", err)}
}

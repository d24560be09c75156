// Package functions says which function serves which stream, as data for those
// who deploy: nothing is wired by hand when a definition is added.
package functions

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/runnel-sse/runnel/pkg/schema"
)

// File is the name of the generated file.
const File = "functions.json"

// Function serves streams. What is 0 or empty is as the deployment has it.
type Function struct {
	Name        string   `json:"name"`
	Streams     []string `json:"streams"`               // what the variable STREAMS of it holds, sorted
	Memory      int      `json:"memory,omitempty"`      // megabytes
	Concurrency int      `json:"concurrency,omitempty"` // how many of it run at once, at most
	Lease       string   `json:"lease,omitempty"`       // "60s", what the variable LEASE of it holds
}

// Of returns the functions of a catalog, sorted by their names. It fails with
// *schema.Refusal where two streams want one function in two ways.
func Of(c *schema.Catalog) ([]Function, error) {
	by := map[string]*Function{}
	var faults []error
	for i := range c.Streams {
		s := &c.Streams[i]
		want := schema.Function{Name: schema.DefaultFunction}
		if s.Function != nil {
			want = *s.Function
		}
		f := by[want.Name]
		if f == nil {
			f = &Function{Name: want.Name}
			by[want.Name] = f
		}
		lease := ""
		if want.Lease != 0 {
			lease = want.Lease.String()
		}
		conflict := agree(&f.Memory, want.Memory) + agree(&f.Concurrency, want.Concurrency) + agree(&f.Lease, lease)
		if conflict != "" {
			faults = append(faults, &schema.Refusal{
				Stream: s.Name, Type: "//sse:function", Write: "write the same in both, or only in one of them",
				What: fmt.Sprintf("function %s also serves %s, whose definition says%s", f.Name, f.Streams[0], conflict),
			})
		}
		f.Streams = append(f.Streams, s.Name)
	}
	var all []Function
	for _, name := range slices.Sorted(maps.Keys(by)) {
		slices.Sort(by[name].Streams)
		all = append(all, *by[name])
	}
	return all, errors.Join(faults...)
}

// agree takes over what is wanted, unless something else is wanted already.
func agree[T comparable](has *T, want T) (conflict string) {
	var none T
	if want != none && *has != none && *has != want {
		return fmt.Sprintf(" %v and not %v", *has, want)
	}
	*has = cmp.Or(*has, want)
	return ""
}

// Files are the target's files.
func Files(c *schema.Catalog) (map[string][]byte, error) {
	all, err := Of(c)
	if err != nil {
		return nil, err
	}
	text, err := json.MarshalIndent(struct {
		Comment   string     `json:"$comment"`
		Functions []Function `json:"functions"`
	}{schema.Mark, all}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("functions: %w", err)
	}
	return map[string][]byte{File: append(text, '\n')}, nil
}

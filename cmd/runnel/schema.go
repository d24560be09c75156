package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/runnel-sse/runnel/pkg/generate"
	"github.com/runnel-sse/runnel/pkg/schema"
	"github.com/runnel-sse/runnel/pkg/schema/diff"
)

func schemaCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "schema COMMAND",
		Short: "What the definitions say, and what their changes mean",
		Args:  arguments("a command", func(n int) bool { return n == 0 }),
		RunE: func(*cobra.Command, []string) error {
			return usageError{fmt.Errorf("want a command: schema diff OLD NEW")}
		},
	}
	cmd.AddCommand(schemaDiffCommand())
	return cmd
}

type schemaDiffOptions struct {
	from        string
	check, json bool
}

func schemaDiffCommand() *cobra.Command {
	var o schemaDiffOptions
	cmd := &cobra.Command{
		Use:   "diff OLD NEW [--from events] [--check] [--json]",
		Short: "Say what the changes between two forms of the definitions break",
		Long: `Say what the changes between two forms of the definitions break: for readers
with old clients that get new events, for old events that are kept and replayed
to new clients, and for publishers that still send the old form.

OLD and NEW are folders of definitions or, where there is no such folder, git
revisions, whose definitions are read from the folder --from.`,
		Example: `  runnel schema diff HEAD events
  runnel schema diff v1.2.0 main --check
  runnel schema diff old/events new/events --json`,
		Args: arguments("OLD and NEW", func(n int) bool { return n == 2 }),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.run(cmd.Context(), args[0], args[1], cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&o.from, "from", "events", "the folder of the definitions in a git revision, from here")
	f.BoolVar(&o.check, "check", false, "fail when a change breaks something")
	f.BoolVar(&o.json, "json", false, "print JSON")
	return cmd
}

func (o schemaDiffOptions) run(ctx context.Context, from, to string, out io.Writer) error {
	before, err := o.catalog(ctx, from)
	if err != nil {
		return err
	}
	after, err := o.catalog(ctx, to)
	if err != nil {
		return err
	}
	changes := diff.Catalogs(before, after)
	breaking := 0
	for i := range changes {
		if changes[i].Breaking() {
			breaking++
		}
	}
	if o.json {
		err = printJSON(out, changes, breaking)
	} else {
		err = printChanges(out, changes, breaking)
	}
	if err == nil && o.check && breaking > 0 {
		return fmt.Errorf("schema diff: %d of %d changes break something", breaking, len(changes))
	}
	return err
}

func printJSON(out io.Writer, changes []diff.Change, breaking int) error {
	if changes == nil {
		changes = []diff.Change{}
	}
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(struct {
		Breaking int           `json:"breaking"`
		Changes  []diff.Change `json:"changes"`
	}{breaking, changes})
}

func printChanges(out io.Writer, changes []diff.Change, breaking int) error {
	for i := range changes {
		if _, err := fmt.Fprintln(out, changes[i].String()); err != nil {
			return err
		}
	}
	if len(changes) == 0 {
		_, err := fmt.Fprintln(out, "no change on the wire")
		return err
	}
	_, err := fmt.Fprintf(out, "changes: %d, breaking: %d\n", len(changes), breaking)
	return err
}

// catalog reads the definitions of a folder or, if there is none of that name,
// of a git revision.
func (o schemaDiffOptions) catalog(ctx context.Context, name string) (*schema.Catalog, error) {
	load := func() ([]schema.Definition, error) { return generate.Load(name) }
	if info, err := os.Stat(name); err != nil || !info.IsDir() {
		folder := filepath.ToSlash(filepath.Clean(o.from))
		load = func() ([]schema.Definition, error) {
			sources, err := revision(ctx, name, folder)
			if err != nil {
				return nil, err
			}
			return generate.Parse(name+":"+folder, sources)
		}
	}
	defs, err := load()
	if err != nil {
		return nil, err
	}
	c := &schema.Catalog{}
	for i := range defs {
		c.Streams = append(c.Streams, defs[i].Stream)
	}
	return c, nil
}

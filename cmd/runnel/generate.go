package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/runnel-sse/runnel/pkg/generate"
)

func generateCommand() *cobra.Command {
	var o generate.Options
	cmd := &cobra.Command{
		Use:   "generate [--from events] [--lang LANGUAGES] [--out DIR] [--check]",
		Short: "Write what follows from the definitions",
		Long: `Write what follows from the definitions: what services publish with, what the
platform checks, and clients. Only what changed is written, and what follows from
no definition any more is removed; files without the mark of a generated file are
never touched.`,
		Args: arguments("no arguments", func(n int) bool { return n == 0 }),
		RunE: func(cmd *cobra.Command, _ []string) error {
			result, err := generate.Run(cmd.Context(), o)
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			for _, note := range result.Notes {
				fmt.Fprintln(out, note)
			}
			for _, path := range result.Written {
				fmt.Fprintln(out, "wrote", path)
			}
			for _, path := range result.Removed {
				fmt.Fprintln(out, "removed", path)
			}
			if len(result.Written)+len(result.Removed) == 0 {
				fmt.Fprintf(out, "%d definitions, everything is fresh\n", len(result.Definitions))
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&o.From, "from", "events", "the folder of the definitions")
	f.StringSliceVar(&o.Langs, "lang", nil, "what to write, with commas between: "+strings.Join(generate.Langs(), ", ")+" (default all)")
	f.StringVar(&o.Out, "out", "", "the folder of what is not Go (default gen in the folder of the definitions)")
	f.StringVar(&o.Elm, "elm", "ports", "how Elm subscribes: ports, or sub")
	f.StringVar(&o.Int64, "int64", "number", "what integers of 64 bits are in TypeScript: number, or bigint")
	f.BoolVar(&o.Check, "check", false, "write nothing, and fail when something would be written or removed")
	return cmd
}

package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/runnel-sse/runnel/pkg/generate"
)

func generateCommand() *cobra.Command {
	var o generate.Options
	cmd := &cobra.Command{
		Use:   "generate [--from events] [--lang go,typescript,…] [--out DIR] [--check]",
		Short: "Write what follows from the definitions",
		Args:  arguments("no arguments", func(n int) bool { return n == 0 }),
		RunE: func(cmd *cobra.Command, _ []string) error {
			result, err := generate.Run(cmd.Context(), o)
			if errors.Is(err, generate.ErrStale) {
				return fmt.Errorf("%w: run `make generate` and commit what it writes", err)
			}
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
	cmd.Flags().StringVar(&o.From, "from", "events", "the folder of the definitions")
	cmd.Flags().StringSliceVar(&o.Langs, "lang", nil, "what to write, of "+strings.Join(generate.Languages(), ", ")+"; all when it is left out")
	cmd.Flags().StringVar(&o.Out, "out", "", "where it goes, but for Go, which stays beside the definitions; FROM/gen when it is left out")
	cmd.Flags().StringVar(&o.Int64, "int64", "number", "what 64-bit integers are in TypeScript: number, where one beyond 2^53 is reported, or bigint")
	cmd.Flags().BoolVar(&o.Check, "check", false, "write nothing, and fail when something would be written")
	cmd.Flags().SortFlags = false
	return cmd
}

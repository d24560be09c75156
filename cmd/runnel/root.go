package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// The statuses of the command line.
const (
	statusOK     = 0
	statusFailed = 1
	statusUsage  = 2 // the command line itself is at fault
)

// usageError is a fault of the command line.
type usageError struct{ error }

// run is the command line as a function, and the only place that prints errors.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := &cobra.Command{
		Use:           "runnel",
		Short:         "Typed server-sent events on AWS",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(devCommand(), publishCommand(), tailCommand(), kickCommand(), tokenCommand(), generateCommand(), schemaCommand(), versionCommand())

	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return statusOK
	}
	fmt.Fprintf(stderr, "runnel: %v\n", err)
	var usage usageError
	if errors.As(err, &usage) || strings.HasPrefix(err.Error(), "unknown command") {
		fmt.Fprintf(stderr, "usage: %s (more with --help)\n", cmd.UseLine())
		return statusUsage
	}
	return statusFailed
}

// arguments refuses another number of arguments than the usage line shows.
func arguments(want string, fits func(n int) bool) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if fits(len(args)) {
			return nil
		}
		return usageError{fmt.Errorf("want %s, got %d arguments", want, len(args))}
	}
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  arguments("no arguments", func(n int) bool { return n == 0 }),
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), "runnel", version)
			return err
		},
	}
}

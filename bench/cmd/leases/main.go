// Command leases plays a day of visits against the gateway's lease rules and
// writes docs/benchmarks-leases.md: what a thousand users cost with each.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"

	"github.com/runnel-sse/runnel/bench/leases"
)

func main() {
	if err := run(os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "leases:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	flags := flag.NewFlagSet("leases", flag.ContinueOnError)
	users := flags.Int("users", 1000, "users of the day, 1 to 100000")
	seed := flags.Uint64("seed", 1, "the same seed gives the same day")
	folder := flags.String("patterns", "", "folder with patterns of visits (default: those of bench/leases/patterns)")
	out := flags.String("out", "-", "file to write, - for standard output")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *users < 1 || *users > 100_000 {
		return fmt.Errorf("-users %d: want 1 to 100000", *users)
	}
	patterns, err := leases.Patterns()
	if *folder != "" {
		patterns, err = leases.Load(os.DirFS(*folder))
	}
	if err != nil {
		return err
	}
	report := leases.Report(patterns, leases.Rules(), *users, *seed)
	if *out == "-" {
		_, err = os.Stdout.WriteString(report)
		return err
	}
	return os.WriteFile(*out, []byte(report), 0o644)
}

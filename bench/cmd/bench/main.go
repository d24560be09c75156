// Command bench measures Runnel beside its rivals, in one run, and writes
// docs/benchmarks.md. The server under test is bound to one core and the
// generator to another; each run has a fresh server; the figures are medians of
// three runs that take turns.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	quick := flags.Bool("quick", false, "one short run of each, to see that it works")
	only := flags.String("only", "", "scenarios, with commas between them (default: all)")
	servers := flags.String("servers", "", "servers, with commas between them (default: all)")
	binary := flags.String("runnel", "", "the runnel to measure, such as one of another commit (default: built from this tree)")
	out := flags.String("out", "", "file to write, - for standard output (default: docs/benchmarks.md, with -quick -)")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if runtime.NumCPU() <= max(serverCore, generatorCore) {
		return errors.New("the server and the generator need a core each")
	}
	if err := raiseFiles(); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "runnel-bench")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	root, err := repository(ctx)
	if err != nil {
		return err
	}
	chosen := choose(contenders(ctx, root, dir, *binary), *servers, func(c contender) string { return c.name })
	versions, err := prepare(ctx, chosen)
	if err != nil {
		return err
	}
	runtime.GOMAXPROCS(1)
	if err := bindAll(generatorCore); err != nil {
		return err
	}
	b := bench{
		began:      time.Now(),
		contenders: chosen,
		versions:   versions,
		scenarios:  choose(scenarios(), *only, func(s scenario) string { return s.name }),
		runs:       3,
		quick:      *quick,
	}
	if b.quick {
		b.runs = 1
	}
	report := b.measure(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if *out == "" {
		*out = filepath.Join(root, "docs", "benchmarks.md")
		if *quick {
			*out = "-"
		}
	}
	if *out == "-" {
		_, err = os.Stdout.WriteString(report)
		return err
	}
	return os.WriteFile(*out, []byte(report), 0o644)
}

// bench is one run of everything.
type bench struct {
	began      time.Time
	contenders []contender
	versions   map[string]string // by the contender's name
	scenarios  []scenario
	runs       int
	quick      bool
}

// measure runs all and returns the report. What fails has its reason in it.
func (b bench) measure(ctx context.Context) string {
	var tables []string
	for _, s := range b.scenarios {
		entrants := s.entrants(b.contenders)
		if reason := s.leftOut(entrants, os.Getenv); reason != "" {
			progress("%s: left out: %s", s.name, reason)
			tables = append(tables, fmt.Sprintf("## %s\n\nLeft out: %s\n", s.title, reason))
			continue
		}
		samples := map[string][]sample{}
		faults := map[string]error{}
		for i := range b.runs {
			// In turns, so that what disturbs the machine disturbs all.
			for _, c := range entrants {
				if ctx.Err() != nil {
					return ""
				}
				progress("%s, run %d of %d: %s", s.name, i+1, b.runs, c.name)
				got, err := s.run(ctx, c, b.quick)
				if err != nil {
					progress("  %v", err)
					faults[c.name] = err
					continue
				}
				samples[c.name] = append(samples[c.name], got)
			}
		}
		tables = append(tables, s.table(entrants, samples, faults))
	}
	return b.report(tables)
}

func progress(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

// choose returns the items whose names are in list, all if it is empty.
func choose[T any](items []T, list string, name func(T) string) []T {
	if list == "" {
		return items
	}
	names := strings.Split(list, ",")
	return slices.DeleteFunc(items, func(item T) bool { return !slices.Contains(names, name(item)) })
}

// raiseFiles lets this process and the servers have as many connections as the
// system allows.
func raiseFiles() error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	// Go gives its children the limit that it found, unless it is set by hand.
	limit.Cur = limit.Max
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	const needed = 10_200
	if limit.Cur < needed {
		return fmt.Errorf("a process may open %d files here, %d are needed: raise the hard limit (ulimit -Hn)", limit.Cur, needed)
	}
	return nil
}

// repository is the root of the repository: the folder above this module's.
func repository(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/runnel-sse/runnel/bench").Output()
	if err != nil {
		return "", fmt.Errorf("run it from bench/ or with go -C bench run: %w", err)
	}
	return filepath.Dir(strings.TrimSpace(string(out))), nil
}

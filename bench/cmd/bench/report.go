package main

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// atLeast asks that our figure is that many times a rival's.
func atLeast(figure string, times float64, rival string) target {
	return target{
		text: fmt.Sprintf("%s at least %s × %s", figure, number(times, 0), rival),
		met: func(medians map[string]sample) (string, bool) {
			us, okUs := medians[ours][figure]
			them, okThem := medians[rival][figure]
			if !okUs || !okThem {
				return "", false
			}
			return number(us/them, 1) + " ×", us >= times*them
		},
	}
}

// atMost asks that our figure is at most that.
func atMost(figure string, most float64, unit string) target {
	return target{
		text: fmt.Sprintf("%s at most %s", figure, number(most, 0)),
		met: func(medians map[string]sample) (string, bool) {
			us, ok := medians[ours][figure]
			if !ok {
				return "", false
			}
			digits := 0
			if us < 100 && us != math.Trunc(us) {
				digits = 1
			}
			return number(us, digits) + unit, us <= most
		},
	}
}

// table writes a scenario's table, with the targets below it.
func (s scenario) table(cs []contender, samples map[string][]sample, faults map[string]error) string {
	var b strings.Builder
	fmt.Fprintf(&b, "## %s\n\n| server |", s.title)
	for _, c := range s.columns {
		fmt.Fprintf(&b, " %s |", c.name)
	}
	fmt.Fprintf(&b, " range of %s |", s.main)
	figures := len(s.columns) + 1
	if !s.alone {
		b.WriteString(" Runnel, times as good |")
		figures++
	}
	b.WriteString("\n|---|" + strings.Repeat("---:|", figures) + "\n")
	medians := map[string]sample{}
	for _, c := range cs {
		if got := samples[c.name]; len(got) > 0 {
			medians[c.name] = s.medians(got)
		}
	}
	for _, c := range cs {
		got, ok := medians[c.name]
		if !ok {
			continue
		}
		fmt.Fprintf(&b, "| %s |", c.name)
		for _, column := range s.columns {
			fmt.Fprintf(&b, " %s |", number(got[column.name], column.digits))
		}
		fmt.Fprintf(&b, " %s |", s.spread(samples[c.name]))
		if !s.alone {
			fmt.Fprintf(&b, " %s |", s.ratio(c.name, medians))
		}
		b.WriteByte('\n')
	}
	b.WriteByte('\n')
	if s.note != "" {
		b.WriteString(s.note + "\n\n")
	}
	for _, c := range cs {
		if err := faults[c.name]; err != nil {
			fmt.Fprintf(&b, "- %s: not all runs went through: %s\n", c.name, firstLine(err))
		}
	}
	for _, t := range s.targets {
		value, met := t.met(medians)
		switch {
		case value == "":
			fmt.Fprintf(&b, "- Target: %s. Not measured in this run.\n", t.text)
		case met:
			fmt.Fprintf(&b, "- Target: %s. **Met**: %s.\n", t.text, value)
		default:
			fmt.Fprintf(&b, "- Target: %s. **Missed**: %s.\n", t.text, value)
		}
	}
	return b.String()
}

// medians are the medians of each figure.
func (s scenario) medians(samples []sample) sample {
	m := sample{}
	for _, c := range s.columns {
		m[c.name] = median(s.values(samples, c.name))
	}
	return m
}

func (s scenario) values(samples []sample, figure string) []float64 {
	var values []float64
	for _, one := range samples {
		values = append(values, one[figure])
	}
	slices.Sort(values)
	return values
}

// median is of sorted values; of an even number, the mean of the middle two.
func median(sorted []float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// spread is the least and the greatest of the main figure.
func (s scenario) spread(samples []sample) string {
	values := s.values(samples, s.main)
	digits := s.columns[slices.IndexFunc(s.columns, func(c column) bool { return c.name == s.main })].digits
	return number(values[0], digits) + "–" + number(values[len(values)-1], digits)
}

// ratio says how many times as good ours is in the main figure.
func (s scenario) ratio(rival string, medians map[string]sample) string {
	us, them := medians[ours][s.main], medians[rival][s.main]
	if rival == ours || medians[ours] == nil {
		return ""
	}
	if s.main != throughput {
		us, them = them, us // less is better
	}
	return number(us/them, 1) + " ×"
}

// report is the whole page.
func (b bench) report(tables []string) string {
	var page strings.Builder
	page.WriteString(`<!-- Written by "make bench". Do not edit: run it again. -->

# Benchmarks

One server process on one core, the load generator on another, loopback, HTTP/1.1 without TLS, events with 256 bytes of data.
Each run has a fresh server; the servers take turns; a figure is the median of `)
	fmt.Fprintf(&page, "%d. Latency counts from when an event\nwas due (open loop), so a server that cannot keep up is not spared what it delays.\n\n", b.runs)
	if b.quick {
		page.WriteString("**A quick run: one short run of each. Not for quoting.**\n\n")
	}
	fmt.Fprintf(&page, "%s on %s, in %d minutes.\n\n", b.began.UTC().Format("2006-01-02"), machine(), int(math.Ceil(time.Since(b.began).Minutes())))
	page.WriteString("| server | version | what |\n|---|---|---|\n")
	for _, c := range b.contenders {
		fmt.Fprintf(&page, "| %s | %s | %s |\n", c.name, b.versions[c.name], c.what)
	}
	page.WriteString("\n" + strings.Join(tables, "\n"))
	page.WriteString(`
## How far to trust it

Absolute figures are this machine's: on loopback a write also runs the receiving side of TCP on the writer's core. The ratios,
taken in the same run, carry over. The ceiling is the last step that passed, and steps are a quarter apart. A server with the
generator's core near 1 could do more than is shown. Memory is the server's resident memory, kernel sockets excluded.
Nothing here says anything about AWS Lambda, where one instance usually holds one connection.

To repeat it: ` + "`make bench`" + ` (Linux with two cores, Node.js for its row), or ` + "`go -C bench run ./cmd/bench -quick`" + `.
`)
	return page.String()
}

// machine is the processor, the system and the compiler.
func machine() string {
	model := "unknown processor"
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if _, after, ok := strings.Cut(string(info), "model name"); ok {
			line, _, _ := strings.Cut(after, "\n")
			model = strings.TrimLeft(line, "\t :")
		}
	}
	kernel := "Linux"
	var name unix.Utsname
	if err := unix.Uname(&name); err == nil {
		release, _, _ := strings.Cut(unix.ByteSliceToString(name.Release[:]), "-")
		kernel += " " + release
	}
	return fmt.Sprintf("%s, %d cores, %s, %s", model, runtime.NumCPU(), kernel, runtime.Version())
}

// number writes a number with that many digits after the point and commas
// between thousands.
func number(v float64, digits int) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "–"
	}
	text := strconv.FormatFloat(v, 'f', digits, 64)
	whole, rest, found := strings.Cut(text, ".")
	for i := len(whole) - 3; i > 0 && whole[i-1] != '-'; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if found {
		return whole + "." + rest
	}
	return whole
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// Command testreport runs `go test` with its arguments and shows what go test
// shows, and at the end every test that was skipped, with its reason: go test
// alone hides those, and a test that does not run must not look like one that passed.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// event is a line of `go test -json`; see `go doc test2json`.
type event struct {
	Action, Package, Test, Output string
}

type test struct{ pkg, name string }

func main() {
	cmd := exec.Command("go", append([]string{"test", "-json"}, os.Args[1:]...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "testreport:", err)
		os.Exit(1)
	}
	var r report
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		r.line(lines.Bytes())
	}
	err = cmd.Wait()
	r.summary()
	if err != nil || r.failed > 0 {
		os.Exit(1)
	}
}

// report gathers what the tests say.
type report struct {
	output                  map[test][]string // of tests that have not ended
	skips                   []string
	passed, skipped, failed int
}

func (r *report) line(raw []byte) {
	var e event
	if json.Unmarshal(raw, &e) != nil || e.Action == "" {
		fmt.Printf("%s\n", raw) // what is not JSON, go test itself says
		return
	}
	id := test{e.Package, e.Test}
	switch e.Action {
	case "output", "build-output":
		if e.Test == "" {
			// A package's own lines, but for those that only say how it ended.
			if e.Output != "PASS\n" && e.Output != "FAIL\n" && !strings.HasPrefix(e.Output, "-test.shuffle") {
				fmt.Print(e.Output)
			}
			return
		}
		if r.output == nil {
			r.output = map[test][]string{}
		}
		r.output[id] = append(r.output[id], e.Output)
	case "pass", "fail", "skip":
		if e.Test != "" {
			r.end(id, e.Action)
		}
	}
}

func (r *report) end(id test, action string) {
	said := r.output[id]
	delete(r.output, id)
	switch action {
	case "pass":
		r.passed++
		for _, line := range said { // a test that leaves a part out says it so
			if strings.Contains(line, "SKIPPED") {
				r.skips = append(r.skips, name(id)+": "+strings.TrimSpace(line))
			}
		}
	case "skip":
		r.skipped++
		r.skips = append(r.skips, name(id)+": "+reason(said))
	case "fail":
		r.failed++
		fmt.Print(strings.Join(said, ""))
	}
}

func name(id test) string {
	return strings.TrimPrefix(id.pkg, "github.com/runnel-sse/runnel/") + " " + id.name
}

// reason is what the test said besides go test's own lines.
func reason(said []string) string {
	var words []string
	for _, line := range said {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "===") && !strings.HasPrefix(line, "---") {
			words = append(words, line)
		}
	}
	return strings.Join(words, " ")
}

func (r *report) summary() {
	for _, said := range r.output { // of tests that never ended: a panic, a time limit
		fmt.Print(strings.Join(said, ""))
	}
	if len(r.skips) > 0 {
		fmt.Println("\nNOT TESTED HERE:")
		for _, s := range r.skips {
			fmt.Println("  skipped", s)
		}
	}
	fmt.Printf("\ntests: %d passed, %d failed, %d skipped\n", r.passed, r.failed, r.skipped)
}

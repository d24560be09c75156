// Package runnel holds no code: this test says who may import whom.
package runnel

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/runnel-sse/runnel/"

// ranks orders the packages: one may import only what has a lower rank. The
// longest prefix counts, and a package without a rank fails the test. Read from
// the top, this is the architecture.
var ranks = map[string]int{
	// words: what everybody speaks of
	"pkg/channel": 0, "pkg/eventlog": 0, "pkg/subscriber": 0, "pkg/schema": 0,
	"pkg/logic": 0, "pkg/sse": 0, "pkg/generate/ordered": 0, "pkg/obs": 0, "pkg/problem": 0,
	// parts: each knows words alone
	"pkg/cursor": 1, "pkg/memory": 1, "pkg/bolt": 1, "pkg/dynamo": 1, "pkg/sqs": 1,
	"pkg/auth": 1, "pkg/command": 1, "pkg/cors": 1,
	"pkg/schema/goparse": 1, "pkg/schema/rustparse": 1, "pkg/generate/": 1,
	"events": 1,
	// parts of parts
	"pkg/generate/generatetest": 2, "pkg/tail": 2, "pkg/follow": 2, "pkg/generate": 2, "pkg/config": 2, "pkg/publish": 2,
	// uses: what a program does; they know ports and never adapters
	"pkg/gateway": 3, "pkg/ingest": 3, "pkg/presence": 3, "pkg/control": 3,
	// wiring, and programs
	"pkg/wire":       4,
	"events/publish": 3, // generated, for services
	"functions/":     5, "cmd/": 5, "infra": 5, "localstack": 5,
	// tests of the whole
	"e2e": 6,
}

// bound says which imports only some packages may have. Tests may have more.
var bound = []struct {
	imports string   // this package and what is below it
	only    []string // may be imported by these and what is below them
	why     string
}{
	{"github.com/aws/aws-sdk-go-v2", []string{"pkg/dynamo", "pkg/sqs", "pkg/publish", "pkg/lambdahost", "pkg/wire", "localstack"}, "the AWS SDK stays in adapters and their wiring"},
	{"github.com/aws/aws-lambda-go", []string{"functions", "pkg/ingest", "pkg/sqs", "pkg/lambdahost", "pkg/wire"}, "Lambda's event types are for what takes its events"},
	{"github.com/aws/aws-lambda-go/lambda", []string{"functions"}, "Lambda's runtime is the functions' business"},
	{"github.com/aws/aws-cdk-go", []string{"infra"}, "the CDK stays in infra"},
	{"go.etcd.io/bbolt", []string{"pkg/bolt"}, "the database file belongs to its adapter"},
	{"github.com/spf13/cobra", []string{"cmd"}, "the command line stays in cmd"},
	{"github.com/chromedp", nil, "browsers are for tests"},
	{"github.com/stretchr/testify", []string{"pkg/eventlog/logtest", "pkg/subscriber/subscribertest"}, "assertions are for tests"},
	{module + "pkg/memory", []string{"pkg/wire"}, "uses take ports"},
	{module + "pkg/bolt", []string{"pkg/wire"}, "uses take ports"},
	{module + "pkg/dynamo", []string{"pkg/wire", "localstack"}, "uses take ports"},
	{module + "functions", nil, "a program is imported by nothing"},
	{module + "cmd", []string{"cmd"}, "a program is imported by nothing"},
	{module + "infra", []string{"infra"}, "a program is imported by nothing"},
}

// nested reports whether from stands in the folder of to, which it may import
// whatever their ranks.
func nested(from, to string) bool { return strings.HasPrefix(from, to+"/") }

type pkg struct {
	ImportPath string
	Imports    []string
}

func list(t *testing.T) []pkg {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-e", "-json=ImportPath,Imports", "./...").Output()
	require.NoError(t, err)
	var all []pkg
	for dec := json.NewDecoder(strings.NewReader(string(out))); dec.More(); {
		var p pkg
		require.NoError(t, dec.Decode(&p))
		if p.ImportPath+"/" != module {
			all = append(all, p)
		}
	}
	require.NotEmpty(t, all)
	return all
}

func rankOf(path string) (rank int, known bool) {
	longest := -1
	for prefix, r := range ranks {
		fits := path == prefix || strings.HasPrefix(path, strings.TrimSuffix(prefix, "/")+"/")
		if fits && len(prefix) > longest {
			longest, rank, known = len(prefix), r, true
		}
	}
	return rank, known
}

func under(path string, folders []string) bool {
	return slices.ContainsFunc(folders, func(f string) bool { return path == f || strings.HasPrefix(path, f+"/") })
}

func TestImportsPointDown(t *testing.T) {
	t.Parallel()
	for _, p := range list(t) {
		from := strings.TrimPrefix(p.ImportPath, module)
		rank, known := rankOf(from)
		if !known {
			t.Errorf("%s has no rank: give it one in arch_test.go", from)
			continue
		}
		for _, path := range p.Imports {
			to, ours := strings.CutPrefix(path, module)
			if !ours {
				if rank == 0 && strings.Contains(strings.SplitN(path, "/", 2)[0], ".") && !strings.HasSuffix(from, "test") {
					t.Errorf("%s imports %s: words need the standard library alone", from, path)
				}
				continue
			}
			below, _ := rankOf(to)
			word := to == "pkg/channel" && rank == 0
			if below >= rank && !word && !nested(from, to) {
				t.Errorf("%s (rank %d) imports %s (rank %d): imports point down", from, rank, to, below)
			}
		}
	}
}

func TestSomeImportsAreForAFewPackages(t *testing.T) {
	t.Parallel()
	for _, p := range list(t) {
		from := strings.TrimPrefix(p.ImportPath, module)
		for _, path := range p.Imports {
			for _, b := range bound {
				if under(path, []string{b.imports}) && !under(from, b.only) && !under(p.ImportPath, []string{b.imports}) {
					t.Errorf("%s imports %s: %s", from, path, b.why)
				}
			}
		}
	}
}

// source calls check with every Go file of this module that is not generated.
func source(t *testing.T, check func(path string, file *ast.File, at func(ast.Node) token.Position)) {
	t.Helper()
	files := 0
	require.NoError(t, filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || slices.Contains([]string{"testdata", "node_modules", "bench", "dist", "bin"}, d.Name())):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go"):
			return nil
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil || ast.IsGenerated(file) {
			return err
		}
		files++
		check(filepath.ToSlash(path), file, func(n ast.Node) token.Position { return set.Position(n.Pos()) })
		return nil
	}))
	require.Positive(t, files)
}

// selector returns "pkg.Name" for a call of that form.
func selector(call *ast.CallExpr) string {
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	if x, ok := sel.X.(*ast.Ident); ok {
		return x.Name + "." + sel.Sel.Name
	}
	return ""
}

// TestOnlyMainEndsTheProcess: a library that ends it takes thousands of open
// streams with it, and a test cannot see why. A panic is for packages that
// recover it themselves, so that it does not leave them.
func TestOnlyMainEndsTheProcess(t *testing.T) {
	t.Parallel()
	recovers := map[string]bool{}
	source(t, func(path string, file *ast.File, _ func(ast.Node) token.Position) {
		ast.Inspect(file, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && !strings.HasSuffix(path, "_test.go") {
				id, ok := call.Fun.(*ast.Ident)
				recovers[filepath.Dir(path)] = recovers[filepath.Dir(path)] || ok && id.Name == "recover"
			}
			return true
		})
	})
	source(t, func(path string, file *ast.File, at func(ast.Node) token.Position) {
		if strings.HasSuffix(path, "_test.go") {
			return
		}
		for _, decl := range file.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok || fn.Body == nil {
				continue
			}
			isMain := file.Name.Name == "main" && fn.Name.Name == "main"
			// Must… panics on what stands in code, and says so in its name.
			must := strings.HasPrefix(fn.Name.Name, "Must")
			ast.Inspect(fn.Body, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok {
					return true
				}
				name := selector(call)
				if id, ok := call.Fun.(*ast.Ident); ok && id.Name == "panic" && !must && !recovers[filepath.Dir(path)] {
					t.Errorf("%v: panic in %s, which its package does not recover: return an error", at(call), fn.Name.Name)
				}
				if name == "os.Exit" && !isMain || strings.HasPrefix(name, "log.Fatal") || strings.HasPrefix(name, "log.Panic") {
					t.Errorf("%v: %s in %s: only main ends the process", at(call), name, fn.Name.Name)
				}
				return true
			})
		}
	})
}

// TestTestsDoNotSleep: a sleep is a guess. Inside a synctest bubble the clock is
// the test's own, so there it is exact and costs nothing.
func TestTestsDoNotSleep(t *testing.T) {
	t.Parallel()
	source(t, func(path string, file *ast.File, at func(ast.Node) token.Position) {
		bubbles := slices.ContainsFunc(file.Imports, func(s *ast.ImportSpec) bool { return s.Path.Value == `"testing/synctest"` })
		if !strings.HasSuffix(path, "_test.go") || bubbles {
			return
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && selector(call) == "time.Sleep" {
				t.Errorf("%v: time.Sleep outside a synctest bubble: wait for what the test waits for", at(call))
			}
			return true
		})
	})
}

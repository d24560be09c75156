package generate_test

import (
	"bufio"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/generate"
	"github.com/runnel-sse/runnel/pkg/schema/schematest"
)

// exports are the compiled forms of what generated code imports, by import path.
var exports = sync.OnceValues(func() (map[string]string, error) {
	const ours = "github.com/runnel-sse/runnel/pkg/"
	out, err := exec.Command("go", "list", "-export", "-deps", "-f", "{{.ImportPath}} {{.Export}}", ours+"publish", ours+"logic", "time").Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	files := map[string]string{}
	for line := range strings.Lines(string(out)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), " ")
		files[path] = file
	}
	return files, nil
})

// program is a module whose packages are checked as the compiler does.
type program struct {
	set  *token.FileSet
	far  types.Importer
	near map[string]*types.Package
}

func (p *program) Import(path string) (*types.Package, error) {
	if pkg := p.near[path]; pkg != nil {
		return pkg, nil
	}
	return p.far.Import(path)
}

// check compiles the package in a folder, which is imported by path.
func (p *program) check(t *testing.T, dir, path string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	var files []*ast.File
	for _, entry := range entries {
		if filepath.Ext(entry.Name()) != ".go" || strings.HasSuffix(entry.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(p.set, filepath.Join(dir, entry.Name()), nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		files = append(files, file)
	}
	pkg, err := (&types.Config{Importer: p, GoVersion: "go1.26"}).Check(path, p.set, files, nil)
	require.NoError(t, err)
	p.near[path] = pkg
}

// compiles checks all the Go of a folder of definitions.
func compiles(t *testing.T, dir string) {
	t.Helper()
	files, err := exports()
	require.NoError(t, err)
	p := &program{set: token.NewFileSet(), near: map[string]*types.Package{}}
	p.far = importer.ForCompiler(p.set, "gc", func(path string) (io.ReadCloser, error) {
		if files[path] == "" {
			return nil, errors.New("nothing that is generated imports " + path)
		}
		return os.Open(files[path])
	})
	p.check(t, dir, "example.test/m/"+filepath.Base(dir))
	if _, err := os.Stat(filepath.Join(dir, "publish")); err == nil {
		p.check(t, filepath.Join(dir, "publish"), "example.test/m/"+filepath.Base(dir)+"/publish")
	}
}

// module makes a folder of definitions in a module of its own, so that there is a
// publisher.
func module(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(root, "go.mod"), []byte("module \"example.test/m\" // mine\n\ngo 1.26\n"), 0o600))
	dir := filepath.Join(root, "events")
	require.NoError(t, os.Mkdir(dir, 0o700))
	for name, text := range files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	return dir
}

func even(n uint64) bool { return n%2 == 0 }

// definitions are those of a random catalog, the streams that pick picks in Go,
// the others in Rust.
func definitions(seed uint64, pick func(n uint64) bool) map[string]string {
	files := map[string]string{}
	c := schematest.Random(seed)
	for i := range c.Streams {
		s := &c.Streams[i]
		if pick(seed + uint64(i)) {
			files[schematest.File(s, ".go")] = string(schematest.Go(s))
		} else {
			files[schematest.File(s, ".rs")] = string(schematest.Rust(s))
		}
	}
	return files
}

// raced reports whether the race detector looks on, with which all is slower.
func raced(t *testing.T) bool {
	t.Helper()
	info, ok := debug.ReadBuildInfo()
	require.True(t, ok)
	return slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

// Whatever the readers of definitions accept becomes Go that compiles, unless it
// is refused with its place.
func TestAnyDefinitionBecomesGoThatCompiles(t *testing.T) {
	t.Parallel()
	seeds, refused := uint64(120), 0
	if raced(t) {
		seeds = 20
	}
	for seed := range seeds {
		dir := module(t, definitions(seed, even))
		_, err := generate.Run(t.Context(), generate.Options{From: dir})
		if err != nil {
			refused++
			for line := range strings.Lines(err.Error()) {
				require.Regexp(t, `_sse\.(go|rs):\d+:\d+: `, line, "seed %d", seed)
			}
			continue
		}
		require.FileExists(t, filepath.Join(dir, "publish", "publish_sse.gen.go"))
		compiles(t, dir)
	}
	require.Less(t, refused, int(seeds)/10, "most of them pass, or nothing is tested")
	t.Logf("%d of %d refused", refused, seeds)
}

// TestGeneratedGoRuns builds random definitions into one program, in which data
// of every event is decoded and encoded again.
func TestGeneratedGoRuns(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	require.NoError(t, err)
	sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	require.NoError(t, err)
	dir := t.TempDir()
	text := strings.Replace(string(mod), "module github.com/runnel-sse/runnel", "module example.test/m", 1)
	text, _, _ = strings.Cut(text, "\ntool (") // which it has no use for
	text += "\nrequire github.com/runnel-sse/runnel v0.0.0\n\nreplace github.com/runnel-sse/runnel => " + root + "\n"
	write := func(name, text string) {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	write("go.mod", text)
	write("go.sum", string(sum))
	var imports, calls strings.Builder
	packages := 0
	for seed := uint64(1000); packages < 8; seed++ {
		name := fmt.Sprintf("p%d", seed)
		// In Rust, since then it is the generated types that data goes through.
		for file, text := range definitions(seed, func(uint64) bool { return false }) {
			write(filepath.Join(name, file), text)
		}
		if _, err := generate.Run(t.Context(), generate.Options{From: filepath.Join(dir, name), Langs: []string{"go"}}); err != nil {
			require.NoError(t, os.RemoveAll(filepath.Join(dir, name)))
			continue
		}
		packages++
		fmt.Fprintf(&imports, "\t%q\n", "example.test/m/"+name)
		fmt.Fprintf(&calls, "\trun(%q, &%s.Catalog, %s.Decode)\n", name, name, name)
	}
	program, err := os.ReadFile(filepath.Join("testdata", "roundtrip.go.txt"))
	require.NoError(t, err)
	write("main.go", strings.NewReplacer("\t// IMPORTS\n", imports.String(), "\t// CALLS\n", calls.String()).Replace(string(program)))
	vet := exec.CommandContext(t.Context(), "go", "vet", "-mod=mod", "./...")
	vet.Dir = dir
	out, err := vet.CombinedOutput()
	require.NoError(t, err, "%s", out)
	cmd := exec.CommandContext(t.Context(), "go", "run", "-mod=mod", ".")
	cmd.Dir = dir
	out, err = cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	scan := bufio.NewScanner(strings.NewReader(string(out)))
	lines := 0
	for scan.Scan() {
		require.Regexp(t, `^p\d+: [1-9]\d* events came back as they were$`, scan.Text())
		lines++
	}
	require.Equal(t, 8, lines)
}

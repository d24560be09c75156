// Package generatetest asks others what they say of generated files: the
// TypeScript compiler, validators of JSON Schema and AsyncAPI, a renderer of
// Markdown. They are npm packages of exact versions, see .ci/validators.
package generatetest

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/runnel-sse/runnel/pkg/schema"
)

var update = flag.Bool("update", false, "write the golden files anew")

// Root is the folder of the repository.
func Root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..", "..")
}

// Node runs a program of Node.js in the validators' folder, with input, and
// returns what it prints. The test skips where Node.js or the packages are
// missing, and in CI it fails.
func Node(t testing.TB, input []byte, program string, args ...string) (output []byte, err error) {
	t.Helper()
	node, lookErr := exec.LookPath("node")
	dir := filepath.Join(Root(), ".ci", "validators")
	if lookErr == nil {
		_, lookErr = os.Stat(filepath.Join(dir, "node_modules"))
	}
	if lookErr != nil {
		const why = "Node.js or .ci/validators/node_modules is missing (make validators/deps): what others say of the generated files was not tested"
		if os.Getenv("CI") != "" {
			t.Fatal(why)
		}
		t.Skip(why)
	}
	cmd := exec.CommandContext(t.Context(), node, append([]string{program}, args...)...)
	cmd.Dir = dir
	cmd.Stdin = bytes.NewReader(input)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	output, err = cmd.Output()
	if complaint.Len() > 0 {
		t.Logf("%s: %s", program, complaint.Bytes())
	}
	return output, err
}

// Golden compares generated files with those in the folder, which has no others.
// With -update it writes them.
func Golden(t testing.TB, dir string, files map[string][]byte) {
	t.Helper()
	if *update {
		if err := write(dir, files); err != nil {
			t.Fatal(err)
		}
	}
	there := 0
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		there++
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		want, err := os.ReadFile(path)
		got, generated := files[filepath.ToSlash(name)]
		if err == nil && (!generated || !bytes.Equal(got, want)) {
			t.Errorf("%s is not what is generated; look at the difference after go test -update:\n%s", path, got)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if there != len(files) {
		t.Errorf("%s has %d files, %d are generated", dir, there, len(files))
	}
}

func write(dir string, files map[string][]byte) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	for name, data := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// Catalogs are the cases that every target has golden files of, by name.
func Catalogs(t testing.TB) map[string]*schema.Catalog {
	t.Helper()
	dirs, err := filepath.Glob(filepath.Join(Root(), "pkg", "generate", "generatetest", "testdata", "*"))
	if err != nil || len(dirs) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	all := map[string]*schema.Catalog{}
	for _, dir := range dirs {
		all[filepath.Base(dir)] = load(t, dir)
	}
	return all
}

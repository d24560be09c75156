package runnel

import (
	"go/ast"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// pages calls read with every page of the documentation.
func pages(t *testing.T, read func(path, text string)) {
	t.Helper()
	paths := []string{"README.md", "bench/README.md", "localstack/README.md"}
	require.NoError(t, filepath.WalkDir("docs", func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".md") {
			paths = append(paths, path)
		}
		return err
	}))
	for _, path := range paths {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		read(path, string(text))
	}
}

var (
	namedTest = regexp.MustCompile("`(Test[A-Z][A-Za-z0-9]+)`")
	link      = regexp.MustCompile(`\]\(([^)#\s]+)(?:#[^)]*)?\)`)
)

// TestThePagesNameTestsThatExist: a promise whose test has gone is no promise.
func TestThePagesNameTestsThatExist(t *testing.T) {
	t.Parallel()
	tests := map[string]bool{}
	source(t, func(path string, file *ast.File, _ func(ast.Node) token.Position) {
		for _, decl := range file.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && strings.HasSuffix(path, "_test.go") {
				tests[fn.Name.Name] = true
			}
		}
	})
	named := 0
	pages(t, func(path, text string) {
		for _, m := range namedTest.FindAllStringSubmatch(text, -1) {
			named++
			if !tests[m[1]] {
				t.Errorf("%s: there is no test %s", path, m[1])
			}
		}
	})
	require.Positive(t, named)
}

func TestThePagesLeadSomewhere(t *testing.T) {
	t.Parallel()
	links := 0
	pages(t, func(path, text string) {
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			links++
			if _, err := os.Stat(filepath.Join(filepath.Dir(path), m[1])); err != nil {
				t.Errorf("%s: %v", path, err)
			}
		}
	})
	require.Positive(t, links)
}

package generate

import (
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"

	"github.com/runnel-sse/runnel/pkg/generate/golang"
)

func goFiles(in *input) (map[string][]byte, error) {
	pkg, err := packageName(in.From)
	if err != nil {
		return nil, err
	}
	src, err := golang.Catalog(pkg, in.catalog)
	if err != nil {
		return nil, err
	}
	return map[string][]byte{golang.File: src}, nil
}

// packageName is the Go package that the generated file joins: that of the Go
// files beside it, else the folder's own name.
func packageName(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	for _, entry := range entries {
		name := entry.Name()
		if filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") || name == golang.File {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, name), nil, parser.PackageClauseOnly)
		if err == nil {
			return f.Name.Name, nil
		}
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if name := filepath.Base(abs); token.IsIdentifier(name) {
		return name, nil
	}
	return "events", nil
}

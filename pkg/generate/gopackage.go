package generate

import (
	"cmp"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	pathpkg "path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/runnel-sse/runnel/pkg/generate/golang"
)

// goFiles are the Go target's. They join the package of the definitions.
func goFiles(in *input) (map[string][]byte, error) {
	o := golang.Options{Files: map[string]string{}}
	inGo := map[string]bool{}
	for i := range in.defs {
		name := in.defs[i].Stream.Name
		o.Files[name] = filepath.ToSlash(in.defs[i].File)
		inGo[name] = filepath.Ext(in.defs[i].File) == ".go"
	}
	o.Declared = func(stream string) bool { return inGo[stream] }
	var err error
	if o.Package, o.Names, err = handWritten(in.From); err != nil {
		return nil, err
	}
	var why string
	if o.Path, why, err = importPath(in.From, o.Package); err != nil {
		return nil, err
	}
	if o.Path == "" {
		in.notes = append(in.notes, "no publisher was written: "+why)
	}
	return golang.Files(in.catalog, o)
}

// handWritten reads the Go files beside the definitions: what the package is
// called, else the folder's own name, and which names it declares, with their
// places. The definitions say what it is called before any other file does.
func handWritten(dir string) (pkg string, names map[string]string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", nil, err
	}
	slices.SortStableFunc(entries, func(a, b fs.DirEntry) int { return cmp.Compare(rank(a.Name()), rank(b.Name())) })
	names = map[string]string{}
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		if filepath.Ext(path) != ".go" || entry.IsDir() {
			continue
		}
		set := token.NewFileSet()
		f, err := parser.ParseFile(set, path, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil || ast.IsGenerated(f) {
			continue // the compiler says better what is wrong with it
		}
		if pkg == "" && rank(path) < tests {
			pkg = f.Name.Name
		}
		if f.Name.Name != pkg {
			continue
		}
		for _, decl := range f.Decls {
			declared(decl, func(id *ast.Ident) {
				at := set.PositionFor(id.Pos(), false)
				names[id.Name] = fmt.Sprintf("%s:%d:%d", filepath.ToSlash(path), at.Line, at.Column)
			})
		}
	}
	if pkg != "" {
		return pkg, names, nil
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", nil, err
	}
	if name := filepath.Base(abs); token.IsIdentifier(name) {
		return name, names, nil
	}
	return "events", names, nil
}

const tests = 2

// rank is in which order the files of a package are asked for its name.
func rank(file string) int {
	switch {
	case Defines(file):
		return 0
	case strings.HasSuffix(file, "_test.go"):
		return tests
	}
	return 1
}

// declared calls name with each name that a declaration gives to its package.
func declared(decl ast.Decl, name func(*ast.Ident)) {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil {
			name(d.Name)
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.TypeSpec:
				name(s.Name)
			case *ast.ValueSpec:
				for _, id := range s.Names {
					name(id)
				}
			}
		}
	}
}

// importPath is what the package in the folder is imported by, or why it cannot
// be.
func importPath(dir, pkg string) (path, why string, err error) {
	if pkg == "main" {
		return "", "package main cannot be imported; move the definitions to a package of their own", nil
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", "", err
	}
	for root := abs; ; root = filepath.Dir(root) {
		text, err := os.ReadFile(filepath.Join(root, "go.mod"))
		if err == nil {
			module := moduleOf(string(text))
			if module == "" {
				return "", filepath.Join(root, "go.mod") + " names no module", nil
			}
			rel, err := filepath.Rel(root, abs)
			return pathpkg.Join(module, filepath.ToSlash(rel)), "", err
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", "", err
		}
		if root == filepath.Dir(root) {
			return "", "there is no go.mod above " + dir + ", so nothing could import it", nil
		}
	}
}

// moduleOf is the module that a go.mod declares.
func moduleOf(text string) string {
	for line := range strings.SplitSeq(text, "\n") {
		line, _, _ = strings.Cut(line, "//")
		if words := strings.Fields(line); len(words) == 2 && words[0] == "module" {
			if unquoted, err := strconv.Unquote(words[1]); err == nil {
				return unquoted
			}
			return words[1]
		}
	}
	return ""
}

// Package goparse reads definitions that are written in Go: the exported structs
// of a file NAME_sse.go are the events of a stream.
//
// It reads one file by itself, with go/ast and without a type checker, so it
// works on code that does not compile yet; what it cannot see from that one file
// it refuses, with the place and what to write instead.
package goparse

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/runnel-sse/runnel/pkg/schema"
)

// File reads a definition from the bytes of a file of that name. Its error
// holds every fault of the file, each as "file:line:col: what; what to write".
// It never panics.
func File(name string, src []byte) (schema.Definition, error) {
	def := schema.Definition{File: name}
	start := schema.Pos{File: name, Line: 1, Col: 1}
	var ps schema.Problems
	stream, err := schema.StreamName(name)
	if err != nil {
		ps.Add(start, "rename the file, such as comment_sse.go", "%v", err)
		return def, ps.Err()
	}
	def.Stream.Name = stream

	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, filepath.Base(name), src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		syntaxProblems(name, err, &ps)
		return def, ps.Err()
	}
	r := &reader{
		name: name, fset: fset, file: file, problems: &ps,
		decls: map[string]*decl{}, named: map[string]*schema.Named{}, imports: imports(file),
	}
	r.collect()
	directives := r.directives(&def.Stream)
	def.Stream.Events = r.events()
	def.Stream.Types = r.types
	if len(ps) == 0 {
		ps = def.Complete(start, directives, r.places())
	}
	return def, ps.Err()
}

func syntaxProblems(name string, err error, ps *schema.Problems) {
	var list scanner.ErrorList
	if !errors.As(err, &list) {
		ps.Add(schema.Pos{File: name, Line: 1, Col: 1}, "write a Go file", "%v", err)
		return
	}
	for _, e := range list {
		ps.Add(schema.Pos{File: name, Line: e.Pos.Line, Col: e.Pos.Column}, "write Go that gofmt accepts", "%s", e.Msg)
	}
}

// reader is the state of reading one file.
type reader struct {
	name     string
	fset     *token.FileSet
	file     *ast.File
	problems *schema.Problems
	imports  map[string]string // local name → path
	decls    map[string]*decl
	order    []*decl
	named    map[string]*schema.Named // the named types that are read
	types    []*schema.Named          // the same, in the order of first use
	depth    int
}

// decl is a type declaration of the file.
type decl struct {
	spec    *ast.TypeSpec
	doc     string
	values  []string // of its constants, for an enum
	used    bool     // as the type of another's field
	reached bool     // from a type that is no part of another
	reading bool     // to find a type that contains itself
}

func (r *reader) pos(p token.Pos) schema.Pos {
	at := r.fset.PositionFor(p, false) // not by //line comments, which may say anything
	return schema.Pos{File: r.name, Line: at.Line, Col: at.Column}
}

func (r *reader) add(p token.Pos, write, what string, args ...any) {
	r.problems.Add(r.pos(p), write, what, args...)
}

func imports(file *ast.File) map[string]string {
	m := map[string]string{}
	for _, imp := range file.Imports {
		path := strings.Trim(imp.Path.Value, "`\"")
		name := path[strings.LastIndexByte(path, '/')+1:]
		if imp.Name != nil {
			name = imp.Name.Name
		}
		m[name] = path
	}
	return m
}

// collect finds the type declarations, which of them are parts of others, and
// the constants of the enums.
func (r *reader) collect() {
	for _, d := range r.file.Decls {
		gen, ok := d.(*ast.GenDecl)
		if !ok || gen.Tok != token.TYPE {
			continue
		}
		for _, s := range gen.Specs {
			spec, ok := s.(*ast.TypeSpec)
			if !ok {
				continue
			}
			doc := spec.Doc
			if doc == nil && len(gen.Specs) == 1 {
				doc = gen.Doc
			}
			if r.decls[spec.Name.Name] != nil {
				r.add(spec.Name.Pos(), "give one of them another name", "type %s is declared twice", spec.Name.Name)
				continue
			}
			added := &decl{spec: spec, doc: text(doc)}
			r.decls[spec.Name.Name] = added
			r.order = append(r.order, added)
		}
	}
	r.markUsed()
	r.constants()
}

// constants gives each enum the values of its constants:
//
//	const SeverityInfo Severity = "info"
func (r *reader) constants() {
	for _, d := range r.file.Decls {
		gen, ok := d.(*ast.GenDecl)
		if !ok || gen.Tok != token.CONST {
			continue
		}
		for _, s := range gen.Specs {
			spec, ok := s.(*ast.ValueSpec)
			if !ok {
				continue
			}
			id, ok := spec.Type.(*ast.Ident)
			if !ok || r.decls[id.Name] == nil {
				continue
			}
			for _, v := range spec.Values {
				value, ok := stringLiteral(v)
				if !ok || !utf8.ValidString(value) {
					r.add(v.Pos(), `write a string literal, such as "info"`, "a value of %s is no string literal of UTF-8", id.Name)
					continue
				}
				r.decls[id.Name].values = append(r.decls[id.Name].values, value)
			}
		}
	}
}

// directives reads the //sse: comments of the whole file. The words of the
// comment that holds the first of them are the stream's documentation.
func (r *reader) directives(s *schema.Stream) []schema.Directive {
	var list []schema.Directive
	for _, group := range r.file.Comments {
		before := len(list)
		for _, c := range group.List {
			if d, ok := schema.ParseDirective(r.pos(c.Pos()), c.Text, r.problems); ok {
				list = append(list, d)
			}
		}
		if before == 0 && len(list) > 0 && !r.documents(group) {
			s.Doc = text(group)
		}
	}
	return list
}

// documents reports whether the comment belongs to a declaration.
func (r *reader) documents(group *ast.CommentGroup) bool {
	for _, d := range r.file.Decls {
		if gen, ok := d.(*ast.GenDecl); ok && gen.Doc == group {
			return true
		}
	}
	return false
}

// events reads the exported structs that are no part of another.
func (r *reader) events() []schema.Event {
	var list []schema.Event
	for _, d := range r.order {
		if d.used || !d.spec.Name.IsExported() {
			continue
		}
		st, ok := d.spec.Type.(*ast.StructType)
		switch {
		case !ok && r.ofTheFile(d.spec.Type):
			r.add(d.spec.Pos(), "write the struct itself", "%s is another name for a type, and an event is a struct", d.spec.Name.Name)
			continue
		case !ok:
			continue // a type that nobody uses says nothing
		case generic(d.spec):
			r.add(d.spec.Pos(), "write a struct for each kind of data", "event %s is generic, which JSON is not", d.spec.Name.Name)
			continue
		}
		d.reading = true
		fields := r.fields(st)
		d.reading = false
		list = append(list, schema.Event{Name: d.spec.Name.Name, Doc: d.doc, Fields: fields})
	}
	return list
}

// ofTheFile reports whether the expression is just the name of a type declared here.
func (r *reader) ofTheFile(e ast.Expr) bool {
	id, ok := e.(*ast.Ident)
	return ok && r.decls[id.Name] != nil
}

func (r *reader) places() map[string]schema.Pos {
	m := map[string]schema.Pos{}
	for name, d := range r.decls {
		m[name] = r.pos(d.spec.Name.Pos())
	}
	return m
}

func generic(spec *ast.TypeSpec) bool {
	return spec.TypeParams != nil && len(spec.TypeParams.List) > 0
}

func text(group *ast.CommentGroup) string {
	return strings.TrimSpace(strings.ToValidUTF8(group.Text(), "\uFFFD"))
}

// Package rustparse reads definitions that are written in Rust: the public
// structs of a file NAME_sse.rs are the events of a stream.
//
// It understands the part of Rust that definitions need (structs with named
// fields, enums without data, aliases, serde's attributes) and is no compiler: it
// reads one file by itself and follows no mod and no macro. What it does not
// understand and what could change an event it refuses, with the place and what
// to write instead; it never passes over it.
package rustparse

import (
	"strings"

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
		ps.Add(start, "rename the file, such as comment_sse.rs", "%v", err)
		return def, ps.Err()
	}
	def.Stream.Name = stream

	l := &lexer{name: name, src: string(src), problems: &ps}
	if !l.run() {
		return def, ps.Err()
	}
	p := &parser{
		tokens: l.tokens, problems: &ps,
		uses: map[string]string{}, decls: map[string]*decl{},
	}
	p.file()
	if p.broken {
		return def, ps.Err() // what is missing would only cause more faults
	}
	r := &reader{parser: p, named: map[string]*schema.Named{}}
	r.markUsed()
	def.Stream.Doc = p.doc.String()
	if def.Stream.Doc == "" {
		def.Stream.Doc = around(l.comments)
	}
	def.Stream.Events = r.events()
	def.Stream.Types = r.types
	if len(ps) == 0 {
		ps = def.Complete(start, l.directives, p.places())
	}
	return def, ps.Err()
}

// around is the text of the comment that holds the first directive.
func around(comments []comment) string {
	for i, c := range comments {
		if !c.directive {
			continue
		}
		first, last := i, i
		for first > 0 && comments[first-1].at.Line == comments[first].at.Line-1 {
			first--
		}
		for last+1 < len(comments) && comments[last+1].at.Line == comments[last].at.Line+1 {
			last++
		}
		var d doc
		for _, c := range comments[first : last+1] {
			if !c.directive {
				d.add(c.text)
			}
		}
		return d.String()
	}
	return ""
}

// doc gathers the lines of a doc comment.
type doc struct{ lines []string }

func (d *doc) add(text string) {
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimRight(line, " \t\r")
		if line == "" && (len(d.lines) == 0 || d.lines[len(d.lines)-1] == "") {
			continue // as Go's documentation has it: one empty line is enough
		}
		d.lines = append(d.lines, strings.TrimPrefix(line, " "))
	}
}

func (d *doc) String() string { return strings.TrimSpace(strings.Join(d.lines, "\n")) }

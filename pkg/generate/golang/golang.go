// Package golang writes the Go of an application's definitions: the catalog by
// which everything is checked, for each stream the interface of its events and
// the types of those that were declared in another language, and a publisher.
//
// Names come from definitions, text does too: the one is checked, the other stands
// in quoted strings and in comments, so nothing in it can become code.
package golang

import (
	"bytes"
	"errors"
	"fmt"
	"go/format"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/runnel-sse/runnel/pkg/schema"
)

// File is the name of the catalog's file. It ends in _sse.gen.go, and so it is
// no definition, and never a file that Go leaves out for a GOOS in its name.
const File = "catalog_sse.gen.go"

// PublisherFile is that of the publisher, in a folder and package of its own.
const PublisherFile = "publish/publish_sse.gen.go"

// Header is the first line of a generated file; tools know it by its form.
const Header = "// " + schema.Mark

const (
	module      = "github.com/runnel-sse/runnel/pkg/"
	channelPath = module + "channel"
	logicPath   = module + "logic"
	publishPath = module + "publish"
	schemaPath  = module + "schema"
)

// Options are what the catalog does not say.
type Options struct {
	Package string // its name
	Path    string // by which it is imported; empty: it cannot be, so there is no publisher
	// Names are those that the package's hand-written files declare, and where.
	Names map[string]string
	// Declared reports whether a stream's definition is itself a Go file of the
	// package; the types of all others are written.
	Declared func(stream string) bool
	// Files are the streams' definitions, for the names of what follows from them.
	Files map[string]string
}

// pkg is the package that is written.
type pkg struct {
	Options
	c *schema.Catalog
}

// Files are the package's generated files by their paths in its folder. An error
// is a *schema.Refusal, or several of them joined.
func Files(c *schema.Catalog, o Options) (map[string][]byte, error) {
	p := &pkg{o, c}
	if err := p.names(); err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	var faults []error
	add := func(name string, write func() ([]byte, error)) {
		src, err := write()
		if err != nil {
			faults = append(faults, err)
			return
		}
		files[name] = src
	}
	add(File, p.catalog)
	for i := range c.Streams {
		s := &c.Streams[i]
		add(p.fileOf(s), func() ([]byte, error) { return p.stream(s) })
	}
	if o.Path != "" && len(c.Streams) > 0 {
		add(PublisherFile, p.publisher)
	}
	return files, errors.Join(faults...)
}

// fileOf is what the file of a stream is called: comment_sse.go makes
// comment_sse.gen.go, and so does comment_sse.rs.
func (p *pkg) fileOf(s *schema.Stream) string {
	base := path.Base(p.Files[s.Name])
	return strings.TrimSuffix(base, path.Ext(base)) + ".gen.go"
}

// generator writes one file.
type generator struct {
	bytes.Buffer
	*pkg
	imports map[string]string // path → its name in this file
	owner   string            // the stream whose types are meant
}

func (p *pkg) file() *generator { return &generator{pkg: p, imports: map[string]string{}} }

// use imports packages. A name that the package declares itself would be taken
// twice, so the import gets another.
func (g *generator) use(paths ...string) {
	for _, imported := range paths {
		name := path.Base(imported)
		for g.Names[name] != "" {
			name += "_"
		}
		g.imports[imported] = name
	}
}

// name is that of an imported package.
func (g *generator) name(imported string) string { return g.imports[imported] }

func (g *generator) line(text string, args ...any) {
	if len(args) == 0 {
		g.WriteString(text + "\n")
		return
	}
	fmt.Fprintf(g, text+"\n", args...)
}

// comment writes text of a definition as comment lines: whatever stands in it, it
// does not leave them.
func (g *generator) comment(text string) {
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.Map(func(r rune) rune {
			if r < ' ' && r != '\t' || r == 0x7f || r == '\uFEFF' {
				return ' ' // what Go takes for the end of a line, or takes nowhere
			}
			return r
		}, line)
		g.line("%s", strings.TrimRight("// "+line, " \t"))
	}
}

// source is the whole file, formatted.
func (g *generator) source(name string) ([]byte, error) {
	return g.sourceOf(name, g.Package)
}

func (g *generator) sourceOf(name, pkg string) ([]byte, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\n\npackage %s\n\n", Header, pkg)
	if len(g.imports) > 0 {
		b.WriteString("import (\n")
		std := true
		paths := slices.SortedFunc(maps.Keys(g.imports), func(a, b string) int {
			return strings.Compare(strconv.FormatBool(far(a))+a, strconv.FormatBool(far(b))+b)
		})
		for i, imported := range paths {
			if std && far(imported) && i > 0 {
				b.WriteString("\n")
			}
			std = std && !far(imported)
			alias := ""
			if name := g.imports[imported]; name != path.Base(imported) || imported == g.Path && name != g.Package {
				alias = g.imports[imported] + " "
			}
			fmt.Fprintf(&b, "%s%q\n", alias, imported)
		}
		b.WriteString(")\n\n")
	}
	b.Write(g.Bytes())
	src, err := format.Source(b.Bytes())
	if err != nil {
		return nil, fmt.Errorf("golang: format %s: %w", name, err)
	}
	return src, nil
}

// far reports whether a package is not of the standard library.
func far(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	return strings.Contains(first, ".")
}

// Package elm writes a catalog as Elm: a module per stream, with its events as one
// union type, decoders that answer and never crash and functions that subscribe;
// the runtime those subscribe with; and what event logic written in Elm broadcasts
// with. The connection itself is the business of clients/elm, which is JavaScript.
package elm

import (
	"bytes"
	_ "embed"
	"fmt"
	"strings"
	"unicode"

	"github.com/runnel-sse/runnel/pkg/schema"
)

// How a program subscribes.
const (
	Ports = "ports" // by a port, in a program that Sse.element makes
	Sub   = "sub"   // by a Sub, in whatever program
)

// The runtime is the same for every catalog.
var (
	//go:embed runtime/ports/Sse.elm
	portsRuntime string
	//go:embed runtime/ports/SsePorts.elm
	portsModule string
	//go:embed runtime/sub/Sse.elm
	subRuntime string
	//go:embed runtime/shared.elm
	shared string
	//go:embed runtime/Json.elm
	codec string
)

const mark = "-- " + schema.Mark + "\n\n\n"

// Files returns the files, by their paths. They depend on the catalog and the mode
// alone, and are as elm-format writes them.
func Files(c *schema.Catalog, mode string) (map[string][]byte, error) {
	names, err := nameAll(c)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{"elm/Sse/Json.elm": []byte(mark + codec)}
	if mode == Sub {
		files["elm/Sse.elm"] = []byte(mark + subRuntime + shared)
	} else {
		files["elm/Sse.elm"] = []byte(mark + portsRuntime + shared)
		files["elm/SsePorts.elm"] = []byte(mark + portsModule)
	}
	for i := range c.Streams {
		g := &generator{names: names.streams[i], mode: mode}
		g.stream(&c.Streams[i])
		files["elm/Sse/"+module(&c.Streams[i])+".elm"] = g.Bytes()
	}
	if len(c.Streams) > 0 {
		files["elm/SseBroadcast.elm"] = broadcasts(c, names)
	}
	return files, nil
}

type generator struct {
	bytes.Buffer
	names *streamNames
	mode  string
}

func (g *generator) line(text string, args ...any) {
	if len(args) == 0 {
		g.WriteString(text + "\n")
		return
	}
	fmt.Fprintf(g, text+"\n", args...)
}

// begin is what stands before a declaration.
func (g *generator) begin(doc string) {
	g.line("\n")
	if doc != "" {
		g.line("{-| %s\n-}", doc)
	}
}

// paragraph is text as elm-format leaves it, and as nothing but words: Markdown and
// what ends a comment is not for whoever writes a definition.
func paragraph(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r)) || strings.ContainsRune(` .,;:'"()/%?!=_-`, r) || r > unicode.MaxASCII && unicode.IsLetter(r) {
			return r
		}
		return ' '
	}, text)
	text = strings.ReplaceAll(text, ":", ": ") // no address, which would become a link
	text = strings.Join(strings.Fields(text), " ")
	text = strings.TrimLeftFunc(text, func(r rune) bool { return !unicode.IsLetter(r) })
	text = strings.ReplaceAll(text, "-}", " ")
	return strings.ReplaceAll(text, "_", `\_`)
}

// docOf is the comment of a record or an event, with its fields' own.
func docOf(doc string, fields []schema.Field, names map[string]string) string {
	text := paragraph(doc)
	var list []string
	for i := range fields {
		f := &fields[i]
		if about := strings.TrimSpace(paragraph(f.Doc) + notes[f.Type.Kind]); about != "" {
			list = append(list, fmt.Sprintf("  - `%s`: %s", names[f.JSON], about))
		}
	}
	if len(list) == 0 {
		return text
	}
	if text == "" {
		text = "Its fields." // a list alone is no comment for elm-format
	}
	return text + "\n\n" + strings.Join(list, "\n") + "\n"
}

// notes say what a String is.
var notes = map[schema.Kind]string{schema.Bytes: " (base64, padded)", schema.Time: " (RFC 3339)"}

// quote is a string of Elm. Whatever cannot be seen is written by its number.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteString(`\` + string(r))
		case r == '\n':
			b.WriteString(`\n`)
		case unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, `\u{%04X}`, r)
		}
	}
	return b.String() + `"`
}

// module is a stream's, below Sse.
func module(s *schema.Stream) string { return upper(s.Name) }

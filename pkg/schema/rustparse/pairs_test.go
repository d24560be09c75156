package rustparse_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/schema"
	"github.com/runnel-sse/runnel/pkg/schema/goparse"
	"github.com/runnel-sse/runnel/pkg/schema/rustparse"
	"github.com/runnel-sse/runnel/pkg/schema/schematest"
)

// A definition means the same, in whichever language it is written.
func TestBothLanguagesGiveTheSameModel(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/pairs/*.rs")
	require.NoError(t, err)
	require.Len(t, files, 3)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			inRust, err := rustparse.File(file, read(t, file))
			require.NoError(t, err)
			other := strings.TrimSuffix(file, ".rs") + ".go"
			inGo, err := goparse.File(other, read(t, other))
			require.NoError(t, err)
			require.Equal(t, schematest.Shape(inGo.Stream), schematest.Shape(inRust.Stream))
			require.Equal(t, inGo.Derived, inRust.Derived)
		})
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	src, err := os.ReadFile(path)
	require.NoError(t, err)
	return src
}

// inSeed finds the definitions in the page that the project began with.
var inSeed = regexp.MustCompile(`(?s)// models/sse/(\w+_sse\.rs) *\n(.*?)(?:\n// models|\n` + "```)")

// The definitions that the project began with are read as they stand there, and
// what they share with those in events/ is the same.
func TestTheFirstDefinitionsGoThroughUnchanged(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "..", "..", "..", "shared", "seed.md"))
	if err != nil {
		t.Skipf("the page that the project began with is not beside it: %v", err)
	}
	templates := map[string]string{}
	rest := string(page)
	for {
		m := inSeed.FindStringSubmatchIndex(rest)
		if m == nil {
			break
		}
		name, src := rest[m[2]:m[3]], rest[m[4]:m[5]]
		rest = rest[m[5]:]
		def, err := rustparse.File(name, []byte(src))
		require.NoError(t, err)
		require.True(t, def.Derived)
		templates[def.Stream.Name] = def.Stream.Template.String()

		path := "../../../events/" + strings.TrimSuffix(name, ".rs") + ".go"
		ours, err := goparse.File(path, read(t, path))
		require.NoError(t, err)
		for _, e := range def.Stream.Events {
			counterpart, ok := ours.Stream.Event(e.Name)
			require.True(t, ok, e.Name)
			require.Equal(t, undocumented(*counterpart), undocumented(e))
		}
		require.Equal(t, ours.Stream.Template, def.Stream.Template)
	}
	require.Equal(t, map[string]string{
		"CommentStream": "item:{item_id}", "NotificationStream": "user:{user_id}", "SystemStream": "all",
	}, templates)
}

// undocumented is an event's shape without its words, which the page has not.
func undocumented(e schema.Event) []schema.Field {
	fields := schematest.Shape(schema.Stream{Events: []schema.Event{e}})[0].Events[0].Fields
	for i := range fields {
		fields[i].Doc = ""
	}
	return fields
}

package typescript_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/generate/generatetest"
	"github.com/runnel-sse/runnel/pkg/generate/typescript"
	"github.com/runnel-sse/runnel/pkg/schema"
	"github.com/runnel-sse/runnel/pkg/schema/schematest"
)

func files(t *testing.T, c *schema.Catalog, int64 string) map[string][]byte {
	t.Helper()
	out, err := typescript.Files(c, int64)
	require.NoError(t, err)
	return out
}

func TestGolden(t *testing.T) {
	t.Parallel()
	for name, c := range generatetest.Catalogs(t) {
		generatetest.Golden(t, filepath.Join("testdata", name), files(t, c, typescript.Number))
	}
	bigint := files(t, generatetest.Catalogs(t)["kinds"], typescript.BigInt)
	generatetest.Golden(t, filepath.Join("testdata", "bigint"), bigint)
}

// compile returns what tsc --strict and more says of the files, by their names.
func compile(t *testing.T, sources map[string][]byte) (string, error) {
	t.Helper()
	dir := t.TempDir()
	for name, source := range sources {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), source, 0o600))
	}
	config, err := json.Marshal(map[string]any{
		"compilerOptions": map[string]any{
			"target": "ES2022", "module": "ESNext", "moduleResolution": "Bundler", "lib": []string{"ES2023", "ESNext.Disposable", "DOM", "DOM.Iterable"},
			"strict": true, "exactOptionalPropertyTypes": true, "noUncheckedIndexedAccess": true, "noUnusedLocals": true,
			"noUnusedParameters": true, "verbatimModuleSyntax": true, "isolatedModules": true, "types": []string{}, "noEmit": true,
			"paths": map[string]any{"@runnel-sse/client": []string{filepath.Join(generatetest.Root(), "clients", "typescript", "src", "index.ts")}},
		},
		"include": []string{"*.ts"},
	})
	require.NoError(t, err)
	project := filepath.Join(dir, "tsconfig.json")
	require.NoError(t, os.WriteFile(project, config, 0o600))
	out, err := generatetest.Node(t, nil, "node_modules/typescript/bin/tsc", "--pretty", "false", "-p", project)
	return string(out), err
}

// What is generated compiles, and what misuses it does not: testdata/use.ts has
// a line for each misuse, with the error that it expects.
func TestTheCompilerTakesIt(t *testing.T) {
	t.Parallel()
	sources := map[string][]byte{}
	for name, c := range generatetest.Catalogs(t) {
		for _, int64 := range []string{typescript.Number, typescript.BigInt} {
			sources[name+"_"+int64+".ts"] = files(t, c, int64)[typescript.File]
		}
	}
	for seed := range uint64(60) {
		o := []string{typescript.Number, typescript.BigInt}[seed%2]
		sources[fmt.Sprintf("random%d.ts", seed)] = files(t, schematest.Random(seed), o)[typescript.File]
	}
	use, err := os.ReadFile("testdata/use.ts")
	require.NoError(t, err)
	sources["use.ts"] = use
	out, err := compile(t, sources)
	require.NoError(t, err, out)
}

// The handshake: a library of another protocol does not compile with it.
func TestTheCompilerMindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	source := string(files(t, generatetest.Catalogs(t)["seed"], typescript.Number)[typescript.File])
	out, err := compile(t, map[string][]byte{"streams.ts": []byte(replace(t, source, "protocol: 1", "protocol: 2"))})
	require.Error(t, err)
	require.Contains(t, out, "Type '2' is not assignable to type '1'")
}

func TestClashesAreErrors(t *testing.T) {
	t.Parallel()
	str := schema.Type{Kind: schema.String}
	stream := func(name, template string, events ...string) schema.Stream {
		s := schema.Stream{Name: name, Template: channel.MustParseTemplate(template)}
		for _, e := range events {
			event := schema.Event{Name: e}
			for _, field := range s.Template.Fields() {
				event.Fields = append(event.Fields, schema.Field{JSON: field, Type: str})
			}
			s.Events = append(s.Events, event)
		}
		return s
	}
	for name, tc := range map[string]struct {
		streams []schema.Stream
		want    string // empty: no error
	}{
		"a reserved word and its escape": {
			[]schema.Stream{stream("AStream", "all", "Record", "Record_")},
			"AStream.Record_: in TypeScript it is Record_, as AStream.Record is; give one of them another name",
		},
		"a prefixed name and one that is so": {
			[]schema.Stream{stream("AStream", "all", "Said", "BSaid"), stream("BStream", "all", "Said")},
			"BStream.Said: in TypeScript it is BSaid, as AStream.BSaid is; give one of them another name",
		},
		"two streams": {
			[]schema.Stream{stream("BoxStream", "all", "A"), stream("BoxeStream", "all", "B")},
			"BoxeStream: clients call it boxes, as BoxStream; rename one of the files",
		},
		"two fields of a key": {
			[]schema.Stream{stream("AStream", "a:{item_id}:{itemId}", "A")},
			"AStream.//sse:channel: the fields item_id and itemId are both itemId in clients; give one of them another name",
		},
		"the same name in two streams": {[]schema.Stream{stream("AStream", "all", "Said"), stream("BStream", "all", "Said")}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := typescript.Files(&schema.Catalog{Streams: tc.streams}, typescript.Number)
			if tc.want == "" {
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, tc.want)
			var refusal *schema.Refusal
			require.ErrorAs(t, err, &refusal)
		})
	}
}

func TestRenamedTypesAreListed(t *testing.T) {
	t.Parallel()
	require.Equal(t, []typescript.Renamed{
		{Stream: "ClassStream", Name: "Level", As: "ClassLevel"},
		{Stream: "ClassStream", Name: "Record", As: "ClassRecord"},
		{Stream: "RecordStream", Name: "Level", As: "RecordLevel"},
		{Stream: "RecordStream", Name: "Record", As: "RecordRecord"},
		{Stream: "RecordStream", Name: "Streams", As: "Streams_"},
		{Stream: "RecordStream", Name: "number", As: "number_"},
	}, typescript.RenamedIn(generatetest.Catalogs(t)["hostile"]))
}

func replace(t *testing.T, text, old, with string) string {
	t.Helper()
	require.Contains(t, text, old)
	return strings.Replace(text, old, with, 1)
}

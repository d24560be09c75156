package elm_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/generate/elm"
	"github.com/runnel-sse/runnel/pkg/schema"
	"github.com/runnel-sse/runnel/pkg/schema/schematest"
)

// tool is a program of clients/elm's packages.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("../../../clients/elm/node_modules/.bin", name))
	require.NoError(t, err)
	if _, err := os.Stat(path); err != nil {
		require.Empty(t, os.Getenv("CI"), "in CI nothing may be missing")
		t.Skipf("SKIPPED, NOT TESTED: no %s; run `make clients/deps` first", name)
	}
	return path
}

// stubs are the packages that generated code uses, by their versions. What stands in
// testdata are their types alone, which is what a compiler checks by: the real ones
// come from a registry of Elm's own. Nothing that is compiled so can run.
var stubs = map[string]string{"browser": "1.0.2", "core": "1.0.5", "html": "1.0.1", "json": "1.1.4", "url": "1.0.0"}

// project is a folder with an elm.json, and the home of a compiler that has the stubs.
func project(t *testing.T) (dir, home string) {
	t.Helper()
	dir, home = t.TempDir(), t.TempDir()
	packages := filepath.Join(home, "0.19.1", "packages")
	registry := binary.BigEndian.AppendUint64(nil, uint64(len(stubs)))
	registry = binary.BigEndian.AppendUint64(registry, uint64(len(stubs)))
	direct := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(stubs)) {
		version := stubs[name]
		direct["elm/"+name] = version
		to := filepath.Join(packages, "elm", name, version)
		from := os.DirFS(filepath.Join("testdata/stubs", name))
		require.NoError(t, os.CopyFS(to, from))
		modules, needs := []string{}, map[string]string{}
		require.NoError(t, fs.WalkDir(from, "src", func(path string, d fs.DirEntry, err error) error {
			if inner, ok := strings.CutSuffix(path, ".elm"); ok {
				modules = append(modules, strings.ReplaceAll(strings.TrimPrefix(inner, "src/"), "/", "."))
			}
			return err
		}))
		for other := range stubs {
			if name == "browser" && other != name || name != "core" && other == "core" {
				needs["elm/"+other] = "1.0.0 <= v < 2.0.0"
			}
		}
		writeJSON(t, filepath.Join(to, "elm.json"), map[string]any{
			"type": "package", "name": "elm/" + name, "summary": "types", "license": "BSD-3-Clause", "version": version,
			"exposed-modules": modules, "elm-version": "0.19.0 <= v < 0.20.0", "dependencies": needs, "test-dependencies": map[string]string{},
		})
		registry = append(append(append(registry, 3), "elm"...), byte(len(name)))
		registry = append(registry, name...)
		registry = append(registry, version[0]-'0', version[2]-'0', version[4]-'0')
		registry = binary.BigEndian.AppendUint64(registry, 0) // older versions
	}
	require.NoError(t, os.WriteFile(filepath.Join(packages, "registry.dat"), registry, 0o600))
	none := map[string]string{}
	writeJSON(t, filepath.Join(dir, "elm.json"), map[string]any{
		"type": "application", "source-directories": []string{"elm"}, "elm-version": "0.19.1",
		"dependencies":      map[string]any{"direct": direct, "indirect": none},
		"test-dependencies": map[string]any{"direct": none, "indirect": none},
	})
	return dir, home
}

func writeJSON(t *testing.T, path string, v any) {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // the compiler does not know \u003c
	require.NoError(t, enc.Encode(v))
	require.NoError(t, os.WriteFile(path, b.Bytes(), 0o600))
}

// compile checks the files' types and, where a program is given, that it uses them
// well; it returns what the compiler says.
func compile(t *testing.T, dir, home string, files map[string][]byte, program string) (string, error) {
	t.Helper()
	require.NoError(t, os.RemoveAll(filepath.Join(dir, "elm")))
	args := []string{"make", "--output=/dev/null"}
	for name, data := range files {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, data, 0o600))
		args = append(args, name)
	}
	if program != "" {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "elm", "Main.elm"), []byte(program), 0o600))
		args = append(args, "elm/Main.elm")
	}
	cmd := exec.CommandContext(t.Context(), tool(t, "elm"), args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "ELM_HOME="+home, "HTTPS_PROXY=http://127.0.0.1:9", "HTTP_PROXY=http://127.0.0.1:9")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func format(t *testing.T, dir string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), tool(t, "elm-format"), "--elm-version=0.19", "--validate", filepath.Join(dir, "elm")).CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// Whatever schema there is compiles, and is as elm-format writes it.
func TestItCompiles(t *testing.T) {
	t.Parallel()
	tool(t, "elm")
	dir, home := project(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seeds from %d", seed)
	for i := range uint64(12) {
		mode := []string{elm.Ports, elm.Sub}[i%2]
		files, err := elm.Files(schematest.Random(seed+i), mode)
		if err != nil {
			require.ErrorContains(t, err, "would both be called", "seed %d", seed+i)
			continue
		}
		out, err := compile(t, dir, home, files, "")
		require.NoError(t, err, "seed %d: %s", seed+i, out)
		format(t, dir)
	}
}

// What a program may write, and what it may not.
func TestPrograms(t *testing.T) {
	t.Parallel()
	tool(t, "elm")
	dir, home := project(t)
	const seedsOwn = `module Main exposing (subscribe, all, keep)
import Sse.CommentStream exposing (..)
subscribe : String -> (CommentStreamEvent -> msg) -> Sub msg
subscribe = subscribeToComments
all : (CommentStreamEvent -> msg) -> Sub msg
all f = Sub.batch [ subscribeToComments "42" f, Sub.none ]
keep : CommentStreamEvent -> List CommentAddedData -> List CommentAddedData
keep e l =
    case e of
        CommentAdded c -> { c | text = c.authorName } :: l
        Unknown _ _ -> l
`
	const program = `module Main exposing (main)
import Html
import Sse
import Sse.CommentStream as C
type Msg = Came C.CommentStreamEvent | Now Sse.Status
main = Sse.element
    { init = \() -> ( "42", Cmd.none ), view = Html.text, subscriptions = \_ -> Sub.none
    , update = \msg m -> ( case msg of
          Came (C.CommentAdded c) -> c.text
          _ -> m
      , Cmd.none )
    , streams = \m -> Sse.batch [ C.subscribeToComments m Came, C.subscribeToCommentsWith { itemId = m, onEvent = Came, onStatus = Now } ]
    }
`
	for name, tc := range map[string]struct{ mode, program, fault string }{
		"the literal Sub":    {elm.Sub, seedsOwn, ""},
		"ports":              {elm.Ports, program, ""},
		"no Sub with ports":  {elm.Ports, seedsOwn, "TYPE MISMATCH"},
		"a misspelled event": {elm.Ports, strings.ReplaceAll(program, "C.CommentAdded", "C.CommentAded"), "CommentAded"},
		"a misspelled field": {elm.Ports, strings.ReplaceAll(program, "c.text", "c.txt"), "txt"},
		"a field's type":     {elm.Ports, strings.ReplaceAll(program, "-> c.text", "-> c.timestamp"), "TYPE MISMATCH"},
		"an event left out":  {elm.Sub, strings.ReplaceAll(seedsOwn, "        Unknown _ _ -> l\n", ""), "MISSING PATTERNS"},
	} {
		files, err := elm.Files(comments(), tc.mode)
		require.NoError(t, err)
		out, err := compile(t, dir, home, files, tc.program)
		if tc.fault == "" {
			require.NoError(t, err, "%s: %s", name, out)
			continue
		}
		require.Error(t, err, name)
		require.Contains(t, out, tc.fault, name)
	}
}

func comments() *schema.Catalog {
	text := func(name string) schema.Field {
		return schema.Field{Name: name, JSON: name, Type: schema.Type{Kind: schema.String}}
	}
	return &schema.Catalog{Streams: []schema.Stream{{
		Name: "CommentStream", Template: itemTemplate,
		Events: []schema.Event{{Name: "CommentAdded", Fields: []schema.Field{
			text("comment_id"), text("item_id"), text("author_name"), text("text"),
			{Name: "Timestamp", JSON: "timestamp", Type: schema.Type{Kind: schema.Int, Bits: 64}},
		}}},
	}}}
}

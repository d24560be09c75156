package generate_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/generate"
	"github.com/runnel-sse/runnel/pkg/generate/golang"
)

const small = "package events\ntype A struct{ X string }"

func TestWhatFollowsFromNothingAnyMoreIsRemoved(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{
		"c_sse.go":          small,
		"old_sse.gen.go":    golang.Header + "\n\npackage events\n",
		"mine_sse.gen.go":   "package events\n\n// written by hand, whatever its name\n",
		"other.gen.go":      golang.Header + "\n\npackage events\n", // no name of ours
		"catalog_sse.gen.x": golang.Header,
	})
	old := filepath.Join(dir, "old_sse.gen.go")
	res, err := run(t, dir, true)
	require.ErrorIs(t, err, generate.ErrStale)
	require.ErrorContains(t, err, old+" follows from no definition any more")
	require.ErrorContains(t, err, filepath.Join(dir, golang.File)+" is missing")
	require.Equal(t, []string{old}, res.Removed)
	require.FileExists(t, old, "a check removes nothing")

	res, err = run(t, dir, false)
	require.NoError(t, err)
	require.Equal(t, []string{old}, res.Removed)
	require.NoFileExists(t, old)
	for _, kept := range []string{"mine_sse.gen.go", "other.gen.go", "catalog_sse.gen.x", "c_sse.go"} {
		require.FileExists(t, filepath.Join(dir, kept))
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, golang.File), []byte(golang.Header+"\n"), 0o600))
	_, err = run(t, dir, true)
	require.ErrorContains(t, err, filepath.Join(dir, golang.File)+" is not what the definitions say")
}

func TestAFileWithoutTheMarkIsNeverWrittenOver(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{"c_sse.go": small, golang.File: "package events\n\nvar mine = 1\n"})
	_, err := run(t, dir, false)
	require.ErrorContains(t, err, golang.File+" is in the way")
	src, err := os.ReadFile(filepath.Join(dir, golang.File))
	require.NoError(t, err)
	require.Contains(t, string(src), "mine")
}

// A disk that takes no more, or a folder that may not be written, leaves all as it
// was: no file half, none of the others either, and no temporary ones.
func TestAWriteThatFailsLeavesAllAsItWas(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{"c_sse.go": small})
	// A link to nowhere: nothing is in it, and nothing can be made in it.
	require.NoError(t, os.Symlink(filepath.Join(dir, "no", "where"), filepath.Join(dir, "z")))

	_, err := generate.Run(t.Context(), generate.Options{From: dir, Out: filepath.Join(dir, "z")})
	require.ErrorContains(t, err, "generate: write "+filepath.Join(dir, "z", "elm", "Sse.elm"))
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 2, "the definition and the link")
}

func TestOptionsThatAreNone(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		o    generate.Options
		says string
	}{
		"language": {generate.Options{Langs: []string{"go", "cobol"}}, `unknown language "cobol": there are go`},
		"elm":      {generate.Options{Elm: "cmd"}, `--elm "cmd": want ports or sub`},
		"int64":    {generate.Options{Int64: "float"}, `--int64 "float": want number or bigint`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tc.o.From = folder(t, map[string]string{"c_sse.go": small})
			_, err := generate.Run(t.Context(), tc.o)
			require.ErrorContains(t, err, tc.says)
			require.NoFileExists(t, filepath.Join(tc.o.From, golang.File))
		})
	}
}

func TestTwoStreamsThatClientsWouldNotTellApart(t *testing.T) {
	t.Parallel()
	_, err := run(t, folder(t, map[string]string{"category_sse.go": small, "categorie_sse.go": "package events\ntype B struct{}"}), false)
	require.ErrorContains(t, err, "category_sse.go:1:1: clients would know CategoryStream and CategorieStream by one name, categories; rename the file")
}

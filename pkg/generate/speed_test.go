package generate_test

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/generate"
)

// atMost is what generating a hundred streams of ten events may take.
const atMost = 2 * time.Second

// hundred are the definitions of a hundred streams of ten events, half of them in
// Rust.
func hundred() map[string]string {
	files := map[string]string{}
	for i := range 100 {
		var b strings.Builder
		name := fmt.Sprintf("s%d_sse.go", i)
		if i%2 == 0 {
			name = fmt.Sprintf("s%d_sse.rs", i)
			fmt.Fprintf(&b, "pub struct Part%d { pub x: f32, pub level: Level%d }\nenum Level%d { Low, High }\n", i, i, i)
			for j := range 10 {
				fmt.Fprintf(&b, "/// E%dx%d happens.\npub struct E%dx%d { pub item_id: String, pub n: i64, pub l: Vec<String>, pub part: Option<Part%d> }\n", i, j, i, j, i)
			}
		} else {
			b.WriteString("package events\n")
			for j := range 10 {
				fmt.Fprintf(&b, "// E%dx%d happens.\ntype E%dx%d struct{ ItemID string `json:\"item_id\"`; N int64; L []string; Part *Part%d }\n", i, j, i, j, i)
			}
			fmt.Fprintf(&b, "type Part%d struct { X float32 }\n", i)
		}
		files[name] = b.String()
	}
	return files
}

// written is when each file and folder below dir was written last: a file that
// comes or goes, be it a temporary one, changes its folder.
func written(t testing.TB, dir string) map[string]time.Time {
	t.Helper()
	at := map[string]time.Time{}
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		at[path] = info.ModTime()
		return err
	}))
	return at
}

func TestTheSecondRunOfAHundredStreamsWritesNothing(t *testing.T) {
	t.Parallel()
	dir := module(t, hundred())
	res, err := generate.Run(t.Context(), generate.Options{From: dir})
	require.NoError(t, err)
	require.Len(t, res.Definitions, 100)
	require.GreaterOrEqual(t, len(res.Written), 103)

	before := written(t, filepath.Dir(dir))
	res, err = generate.Run(t.Context(), generate.Options{From: dir})
	require.NoError(t, err)
	require.Empty(t, res.Written)
	require.Empty(t, res.Removed)
	require.True(t, maps.Equal(before, written(t, filepath.Dir(dir))), "the second run wrote")

	require.NoError(t, os.Remove(filepath.Join(dir, "s7_sse.go")))
	res, err = generate.Run(t.Context(), generate.Options{From: dir})
	require.NoError(t, err)
	require.Contains(t, res.Removed, filepath.Join(dir, "s7_sse.gen.go"))
	require.Len(t, res.Removed, 12, "its Go, its Elm, and the schemas of its ten events")
	require.Len(t, res.Written, 7, "the catalog, the publisher, the functions, the TypeScript, the AsyncAPI document, the broadcasts in Elm and the page")
}

func BenchmarkHundredStreams(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		root := b.TempDir()
		require.NoError(b, os.WriteFile(filepath.Join(root, "go.mod"), []byte("module example.test/m\n"), 0o600))
		for name, text := range hundred() {
			require.NoError(b, os.WriteFile(filepath.Join(root, name), []byte(text), 0o600))
		}
		b.StartTimer()
		_, err := generate.Run(b.Context(), generate.Options{From: root})
		require.NoError(b, err)
	}
	b.ReportMetric(float64(atMost)*float64(b.N)/float64(b.Elapsed()), "x-as-fast-as-promised")
}

package generate_test

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime/debug"
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

// slowness is how many times slower than what is shipped this test may be: the
// race detector looks at every byte that is formatted.
func slowness(t *testing.T) time.Duration {
	t.Helper()
	info, ok := debug.ReadBuildInfo()
	require.True(t, ok)
	for _, s := range info.Settings {
		if s.Key == "-race" && s.Value == "true" {
			return 10
		}
	}
	return 1
}

func TestAHundredStreamsTakeNoTimeAndTheSecondRunWritesNothing(t *testing.T) {
	t.Parallel()
	dir := module(t, hundred())
	began := time.Now()
	res, err := generate.Run(t.Context(), generate.Options{From: dir})
	first := time.Since(began)
	require.NoError(t, err)
	require.Len(t, res.Definitions, 100)
	require.GreaterOrEqual(t, len(res.Written), 103)
	require.Less(t, first, atMost*slowness(t))

	before := written(t, filepath.Dir(dir))
	began = time.Now()
	res, err = generate.Run(t.Context(), generate.Options{From: dir})
	second := time.Since(began)
	require.NoError(t, err)
	require.Empty(t, res.Written)
	require.Empty(t, res.Removed)
	require.True(t, maps.Equal(before, written(t, filepath.Dir(dir))), "the second run wrote")
	t.Logf("100 streams of 10 events: %v, the second run %v; %.1f times as fast as is promised", first, second, float64(atMost)/float64(first))

	require.NoError(t, os.Remove(filepath.Join(dir, "s7_sse.go")))
	res, err = generate.Run(t.Context(), generate.Options{From: dir})
	require.NoError(t, err)
	require.Equal(t, []string{filepath.Join(dir, "s7_sse.gen.go")}, res.Removed)
	require.Len(t, res.Written, 3, "the catalog, the publisher and the functions")
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

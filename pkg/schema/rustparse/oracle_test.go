package rustparse_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/schema/rustparse"
	"github.com/runnel-sse/runnel/pkg/schema/schematest"
)

// compiler is rustc with stand-ins for the crates that definitions name.
type compiler struct{ path, dir string }

func newCompiler(t *testing.T) compiler {
	t.Helper()
	path, err := exec.LookPath("rustc")
	if err != nil {
		t.Skip("rustc is not installed: whether it agrees was not tested")
	}
	c := compiler{path, t.TempDir()}
	for _, crate := range []struct{ name, kind string }{{"serde_derive", "proc-macro"}, {"serde", "rlib"}, {"chrono", "rlib"}} {
		args := []string{"--crate-type", crate.kind, "--crate-name", crate.name, "--out-dir", c.dir, filepath.Join("testdata", "stand-ins", crate.name+".rs")}
		if crate.name == "serde" {
			args = append(args, "--extern", "serde_derive")
		}
		out, err := c.run(t.Context(), args...)
		require.NoError(t, err, out)
	}
	return c
}

func (c compiler) run(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, c.path, append([]string{"--edition", "2021", "--cap-lints", "allow", "-L", c.dir}, args...)...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// accepts reports whether rustc takes the file, and what it says.
func (c compiler) accepts(t *testing.T, file string) (string, bool) {
	t.Helper()
	out, err := c.run(t.Context(), "--crate-type", "lib", "--emit=metadata", "--crate-name", "definition", "--out-dir", t.TempDir(),
		"--extern", "serde", "--extern", "chrono", file)
	return out, err == nil
}

// What is read is Rust, and what is refused for its syntax is none.
func TestRustcAgrees(t *testing.T) {
	t.Parallel()
	c := newCompiler(t)
	for folder, valid := range map[string]bool{"accepted": true, "pairs": true, "syntax": false} {
		files, err := filepath.Glob(filepath.Join("testdata", folder, "*.rs"))
		require.NoError(t, err)
		require.NotEmpty(t, files)
		for _, file := range files {
			t.Run(filepath.ToSlash(file), func(t *testing.T) {
				t.Parallel()
				_, err := rustparse.File(file, read(t, file))
				require.Equal(t, valid, err == nil, "%v", err)
				out, ok := c.accepts(t, file)
				require.Equal(t, valid, ok, out)
			})
		}
	}
}

func TestRustcAcceptsRandomDefinitions(t *testing.T) {
	t.Parallel()
	c := newCompiler(t)
	for seed := range uint64(12) {
		for _, s := range schematest.Random(seed).Streams {
			file := filepath.Join(t.TempDir(), schematest.File(&s, ".rs"))
			require.NoError(t, os.WriteFile(file, schematest.Rust(&s), 0o600))
			out, ok := c.accepts(t, file)
			require.True(t, ok, out)
		}
	}
}

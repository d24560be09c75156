package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	scoreBefore = "package events\n\n//sse:channel all\n\ntype Scored struct {\n\tHome int32 `json:\"home\"`\n\tGuests int32 `json:\"guests\"`\n}\n"
	scoreAfter  = "//sse:channel all\n\npub struct Scored {\n    pub home: i64,\n    pub guests: i32,\n    pub note: Option<String>,\n}\n"
)

// write fills a folder.
func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(dir, 0o700))
	for name, text := range files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
}

func TestSchemaDiffOfFolders(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	before, after := filepath.Join(dir, "before"), filepath.Join(dir, "after")
	write(t, before, map[string]string{"score_sse.go": scoreBefore})
	write(t, after, map[string]string{"score_sse.rs": scoreAfter})

	want := "breaking  ScoreStream.Scored.home: int32 became int64 (old clients: a large int64 does not fit into int32); " +
		"add a field of another name for it, fill both for a while, then take the old one out\n" +
		"safe      ScoreStream.Scored.note: the field is new, and optional\nchanges: 2, breaking: 1\n"
	status, out, errs := cli(t, "", "schema", "diff", before, after)
	require.Equal(t, statusOK, status, errs)
	require.Equal(t, want, out)
	status, out, errs = cli(t, "", "schema", "diff", "--check", before, after)
	require.Equal(t, statusFailed, status)
	require.Equal(t, want, out, "a check says the same")
	require.Equal(t, "runnel: schema diff: 1 of 2 changes break something\n", errs)

	status, out, _ = cli(t, "", "schema", "diff", "--check", "--json", before, after)
	require.Equal(t, statusFailed, status)
	var answer struct {
		Breaking int
		Changes  []struct {
			Where   string
			Readers struct {
				Safe bool
				Why  string
			}
		}
	}
	require.NoError(t, json.Unmarshal([]byte(out), &answer))
	require.Equal(t, 1, answer.Breaking)
	require.Equal(t, "ScoreStream.Scored.home", answer.Changes[0].Where)
	require.False(t, answer.Changes[0].Readers.Safe)
	require.True(t, answer.Changes[1].Readers.Safe)

	status, out, errs = cli(t, "", "schema", "diff", "--check", before, before)
	require.Equal(t, statusOK, status, errs)
	require.Equal(t, "no change on the wire\n", out)
	status, out, errs = cli(t, "", "schema", "diff", "--json", before, before)
	require.Equal(t, statusOK, status, errs)
	require.JSONEq(t, `{"breaking":0,"changes":[]}`, out)
}

// Not parallel: revisions are of the folder that the program runs in.
func TestSchemaDiffOfGitRevisions(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed: revisions were not read")
	}
	dir := t.TempDir()
	t.Chdir(dir)
	// Nothing of these is of the machine: neither its settings nor its hooks.
	t.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
	t.Setenv("GIT_CONFIG_SYSTEM", os.DevNull)
	t.Setenv("GIT_CEILING_DIRECTORIES", filepath.Dir(dir))
	run := func(args ...string) {
		out, err := exec.CommandContext(t.Context(), "git", append([]string{"-c", "user.name=A", "-c", "user.email=a@example.com"}, args...)...).CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	run("init", "-q")
	write(t, "app/events", map[string]string{"score_sse.go": scoreBefore, "other.go": "package events", "b_sse.go.txt": "no definition"})
	require.NoError(t, os.Symlink("/etc/passwd", "app/events/link_sse.go"))
	run("add", ".")
	run("commit", "-qm", "first")
	run("tag", "v1")
	require.NoError(t, os.Remove("app/events/score_sse.go"))
	require.NoError(t, os.Remove("app/events/link_sse.go"))
	write(t, "app/events", map[string]string{"score_sse.rs": scoreAfter})
	run("add", ".")
	run("commit", "-qm", "second")

	for name, args := range map[string][]string{
		"two revisions":           {"v1", "HEAD", "--from", "app/events"},
		"a revision and a folder": {"v1", "app/events", "--from", "app/events"},
	} {
		status, out, errs := cli(t, "", append([]string{"schema", "diff"}, args...)...)
		require.Equal(t, statusOK, status, name+errs)
		require.Contains(t, out, "ScoreStream.Scored.home: int32 became int64", name)
		require.Contains(t, out, "changes: 2, breaking: 1", name)
	}
	t.Chdir("app") // --from is from here
	status, out, errs := cli(t, "", "schema", "diff", "HEAD~1", "HEAD", "--check")
	require.Equal(t, statusFailed, status, errs)
	require.Contains(t, out, "changes: 2, breaking: 1")

	write(t, "events", map[string]string{"score_sse.rs": "pub struct Scored { pub home: usize }"})
	run("commit", "-qam", "third")
	for name, tc := range map[string]struct {
		args   []string
		status int
		says   string
	}{
		"no such revision": {[]string{"nowhere", "HEAD"}, statusFailed, "nowhere is neither a folder nor a git revision here"},
		"an option":        {[]string{"--", "--output=x", "HEAD"}, statusFailed, "--output=x is neither a folder nor a git revision here"},
		"no commit":        {[]string{"HEAD:./events", "HEAD"}, statusFailed, "is neither a folder nor a git revision here"},
		"no such folder":   {[]string{"v1", "v1", "--from", "nowhere"}, statusFailed, "v1 has no folder nowhere: name it with --from"},
		"out of it":        {[]string{"v1", "v1", "--from", "../.."}, statusUsage, "--from ../.. leads out of the repository"},
		"no definition":    {[]string{"v1", "v1", "--from", "."}, statusFailed, "no definition in v1:."},
		"a fault":          {[]string{"v1", "HEAD"}, statusFailed, "HEAD:events/score_sse.rs:1:31: type usize has no JSON type of its own"},
		"one argument":     {[]string{"v1"}, statusUsage, "want OLD and NEW, got 1 arguments"},
	} {
		status, _, errs := cli(t, "", append([]string{"schema", "diff"}, tc.args...)...)
		require.Equal(t, tc.status, status, name+errs)
		require.Contains(t, errs, tc.says, name)
	}
	status, _, errs = cli(t, "", "schema")
	require.Equal(t, statusUsage, status)
	require.Contains(t, errs, "want a command: schema diff OLD NEW")
}

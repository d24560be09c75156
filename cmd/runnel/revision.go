package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/runnel-sse/runnel/pkg/generate"
)

// maxDefinition bounds a definition that is read from git, in bytes.
const maxDefinition = 1 << 20

var objectID = regexp.MustCompile(`^[0-9a-f]{40}([0-9a-f]{24})?$`)

// revision reads the definitions that a folder has in a git revision, without a
// work tree: nothing of the revision is checked out, filtered or run.
func revision(ctx context.Context, name, folder string) (map[string][]byte, error) {
	if !filepath.IsLocal(folder) {
		return nil, usageError{fmt.Errorf("--from %s leads out of the repository: write a folder below this one", folder)}
	}
	commit, err := git(ctx, "rev-parse", "--verify", "--quiet", "--end-of-options", name+"^{commit}")
	if err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			return nil, fmt.Errorf("schema diff: there is no folder %s, and a git revision needs git, which is not installed", name)
		}
		return nil, fmt.Errorf("schema diff: %s is neither a folder nor a git revision here", name)
	}
	commit = strings.TrimSpace(commit)
	if !objectID.MatchString(commit) {
		return nil, fmt.Errorf("schema diff: git knows no commit %s", name)
	}
	list, err := git(ctx, "ls-tree", "-z", "-l", "--full-tree", commit+":./"+folder)
	if err != nil {
		return nil, fmt.Errorf("schema diff: %s has no folder %s: name it with --from (%w)", name, folder, err)
	}
	sources := map[string][]byte{}
	for entry := range strings.SplitSeq(strings.TrimSuffix(list, "\x00"), "\x00") {
		about, file, _ := strings.Cut(entry, "\t")
		fields := strings.Fields(about) // mode, type, id, size
		if len(fields) != 4 || !strings.HasPrefix(fields[0], "100") || !generate.Defines(file) || !objectID.MatchString(fields[2]) {
			continue
		}
		if len(fields[3]) >= len(fmt.Sprint(maxDefinition)) {
			return nil, fmt.Errorf("schema diff: %s:%s/%s has %s bytes, which is no definition", name, folder, file, fields[3])
		}
		text, err := git(ctx, "cat-file", "blob", fields[2])
		if err != nil {
			return nil, fmt.Errorf("schema diff: read %s:%s/%s: %w", name, folder, file, err)
		}
		sources[name+":"+folder+"/"+file] = []byte(text)
	}
	return sources, nil
}

// git runs git and returns what it prints; its error says what git said.
func git(ctx context.Context, args ...string) (string, error) {
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, "git", append([]string{"--no-pager"}, args...)...)
	cmd.Env = append(os.Environ(), "GIT_NO_LAZY_FETCH=1", "GIT_OPTIONAL_LOCKS=0", "LC_ALL=C")
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		if said := strings.TrimSpace(errs.String()); said != "" {
			return "", fmt.Errorf("git: %s", said)
		}
		return "", fmt.Errorf("git: %w", err)
	}
	return out.String(), nil
}

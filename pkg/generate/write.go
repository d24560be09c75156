package generate

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/runnel-sse/runnel/pkg/schema"
)

// plan is the difference between what is there and what follows from the
// definitions.
type plan struct {
	files           map[string][]byte // path → what is to be in it
	missing, differ []string          // of these, sorted
	superfluous     []string          // what follows from nothing any more, sorted
}

// compare looks at every file that is wanted, and at the owned ones that are not.
func compare(want map[string][]byte, owned []string) (plan, error) {
	p := plan{files: want}
	for path, data := range want {
		old, err := os.ReadFile(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			p.missing = append(p.missing, path)
		case err != nil:
			return plan{}, fmt.Errorf("read what is there: %w", err)
		case bytes.Equal(old, data):
		case !marked(old):
			return plan{}, fmt.Errorf("%s is in the way: its first lines do not say that it is generated; move it, or generate elsewhere with --out", path)
		default:
			p.differ = append(p.differ, path)
		}
	}
	for _, path := range owned {
		if _, wanted := want[path]; wanted {
			continue
		}
		head, err := firstBytes(path)
		if err != nil {
			return plan{}, fmt.Errorf("read what is there: %w", err)
		}
		if marked(head) {
			p.superfluous = append(p.superfluous, path)
		}
	}
	slices.Sort(p.missing)
	slices.Sort(p.differ)
	slices.Sort(p.superfluous)
	return p, nil
}

// reach is within how many bytes the mark stands.
const reach = 256

func marked(data []byte) bool {
	return bytes.Contains(data[:min(len(data), reach)], []byte(schema.Mark))
}

func firstBytes(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, reach))
}

func (p *plan) changed() []string {
	return slices.Sorted(slices.Values(slices.Concat(p.missing, p.differ)))
}

// stale is the error of a check; it names every file.
func (p *plan) stale() error {
	var what []string
	for _, of := range []struct {
		paths []string
		is    string
	}{{p.missing, "is missing"}, {p.differ, "is not what the definitions say"}, {p.superfluous, "follows from no definition any more"}} {
		for _, path := range of.paths {
			what = append(what, path+" "+of.is)
		}
	}
	if len(what) == 0 {
		return nil
	}
	return fmt.Errorf("generate: %w: %s; run `make generate`, or `runnel generate`, and commit what it does", ErrStale, strings.Join(what, ", "))
}

// apply makes what is there what is wanted. Every new file is written in full
// beside its place before the first takes it, so that a disk that is full, or an
// end in between, leaves old files or new ones and no broken one.
func (p *plan) apply() (err error) {
	staged := map[string]string{} // path → temporary file
	defer func() {
		for _, tmp := range staged {
			_ = os.Remove(tmp) // it is there after a fault only
		}
	}()
	changed := p.changed()
	for _, path := range changed {
		tmp, err := stage(path, p.files[path])
		if err != nil {
			return fmt.Errorf("write %s: %w", path, err)
		}
		staged[path] = tmp
	}
	for _, path := range changed {
		if err := os.Rename(staged[path], path); err != nil {
			return fmt.Errorf("write %s: %w", path, err)
		}
		delete(staged, path)
	}
	for _, path := range p.superfluous {
		if err := os.Remove(path); err != nil {
			return fmt.Errorf("remove what follows from no definition any more: %w", err)
		}
		_ = os.Remove(filepath.Dir(path)) // fails while something else is there, as it should
	}
	return nil
}

func stage(path string, data []byte) (tmp string, err error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+".*")
	if err != nil {
		return "", err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(0o644), f.Close())
	if err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}

// readDir is os.ReadDir, to which a folder that is not there is empty.
func readDir(dir string) ([]fs.DirEntry, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return entries, err
}

package generatetest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/runnel-sse/runnel/pkg/schema"
	"github.com/runnel-sse/runnel/pkg/schema/goparse"
	"github.com/runnel-sse/runnel/pkg/schema/rustparse"
)

// load reads the definitions of a folder, in the order of their names. Package
// generate does that for those who generate; it imports the targets.
func load(t testing.TB, dir string) *schema.Catalog {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	c := &schema.Catalog{}
	for _, entry := range entries {
		src, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		parse := goparse.File
		if filepath.Ext(entry.Name()) == ".rs" {
			parse = rustparse.File
		}
		def, err := parse(entry.Name(), src)
		if err != nil {
			t.Fatal(err)
		}
		c.Streams = append(c.Streams, def.Stream)
	}
	return c
}

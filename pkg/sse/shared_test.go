package sse_test

import (
	"encoding/json"
	"flag"
	"maps"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write testdata/cases.json")

// shared is a case as other clients read it. In is base64: not all of them are
// UTF-8.
type shared struct {
	Name   string   `json:"name"`
	In     []byte   `json:"in"`
	Want   []string `json:"want,omitempty"`
	LastID string   `json:"lastID,omitempty"`
	Retry  *int64   `json:"retry,omitempty"` // ms
}

// TestTheCasesAreShared: the TypeScript client is held to the same ones.
func TestTheCasesAreShared(t *testing.T) {
	t.Parallel()
	const file = "testdata/cases.json"
	var all []shared
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		c := cases[name]
		s := shared{Name: name, In: []byte(c.in), Want: c.want, LastID: c.lastID}
		if c.retry != unset {
			ms := c.retry - 1
			s.Retry = &ms
		}
		all = append(all, s)
	}
	want, err := json.MarshalIndent(all, "", " ")
	require.NoError(t, err)
	want = append(want, '\n')
	if *update {
		require.NoError(t, os.WriteFile(file, want, 0o644))
	}
	got, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got), "run: go test ./pkg/sse -run Shared -update")
}

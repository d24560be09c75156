package schematest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/schema"
	"github.com/runnel-sse/runnel/pkg/schema/goparse"
	"github.com/runnel-sse/runnel/pkg/schema/rustparse"
	"github.com/runnel-sse/runnel/pkg/schema/schematest"
)

// What is written in one language means the same in the other.
func TestBothLanguagesGiveTheModelBack(t *testing.T) {
	t.Parallel()
	for seed := range uint64(100) {
		for _, want := range schematest.Random(seed).Streams {
			for ext, lang := range map[string]struct {
				source []byte
				parse  func(string, []byte) (schema.Definition, error)
			}{
				".go": {schematest.Go(&want), goparse.File},
				".rs": {schematest.Rust(&want), rustparse.File},
			} {
				got, err := lang.parse(schematest.File(&want, ext), lang.source)
				require.NoError(t, err, "seed %d: %s", seed, lang.source)
				require.Equal(t, schematest.Shape(want), schematest.Shape(got.Stream), "seed %d: %s", seed, lang.source)
			}
		}
	}
}

func TestDataIsWhatTheDefinitionAllows(t *testing.T) {
	t.Parallel()
	for seed := range uint64(100) {
		c := schematest.Random(seed)
		for _, s := range c.Streams {
			for i := range s.Events {
				data := schematest.Data(seed, &s.Events[i])
				require.NoError(t, c.Check(s.Name, s.Events[i].Name, data), "seed %d: %s", seed, data)
			}
		}
	}
}

func TestTheSameSeedGivesTheSame(t *testing.T) {
	t.Parallel()
	require.Equal(t, schematest.Random(7), schematest.Random(7))
	require.NotEqual(t, schematest.Random(7), schematest.Random(8))
	e := &schematest.Random(7).Streams[0].Events[0]
	require.Equal(t, schematest.Data(1, e), schematest.Data(1, e))
}

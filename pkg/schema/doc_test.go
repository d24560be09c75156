package schema_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/schema"
)

func TestDocLinesHideNothing(t *testing.T) {
	t.Parallel()
	for doc, want := range map[string][]string{
		"":                             nil,
		" \n\n":                        nil,
		"one":                          {"one"},
		"one \n\n two\n":               {"one", "", " two"},
		"a\tb\r\nc":                    {"a b", "c"},
		"a\x00\x1b[31mb":               {"a[31mb"},
		"a\u2028b\u0085c":              {"a", "b", "c"},
		"if \u202e} \u2066admin\u2069": {"if } admin"},
		"é 👩‍👩‍👧 keeps its joiners \u200d": {"é 👩‍👩‍👧 keeps its joiners \u200d"},
		"not \xff UTF-8": {"not \ufffd UTF-8"},
	} {
		require.Equal(t, want, schema.DocLines(doc), "%q", doc)
	}
}

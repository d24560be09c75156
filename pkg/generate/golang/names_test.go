package golang

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/schema"
)

func TestNamesAsGoWritesThem(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"item_id": "ItemID", "itemCount": "ItemCount", "x": "X", "duration_ms": "DurationMS", "ID": "ID", "type": "Type",
		"url_of_html": "URLOfHTML", "a_1_2": "A1_2", "a_12": "A12", "a__b_": "AB", "größe": "Größe", "_": "",
	} {
		require.Equal(t, want, camel(name), name)
	}
}

func TestConstantsOfAnEnum(t *testing.T) {
	t.Parallel()
	n := &schema.Named{Name: "level", Values: []string{"very-high", "very high", "*", "", "3rd", "LevelValue4", "日本"}}
	require.Equal(t, []string{
		"LevelVeryHigh", "LevelValue2", "LevelValue3", "LevelValue4", "Level3rd", "LevelLevelValue4", "Level日本",
	}, constants(n))
}

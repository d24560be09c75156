package schema_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/schema"
)

func TestClientName(t *testing.T) {
	t.Parallel()
	for stream, want := range map[string]string{
		"CommentStream": "comments", "PriceTickStream": "priceTicks", "CategoryStream": "categories", "DayStream": "days",
		"BusStream": "buses", "BoxStream": "boxes", "BuzzStream": "buzzes", "MatchStream": "matches", "WishStream": "wishes",
		"XStream": "xes", "YStream": "ies", "StreamStream": "streams",
	} {
		require.Equal(t, want, schema.ClientName(stream), stream)
	}
}

func TestEscapeChangesReservedWordsAlone(t *testing.T) {
	t.Parallel()
	words := map[string]bool{"type": true}
	require.Equal(t, "type_", schema.Escape("type", words))
	require.Equal(t, "types", schema.Escape("types", words))
}

func TestCamel(t *testing.T) {
	t.Parallel()
	for json, want := range map[string]string{"item_id": "itemId", "id": "id", "a_b_c": "aBC", "_x_": "x", "itemId": "itemId"} {
		require.Equal(t, want, schema.Camel(json), json)
	}
}

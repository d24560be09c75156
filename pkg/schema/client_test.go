package schema_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/schema"
)

func TestClientNames(t *testing.T) {
	t.Parallel()
	for stream, want := range map[string]string{
		"CommentStream": "comments", "PriceTickStream": "priceTicks", "StoryStream": "stories", "DayStream": "days",
		"BusStream": "buses", "BoxStream": "boxes", "MatchStream": "matches", "AStream": "as", "XStream": "xes", "YStream": "ys",
	} {
		require.Equal(t, want, schema.ClientName(stream), stream)
	}
	for json, want := range map[string]string{"item_id": "itemId", "id": "id", "a_b_c": "aBC", "kebab-case": "kebabCase", "_x_": "x"} {
		require.Equal(t, want, schema.Camel(json), json)
	}
}

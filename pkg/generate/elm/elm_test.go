package elm_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/generate/elm"
	"github.com/runnel-sse/runnel/pkg/schema"
)

var itemTemplate = channel.MustParseTemplate("item:{item_id}")

func TestNamesThatMeet(t *testing.T) {
	t.Parallel()
	str := func(json string) schema.Field {
		return schema.Field{Name: json, JSON: json, Type: schema.Type{Kind: schema.String}}
	}
	for name, tc := range map[string]struct {
		streams []schema.Stream
		fault   string
	}{
		"an escape and a name":    {[]schema.Stream{{Name: "AStream", Events: []schema.Event{{Name: "Just"}, {Name: "Just_"}}}}, "would both be called Just_ in Elm"},
		"a record and an event":   {[]schema.Stream{{Name: "AStream", Events: []schema.Event{{Name: "X"}, {Name: "XData"}}}}, "AStream.XData: the data of X and XData would both be called XData in Elm"},
		"the union and an event":  {[]schema.Stream{{Name: "AStream", Events: []schema.Event{{Name: "AStreamEvent"}}}}, "would both be called AStreamEvent"},
		"two fields":              {[]schema.Stream{{Name: "AStream", Events: []schema.Event{{Name: "X", Fields: []schema.Field{str("a_b"), str("aB")}}}}}, "AStream.X: a_b and aB would both be called aB in Elm"},
		"a field and its escape":  {[]schema.Stream{{Name: "AStream", Events: []schema.Event{{Name: "X", Fields: []schema.Field{str("a_b"), str("a__b")}}}}}, "would both be called aB"},
		"two plurals":             {[]schema.Stream{{Name: "BusStream"}, {Name: "BuseStream"}}, "would both be called subscribeToBuses"},
		"broadcasts of two stems": {[]schema.Stream{{Name: "AStream", Events: []schema.Event{{Name: "X"}, {Name: "BX"}}}, {Name: "BStream", Events: []schema.Event{{Name: "X"}}}}, "would both be called SseBroadcast.bX"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := elm.Files(&schema.Catalog{Streams: tc.streams}, elm.Ports)
			require.ErrorContains(t, err, tc.fault)
		})
	}
}

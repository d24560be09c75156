package sample_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/schema"
	"github.com/runnel-sse/runnel/pkg/schema/sample"
	"github.com/runnel-sse/runnel/pkg/schema/schematest"
)

func TestSamplesAreWhatTheDefinitionAllows(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		c := schematest.Random(seed)
		for i := range c.Streams {
			s := &c.Streams[i]
			for j := range s.Events {
				e := &s.Events[j]
				data := sample.Data(s, e)
				require.NoError(t, c.Check(s.Name, e.Name, data), "seed %d: %s", seed, data)
				require.Equal(t, data, sample.Data(s, e))
			}
		}
	}
}

func TestASampleBelongsToAChannel(t *testing.T) {
	t.Parallel()
	kind := &schema.Named{Name: "Kind", Values: []string{"no key", "a:b", "yes", "later"}}
	never := &schema.Named{Name: "Never", Values: []string{"no key", "/"}}
	for name, tc := range map[string]struct {
		key  schema.Type
		want string
	}{
		"string":     {schema.Type{Kind: schema.String}, "RoomStream:room:42"},
		"integer":    {schema.Type{Kind: schema.Int, Bits: 8}, "RoomStream:room:42"},
		"enum":       {schema.Type{Kind: schema.Enum, Named: kind}, "RoomStream:room:yes"},
		"impossible": {schema.Type{Kind: schema.Enum, Named: never}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := schema.Stream{Name: "RoomStream", Template: channel.MustParseTemplate("room:{room_id}"), Events: []schema.Event{
				{Name: "Said", Fields: []schema.Field{{JSON: "text", Type: schema.Type{Kind: schema.String}}, {JSON: "room_id", Type: tc.key}}},
			}}
			require.Equal(t, tc.want, sample.Channel(&s, &s.Events[0]))
		})
	}
}

package schema_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/schema"
)

func TestStreamName(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]string{
		"comment_sse.go": "CommentStream", "events/comment_sse.rs": "CommentStream", "price_tick_sse.go": "PriceTickStream",
		"a__b_sse.go": "ABStream", "comment.go": "", "_sse.go": "", "1_sse.go": "", "cömment_sse.go": "", "comment_sse_test.go": "",
	} {
		got, err := schema.StreamName(file)
		require.Equal(t, want == "", err != nil, file)
		if want != "" {
			require.Equal(t, want, got, file)
		}
	}
}

// Go cannot write such names; a definition in another language might.
func TestNamesOfControlEventsAreTaken(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"sse.joined", "sse.", "open", "error", "message"} {
		d := schema.Definition{Stream: schema.Stream{Name: "S", Events: []schema.Event{{Name: name}}}}
		at := map[string]schema.Pos{name: {File: "s_sse.rs", Line: 3, Col: 5}}
		err := d.Complete(schema.Pos{File: "s_sse.rs", Line: 1, Col: 1}, nil, at).Err()
		require.ErrorContains(t, err, "s_sse.rs:3:5: the event's name "+name+" is taken")
	}
	for _, name := range []string{"Open", "sse", "Message", "errors"} {
		require.False(t, schema.Reserved(name), name)
	}
}

func TestTemplateIsDerived(t *testing.T) {
	t.Parallel()
	event := func(name string, ids ...string) schema.Event {
		e := schema.Event{Name: name}
		for _, id := range ids {
			e.Fields = append(e.Fields, field(id, str))
		}
		return e
	}
	for name, tc := range map[string]struct {
		stream string
		events []schema.Event
		want   string
		fault  string
	}{
		"the shared id":       {stream: "CommentStream", events: []schema.Event{event("A", "comment_id", "item_id", "x_id"), event("B", "item_id", "comment_id")}, want: "item:{item_id}"},
		"none":                {stream: "SystemStream", events: []schema.Event{event("A", "message")}, want: "all"},
		"its own alone":       {stream: "PriceTickStream", events: []schema.Event{event("A", "price_tick_id")}, want: "all"},
		"two":                 {stream: "S", events: []schema.Event{event("A", "b_id", "a_id"), event("B", "a_id", "b_id")}, fault: "events/s_sse.go:1:1: the channel is not clear: b:{b_id}, a:{a_id} would all do; write //sse:channel b:{b_id}"},
		"nothing but _id":     {stream: "S", events: []schema.Event{event("A", "_id")}, want: "all"},
		"not of all of them":  {stream: "S", events: []schema.Event{event("A", "a_id"), event("B", "b_id")}, want: "all"},
		"no event":            {stream: "S", fault: "the definition has no event"},
		"no string, no key":   {stream: "S", events: []schema.Event{{Name: "A", Fields: []schema.Field{field("a_id", optional(str))}}}, want: "all"},
		"an integer is a key": {stream: "S", events: []schema.Event{{Name: "A", Fields: []schema.Field{field("a_id", integer(64))}}}, want: "a:{a_id}"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := schema.Definition{Stream: schema.Stream{Name: tc.stream, Events: tc.events}}
			err := d.Complete(schema.Pos{File: "events/s_sse.go", Line: 1, Col: 1}, nil, nil).Err()
			if tc.fault != "" {
				require.ErrorContains(t, err, tc.fault)
				return
			}
			require.NoError(t, err)
			require.True(t, d.Derived)
			require.Equal(t, tc.want, d.Stream.Template.String())
			require.Equal(t, schema.PolicyAuthenticated, d.Stream.Policy, "nothing is public by omission")
			require.Equal(t, schema.DefaultRetention, d.Stream.Retention)
		})
	}
}

func TestEventsThatAClientHasAnyhowAreNoNames(t *testing.T) {
	t.Parallel()
	for name, refused := range map[string]bool{
		"open": true, "error": true, "message": true, "sse.gap": true, "sse.": true,
		"Open": false, "Message": false, "messages": false, "sse": false,
	} {
		d := schema.Definition{Stream: schema.Stream{Name: "S", Events: []schema.Event{{Name: name}}}}
		at := schema.Pos{File: "events/s_sse.rs", Line: 3, Col: 5}
		err := d.Complete(schema.Pos{File: at.File, Line: 1, Col: 1}, nil, map[string]schema.Pos{name: at}).Err()
		if !refused {
			require.NoError(t, err, name)
			continue
		}
		require.ErrorContains(t, err, "events/s_sse.rs:3:5: the event's name "+name+" is taken", name)
		require.ErrorContains(t, err, "take another name", name)
	}
}

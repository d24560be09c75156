package events_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/events"
	"github.com/runnel-sse/runnel/pkg/schema"
)

// Each event finds its way by its name alone: to its stream, its type and back.
func TestEveryEventHasARoute(t *testing.T) {
	t.Parallel()
	n := 0
	for i := range events.Catalog.Streams {
		s := &events.Catalog.Streams[i]
		for j := range s.Events {
			n++
			require.Equal(t, s.Name, events.Routes[s.Events[j].Name])
		}
	}
	require.Len(t, events.Routes, n)
}

func TestAnEventOfANewerServiceSaysThatItIsUnknown(t *testing.T) {
	t.Parallel()
	e, err := events.DecodeCommentStream("CommentLiked", []byte(`{"item_id":"42","n":9007199254740993}`))
	require.NoError(t, err)
	require.Equal(t, events.UnknownEvent{Stream: "CommentStream", Type: "CommentLiked", Data: []byte(`{"item_id":"42","n":9007199254740993}`)}, e)
	ch, err := e.EventChannel()
	require.NoError(t, err)
	require.Equal(t, "CommentStream:item:42", ch.String())

	_, err = events.Broadcast(e)
	require.ErrorIs(t, err, schema.ErrUnknownEvent, "what is not declared is not sent")
	_, err = events.Decode("Nowhere", "CommentLiked", []byte("{}"))
	require.ErrorIs(t, err, schema.ErrUnknownStream)
}

func TestBroadcastIsCheckedAndAddressed(t *testing.T) {
	t.Parallel()
	b, err := events.Broadcast(events.CommentDeleted{CommentID: "7", ItemID: "42"})
	require.NoError(t, err)
	require.Equal(t, "CommentStream:item:42", b.Channel)
	require.Equal(t, "CommentDeleted", b.EventType)
	require.JSONEq(t, `{"comment_id":"7","item_id":"42"}`, string(b.Data))
	_, err = events.Broadcast(events.CommentDeleted{CommentID: "7"})
	require.ErrorContains(t, err, "CommentDeleted: ")
	require.ErrorContains(t, err, "field item_id of template item:{item_id} is empty")
}

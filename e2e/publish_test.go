package e2e

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/events"
	publisher "github.com/runnel-sse/runnel/events/publish"
	"github.com/runnel-sse/runnel/pkg/follow"
	"github.com/runnel-sse/runnel/pkg/publish"
)

// TestWhatAServicePublishesReachesAReader: typed event → SQS → ingest → log →
// stream → the same typed event, once though the service sends it twice.
func TestWhatAServicePublishesReachesAReader(t *testing.T) {
	c := openCloud(t).withOwn(t)
	stream := startStream(t, c)
	startIngest(t, c)
	item := fmt.Sprintf("typed-%d", time.Now().UnixNano())
	first := events.CommentAdded{CommentID: "7", ItemID: item, AuthorName: "Ada", Text: "<hi> \u2028 é", Timestamp: 1<<53 + 1}
	last := events.CommentDeleted{CommentID: "7", ItemID: item}
	ch, err := first.EventChannel()
	require.NoError(t, err)

	pub := publisher.New(c.queue, c.queueURL)
	require.NoError(t, pub.CommentAdded(t.Context(), first, publish.WithID(item)))
	require.NoError(t, pub.CommentAdded(t.Context(), first, publish.WithID(item)))
	var got []events.CommentStreamEvent
	enough := errors.New("enough")
	ctx, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	err = follow.Follow(ctx, follow.Options{URL: stream.url + "/sse/" + ch.Stream() + "/" + ch.Key(), Since: "earliest"}, func(e follow.Event) error {
		if e.Control {
			return nil
		}
		event, err := events.DecodeCommentStream(e.Type, e.Data)
		if err != nil {
			return err
		}
		switch got = append(got, event); event.(type) {
		case events.CommentAdded: // a standard queue keeps no order, so what follows is sent now
			return pub.CommentDeleted(ctx, last)
		case events.CommentDeleted:
			return enough
		}
		return nil
	})
	require.ErrorIs(t, err, enough)
	require.Equal(t, []events.CommentStreamEvent{first, last}, got)
}

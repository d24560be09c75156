package publish_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/events"
	ours "github.com/runnel-sse/runnel/events/publish"
	"github.com/runnel-sse/runnel/pkg/eventlog"
	"github.com/runnel-sse/runnel/pkg/ingest"
	"github.com/runnel-sse/runnel/pkg/memory"
	"github.com/runnel-sse/runnel/pkg/publish"
	"github.com/runnel-sse/runnel/pkg/schema"
	"github.com/runnel-sse/runnel/pkg/sqs"
)

// queue keeps what it is sent.
type queue struct {
	sent []sqs.Message
	err  error
}

func (q *queue) Send(_ context.Context, messages ...sqs.Message) error {
	q.sent = append(q.sent, messages...)
	return q.err
}

var (
	added = events.CommentAdded{CommentID: "7", ItemID: "42", AuthorName: "Ada", Text: "<hi> & é", Timestamp: 1<<53 + 1}
	price = events.PriceChanged{Symbol: "ACME", Price: 1.5, At: 1763900000000}
)

func TestAnEventIsAddressedByItsOwnFields(t *testing.T) {
	t.Parallel()
	q := &queue{}
	require.NoError(t, ours.To(q).CommentAdded(t.Context(), added, publish.WithID("req-1")))
	require.Equal(t, []sqs.Message{{
		Channel: "CommentStream:item:42", ID: "req-1",
		Body: []byte(`{"id":"req-1","channel":"CommentStream:item:42","event_type":"CommentAdded","data":` +
			`{"comment_id":"7","item_id":"42","author_name":"Ada","text":"<hi> & é","timestamp":9007199254740993}}`),
	}}, q.sent)
}

func TestAnIDIsTheServicesOrOneOfTheCall(t *testing.T) {
	t.Parallel()
	q := &queue{}
	p := ours.To(q)
	for range 2 {
		require.NoError(t, p.PriceChanged(t.Context(), price))
		require.NoError(t, p.PriceChanged(t.Context(), price, publish.WithID("tick-9")))
	}
	require.NotEqual(t, q.sent[0].ID, q.sent[2].ID, "two calls are two events")
	require.Equal(t, q.sent[1], q.sent[3], "one id is one event")
	for _, m := range q.sent {
		var body struct{ ID string }
		require.NoError(t, json.Unmarshal(m.Body, &body))
		require.Equal(t, m.ID, body.ID, "the queue and the log know it by one id")
		require.NotEmpty(t, m.ID)
	}
}

func TestWhatIsAtFaultIsNotSent(t *testing.T) {
	t.Parallel()
	long := added
	long.Text = strings.Repeat("x", eventlog.MaxData)
	nowhere := added
	nowhere.ItemID = ""
	odd := added
	odd.ItemID = "a:b"
	for name, tc := range map[string]struct {
		event schema.Typed
		id    string
		want  error
		says  string
	}{
		"no channel":        {event: nowhere, says: "publish: CommentAdded: invalid channel: field item_id of template item:{item_id} is empty"},
		"a colon":           {event: odd, says: "field item_id of template item:{item_id} holds a colon"},
		"not UTF-8":         {event: events.CommentDeleted{CommentID: "7", ItemID: "\xff"}, says: "CommentDeleted: "},
		"too large":         {event: long, want: publish.ErrTooLarge, says: "CommentAdded has 262"},
		"an unknown event":  {event: events.UnknownEvent{Stream: "CommentStream", Type: "Later", Data: []byte("{}")}, want: schema.ErrUnknownEvent, says: `"Later"`},
		"an unknown stream": {event: events.UnknownEvent{Stream: "Nowhere", Type: "Later", Data: []byte("{}")}, want: schema.ErrUnknownStream},
		"nothing":           {want: schema.ErrUnknownEvent, says: "there is none"},
		"a long id":         {event: added, id: strings.Repeat("i", eventlog.MaxID+1), want: publish.ErrID, says: "129 bytes, at most 128"},
		"a control id":      {event: added, id: "a\nb", want: publish.ErrID},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := &queue{}
			p := publish.New(&events.Catalog, q)
			err := p.Batch(t.Context(), publish.Item{Event: added}, publish.Item{Event: tc.event, ID: tc.id})
			require.ErrorContains(t, err, "publish: event 2: ")
			require.ErrorContains(t, err, strings.TrimPrefix(tc.says, "publish: "))
			if tc.want != nil {
				require.ErrorIs(t, err, tc.want)
			}
			require.Empty(t, q.sent, "the good one waits for the other to be mended")
		})
	}
	require.ErrorIs(t, ours.To(&queue{}).CommentAdded(t.Context(), added, publish.WithID("")), publish.ErrID)
	require.NoError(t, ours.To(&queue{}).CommentAdded(t.Context(), added, publish.WithID(strings.Repeat("i", eventlog.MaxID))))
}

func TestABatchKeepsItsOrder(t *testing.T) {
	t.Parallel()
	q := &queue{}
	require.NoError(t, ours.To(q).Batch(
		t.Context(), publish.Item{Event: added, ID: "a"}, publish.Item{Event: price}, publish.Item{Event: events.CommentDeleted{CommentID: "7", ItemID: "42"}, ID: "c"}))
	require.Equal(t, []string{"CommentStream:item:42", "PriceStream:symbol:ACME", "CommentStream:item:42"}, []string{q.sent[0].Channel, q.sent[1].Channel, q.sent[2].Channel})
	require.Equal(t, "a", q.sent[0].ID)
	require.Equal(t, "c", q.sent[2].ID)
	require.NoError(t, ours.To(q).Batch(t.Context()))
}

func TestWhatTheQueueDidNotTakeComesBackByID(t *testing.T) {
	t.Parallel()
	q := &queue{err: &sqs.Unsent{Messages: []sqs.Refused{{ID: "req-1", Reason: "InternalError: later"}}}}
	err := ours.To(q).CommentAdded(t.Context(), added, publish.WithID("req-1"))
	unsent, ok := errors.AsType[*publish.Unsent](err)
	require.True(t, ok)
	require.Equal(t, "req-1", unsent.Messages[0].ID)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	q = &queue{}
	require.ErrorIs(t, ours.To(q).CommentAdded(ctx, added), context.Canceled)
	require.Empty(t, q.sent)
}

// What a publisher sends is what functions/ingest takes, event for event.
func TestWhatIsPublishedIsStored(t *testing.T) {
	t.Parallel()
	q := &queue{}
	require.NoError(t, ours.To(q).Batch(t.Context(), publish.Item{Event: added, ID: "a"}, publish.Item{Event: added, ID: "a"}, publish.Item{Event: added}))
	log := memory.NewLog(memory.LogOptions{})
	in := ingest.New(ingest.Config{Log: log, Catalog: &events.Catalog, Logic: events.Logic})
	for _, m := range q.sent {
		_, err := in.Publish(t.Context(), "", m.Body)
		require.NoError(t, err)
	}
	ch, err := added.EventChannel()
	require.NoError(t, err)
	stored, err := log.Read(t.Context(), ch, eventlog.Position{}, 10)
	require.NoError(t, err)
	require.Len(t, stored, 2, "one id is one event")
	got, err := events.DecodeCommentStream(stored[0].Type, stored[0].Data)
	require.NoError(t, err)
	require.Equal(t, added, got)
}

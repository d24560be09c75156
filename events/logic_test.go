package events_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/events"
	"github.com/runnel-sse/runnel/pkg/logic"
	"github.com/runnel-sse/runnel/pkg/schema"
)

const comment = `{"comment_id":"7","item_id":"42","author_name":"Ada","text":"hi","timestamp":1763900000}`

func TestLogic(t *testing.T) {
	t.Parallel()
	notified := `{"user_id":"u1","message":"New comment on your post","item_id":"42"}`
	for name, tc := range map[string]struct {
		event   logic.DomainEvent
		want    []string // channel, event, data
		fault   string
		unknown bool
	}{
		"a comment to the item and the owner": {
			event: logic.DomainEvent{Type: "CommentAdded", Payload: json.RawMessage(comment), Context: json.RawMessage(`{"item_owner_id":"u1"}`)},
			want: []string{
				"CommentStream:item:42", "CommentAdded", comment,
				"NotificationStream:user:u1", "NewCommentNotification", notified,
			},
		},
		"a comment inside the payload": {
			event: logic.DomainEvent{
				Type: "CommentAdded", Context: json.RawMessage(`{"item_owner_id":"u1"}`),
				Payload: json.RawMessage(`{"item_id":"42","comment":{"comment_id":"7","author_name":"Ada","text":"hi","timestamp":1763900000,"author_email":"private"}}`),
			},
			want: []string{
				"CommentStream:item:42", "CommentAdded", comment,
				"NotificationStream:user:u1", "NewCommentNotification", notified,
			},
		},
		"no owner, no notification": {
			event: logic.DomainEvent{Type: "CommentAdded", Payload: json.RawMessage(comment), Context: json.RawMessage(`null`)},
			want:  []string{"CommentStream:item:42", "CommentAdded", comment},
		},
		"an update to the item alone": {
			event: logic.DomainEvent{
				Type: "CommentUpdated", Context: json.RawMessage(`{"item_owner_id":"u1"}`),
				Payload: json.RawMessage(`{"comment_id":"7","item_id":"42","new_text":"ho","edited_at":9007199254740993,"ip":"10.0.0.1"}`),
			},
			want: []string{"CommentStream:item:42", "CommentUpdated", `{"comment_id":"7","item_id":"42","new_text":"ho","edited_at":9007199254740993}`},
		},
		"a deletion to the item alone": {
			event: logic.DomainEvent{Type: "CommentDeleted", Payload: json.RawMessage(`{"comment_id":"7","item_id":"42"}`)},
			want:  []string{"CommentStream:item:42", "CommentDeleted", `{"comment_id":"7","item_id":"42"}`},
		},
		"an e-mail": {
			event: logic.DomainEvent{Type: "EmailSent", Payload: json.RawMessage(`{"user_id":"u1","email_type":"a","sent_to":"b","correlation_id":"c"}`)},
			want:  []string{"NotificationStream:user:u1", "EmailSent", `{"user_id":"u1","email_type":"a","sent_to":"b","correlation_id":"c"}`},
		},
		"a finished task": {
			event: logic.DomainEvent{Type: "TaskComplete", Payload: json.RawMessage(`{"user_id":"u1","task_type":"a","result":"b","duration_ms":18446744073709551615}`)},
			want:  []string{"NotificationStream:user:u1", "TaskComplete", `{"user_id":"u1","task_type":"a","result":"b","duration_ms":18446744073709551615}`},
		},
		"progress": {
			event: logic.DomainEvent{Type: "TaskProgress", Payload: json.RawMessage(`{"user_id":"u1","task_id":"a","done":1,"total":2}`)},
			want:  []string{"NotificationStream:user:u1", "TaskProgress", `{"user_id":"u1","task_id":"a","done":1,"total":2}`},
		},
		"an alert": {
			event: logic.DomainEvent{Type: "SystemAlert", Payload: json.RawMessage(`{"message":"m","severity":"info","expires_at":1}`)},
			want:  []string{"SystemStream:all", "SystemAlert", `{"message":"m","severity":"info","expires_at":1}`},
		},
		"a price": {
			event: logic.DomainEvent{Type: "PriceChanged", Payload: json.RawMessage(`{"symbol":"ACME","price":41.5,"change":-0.25,"at":1763900000123,"book":"private"}`)},
			want:  []string{"PriceStream:symbol:ACME", "PriceChanged", `{"symbol":"ACME","price":41.5,"change":-0.25,"at":1763900000123}`},
		},
		"unknown":            {event: logic.DomainEvent{Type: "CommentLiked", Payload: json.RawMessage(`{}`)}, fault: `unknown domain event "CommentLiked"`, unknown: true},
		"a field is missing": {event: logic.DomainEvent{Type: "CommentDeleted", Payload: json.RawMessage(`{"item_id":"42"}`)}, fault: "CommentDeleted.comment_id: missing"},
		"payload no object":  {event: logic.DomainEvent{Type: "CommentDeleted", Payload: json.RawMessage(`[]`)}, fault: "payload of CommentDeleted: want an object"},
		"comment no object":  {event: logic.DomainEvent{Type: "CommentDeleted", Payload: json.RawMessage(`{"comment":7}`)}, fault: "want an object"},
		"owner no string":    {event: logic.DomainEvent{Type: "CommentAdded", Payload: json.RawMessage(comment), Context: json.RawMessage(`{"item_owner_id":7}`)}, fault: "want an object with item_owner_id"},
		"no channel":         {event: logic.DomainEvent{Type: "CommentDeleted", Payload: json.RawMessage(`{"comment_id":"7","item_id":"a b"}`)}, fault: "invalid channel"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := events.Logic(tc.event)
			if tc.fault != "" {
				require.ErrorContains(t, err, tc.fault)
				require.Equal(t, tc.unknown, errors.Is(err, logic.ErrUnknownEvent))
				return
			}
			require.NoError(t, err)
			var flat []string
			for _, b := range got {
				flat = append(flat, b.Channel, b.EventType, string(b.Data))
			}
			require.Equal(t, tc.want, flat)
		})
	}
}

func TestCommentChanges(t *testing.T) {
	t.Parallel()
	keys := map[string]any{"item_id": "42", "comment_id": "7"}
	item := func(text string, more ...any) map[string]any {
		m := map[string]any{"item_id": "42", "comment_id": "7", "author_name": "Ada", "text": text, "timestamp": json.Number("1763900000"), "email": "private"}
		for i := 0; i < len(more); i += 2 {
			m[more[i].(string)] = more[i+1]
		}
		return m
	}
	at := time.Unix(1763900100, 0)
	for name, tc := range map[string]struct {
		change           logic.Change
		typ, data, owner string
	}{
		"insert": {
			change: logic.Change{Kind: logic.Insert, Keys: keys, New: item("hi", "item_owner_id", "u1")},
			typ:    "CommentAdded", data: comment, owner: "u1",
		},
		"new text": {
			change: logic.Change{Kind: logic.Modify, Keys: keys, Old: item("hi"), New: item("ho", "edited_at", json.Number("9007199254740993"))},
			typ:    "CommentUpdated", data: `{"comment_id":"7","item_id":"42","new_text":"ho","edited_at":9007199254740993}`,
		},
		"new text without its time": {
			change: logic.Change{Kind: logic.Modify, Keys: keys, Old: item("hi"), New: item("ho"), At: at},
			typ:    "CommentUpdated", data: `{"comment_id":"7","item_id":"42","new_text":"ho","edited_at":1763900100}`,
		},
		"another attribute": {change: logic.Change{Kind: logic.Modify, Keys: keys, Old: item("hi"), New: item("hi", "likes", []any{"u2"})}},
		"removed": {
			change: logic.Change{Kind: logic.Remove, Keys: keys, Old: item("hi")},
			typ:    "CommentDeleted", data: `{"comment_id":"7","item_id":"42"}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			happened, err := events.CommentChanges(tc.change)
			require.NoError(t, err)
			if tc.typ == "" {
				require.Empty(t, happened)
				return
			}
			require.Len(t, happened, 1)
			broadcasts, err := events.Logic(happened[0])
			require.NoError(t, err)
			require.Equal(t, "CommentStream:item:42", broadcasts[0].Channel)
			require.Equal(t, tc.typ, broadcasts[0].EventType)
			require.Equal(t, tc.data, string(broadcasts[0].Data))
			require.Equal(t, tc.owner != "", len(broadcasts) == 2)
		})
	}
	_, err := events.CommentChanges(logic.Change{Kind: "UPSERT"})
	require.Error(t, err)
	// Attributes that no JSON text compares with == are no panic.
	_, err = events.CommentChanges(logic.Change{Kind: logic.Modify, Old: map[string]any{"text": []any{1}}, New: map[string]any{"text": []any{2}}})
	require.NoError(t, err)
}

// The structs and the catalog say the same: what Go writes, the gate lets pass.
func TestStructsFitTheCatalog(t *testing.T) {
	t.Parallel()
	structs := map[[2]string]any{
		{"CommentStream", "CommentAdded"}: events.CommentAdded{}, {"CommentStream", "CommentUpdated"}: events.CommentUpdated{},
		{"CommentStream", "CommentDeleted"}: events.CommentDeleted{}, {"NotificationStream", "EmailSent"}: events.EmailSent{},
		{"NotificationStream", "TaskComplete"}: events.TaskComplete{}, {"NotificationStream", "TaskProgress"}: events.TaskProgress{},
		{"NotificationStream", "NewCommentNotification"}: events.NewCommentNotification{}, {"SystemStream", "SystemAlert"}: events.SystemAlert{},
		// declared in Rust
		{"PriceStream", "PriceChanged"}: json.RawMessage(`{"symbol":"ACME","price":41.5,"change":-0.25,"at":1763900000123}`),
	}
	for event, value := range structs {
		data, err := json.Marshal(value)
		require.NoError(t, err)
		require.NoError(t, events.Catalog.Check(event[0], event[1], data))
	}
	n := 0
	for _, s := range events.Catalog.Streams {
		n += len(s.Events)
	}
	require.Len(t, structs, n, "every event is in the table above")
	s, ok := events.Catalog.Stream("SystemStream")
	require.True(t, ok)
	require.Equal(t, schema.PolicyAuthenticated, s.Policy)
}

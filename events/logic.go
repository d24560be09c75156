package events

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/runnel-sse/runnel/pkg/logic"
	"github.com/runnel-sse/runnel/pkg/schema"
)

// Logic says which broadcasts follow from a domain event:
//
//   - what happens to a comment goes to its item's CommentStream, and a new
//     comment also to the item's owner, whom the context names as item_owner_id;
//   - any other event goes to the stream that declares it, as it is.
//
// A comment may stand in payload.comment, beside the item's id, or be the
// payload itself. Only the fields that a definition declares go out: what else a
// service says among its own is not for readers.
func Logic(e logic.DomainEvent) ([]logic.Broadcast, error) {
	switch e.Type {
	case "CommentAdded":
		return commentAdded(e)
	case "CommentUpdated", "CommentDeleted":
		return one(comment(e))
	}
	stream, ok := Routes[e.Type]
	if !ok {
		return nil, fmt.Errorf("events: %w %q", logic.ErrUnknownEvent, e.Type)
	}
	return one(broadcast(stream, e.Type, e.Payload))
}

func commentAdded(e logic.DomainEvent) ([]logic.Broadcast, error) {
	added, err := comment(e)
	if err != nil {
		return nil, err
	}
	var context struct {
		Owner string `json:"item_owner_id"`
	}
	if len(e.Context) > 0 {
		if err := json.Unmarshal(e.Context, &context); err != nil {
			return nil, fmt.Errorf("events: context of %s: want an object with item_owner_id, a string", e.Type)
		}
	}
	if context.Owner == "" {
		return []logic.Broadcast{added}, nil // nobody to notify
	}
	comment, err := schema.Decode[CommentAdded](&Catalog, added.Data)
	if err != nil {
		return nil, fmt.Errorf("events: %w", err)
	}
	notified, err := Broadcast(NewCommentNotification{UserID: context.Owner, ItemID: comment.ItemID, Message: "New comment on your post"})
	if err != nil {
		return nil, fmt.Errorf("events: notification of %s: %w", e.Type, err)
	}
	return []logic.Broadcast{added, notified}, nil
}

// comment is the event's broadcast to the item's channel.
func comment(e logic.DomainEvent) (logic.Broadcast, error) {
	var payload struct {
		Comment json.RawMessage `json:"comment"`
	}
	if err := json.Unmarshal(e.Payload, &payload); err != nil {
		return logic.Broadcast{}, fmt.Errorf("events: payload of %s: want an object", e.Type)
	}
	if len(payload.Comment) > 0 {
		return broadcast("CommentStream", e.Type, payload.Comment, e.Payload)
	}
	return broadcast("CommentStream", e.Type, e.Payload)
}

// broadcast takes the event's declared fields from the objects, the first that
// has a field, and addresses it as the stream's template says.
func broadcast(stream, event string, from ...json.RawMessage) (logic.Broadcast, error) {
	s, ok := Catalog.Stream(stream)
	if !ok {
		return logic.Broadcast{}, fmt.Errorf("events: %w %s", schema.ErrUnknownStream, stream)
	}
	e, ok := s.Event(event)
	if !ok {
		return logic.Broadcast{}, fmt.Errorf("events: %w %s of %s", schema.ErrUnknownEvent, event, stream)
	}
	data, err := declared(e, from)
	if err != nil {
		return logic.Broadcast{}, err
	}
	if err := Catalog.Check(stream, event, data); err != nil {
		return logic.Broadcast{}, fmt.Errorf("events: %w", err)
	}
	ch, err := s.ChannelOf(data)
	if err != nil {
		return logic.Broadcast{}, fmt.Errorf("events: %w", err)
	}
	return logic.Broadcast{Channel: ch.String(), EventType: event, Data: data}, nil
}

func declared(e *schema.Event, from []json.RawMessage) (json.RawMessage, error) {
	objects := make([]map[string]json.RawMessage, len(from))
	for i, raw := range from {
		if err := json.Unmarshal(raw, &objects[i]); err != nil {
			return nil, fmt.Errorf("events: %s: want an object", e.Name)
		}
	}
	var b bytes.Buffer
	b.WriteByte('{')
	for _, f := range e.Fields {
		for _, object := range objects {
			value, ok := object[f.JSON]
			if !ok {
				continue
			}
			if b.Len() > 1 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, "%q:", f.JSON)
			b.Write(value)
			break
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

func one(b logic.Broadcast, err error) ([]logic.Broadcast, error) {
	if err != nil {
		return nil, err
	}
	return []logic.Broadcast{b}, nil
}

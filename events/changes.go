package events

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"

	"github.com/runnel-sse/runnel/pkg/logic"
)

// CommentChanges says what a change of the table ExampleComments means, a table
// of your own whose stream shows new and old images. Its items:
//
//	item_id        partition key, string
//	comment_id     sort key, string
//	author_name    string
//	text           string
//	timestamp      number, Unix seconds
//	edited_at      number, Unix seconds; absent: when the item changed
//	item_owner_id  string, who is told of a new comment; may be absent
//
// An item that comes is a CommentAdded, one that goes a CommentDeleted, and one
// whose text changes a CommentUpdated. Other changes mean nothing to readers.
func CommentChanges(c logic.Change) ([]logic.DomainEvent, error) {
	switch c.Kind {
	case logic.Insert:
		return said("CommentAdded", pick(c.New, "comment_id", "item_id", "author_name", "text", "timestamp"), pick(c.New, "item_owner_id"))
	case logic.Modify:
		if c.Old != nil && reflect.DeepEqual(c.Old["text"], c.New["text"]) {
			return nil, nil
		}
		payload := map[string]any{"edited_at": c.At.Unix()}
		maps.Copy(payload, pick(c.New, "comment_id", "item_id", "edited_at"))
		if text, ok := c.New["text"]; ok {
			payload["new_text"] = text
		}
		return said("CommentUpdated", payload, nil)
	case logic.Remove:
		return said("CommentDeleted", pick(c.Keys, "comment_id", "item_id"), nil)
	}
	return nil, fmt.Errorf("events: a change of kind %q: want INSERT, MODIFY or REMOVE", c.Kind)
}

func said(event string, payload, context map[string]any) ([]logic.DomainEvent, error) {
	e := logic.DomainEvent{Type: event}
	var err error
	if e.Payload, err = json.Marshal(payload); err != nil {
		return nil, fmt.Errorf("events: payload of %s: %w", event, err)
	}
	if e.Context, err = json.Marshal(context); err != nil {
		return nil, fmt.Errorf("events: context of %s: %w", event, err)
	}
	return []logic.DomainEvent{e}, nil
}

func pick(item map[string]any, names ...string) map[string]any {
	picked := map[string]any{}
	for _, name := range names {
		if v, ok := item[name]; ok {
			picked[name] = v
		}
	}
	return picked
}

package ingest

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/runnel-sse/runnel/pkg/command"
	"github.com/runnel-sse/runnel/pkg/eventlog"
	"github.com/runnel-sse/runnel/pkg/logic"
)

// MaxMessage is how long a message may be, in bytes: no longer than an event.
const MaxMessage = eventlog.MaxData

// message is what a body says: a broadcast, a domain event or an order.
type message struct {
	id        string // its own; empty when it has none
	broadcast *logic.Broadcast
	domain    *logic.DomainEvent
	order     *command.Order
}

// envelope is a JSON object whose values are not read yet. Names are matched to
// the letter, as encoding/json does not do for structs.
type envelope map[string]json.RawMessage

// parse reads a message of any shape that is accepted:
//
//   - a broadcast: {id?, channel, event_type, data};
//   - a domain event: {id?, event_type, payload, context?, correlation_id?};
//   - CloudEvents 1.0, structured JSON: {specversion, id, source, type, data, …}.
//     The last part of type between dots is the domain event's, data its payload,
//     and all other attributes its context;
//   - EventBridge's envelope: {id, detail-type, source, detail, …}, likewise;
//   - an order: {id?, command, user | channel | connection, until?, reason?};
//   - an SNS notification whose Message is one of these.
func parse(body []byte) (message, error) {
	if len(body) > MaxMessage {
		return message{}, refuse("a message of %d bytes, at most %d are allowed", len(body), MaxMessage)
	}
	var e envelope
	if err := json.Unmarshal(body, &e); err != nil || e == nil {
		return message{}, refuse("the message is not a JSON object")
	}
	if e.text("Type") == "Notification" && e.has("Message") && e.has("TopicArn") {
		return unwrap(e)
	}
	return e.message()
}

// unwrap reads the message inside an SNS notification.
func unwrap(sns envelope) (message, error) {
	var e envelope
	if err := json.Unmarshal([]byte(sns.text("Message")), &e); err != nil || e == nil {
		return message{}, refuse("the Message of the SNS notification is not a JSON object")
	}
	m, err := e.message()
	if m.id == "" {
		m.id = sns.text("MessageId")
	}
	return m, err
}

func (e envelope) message() (message, error) {
	switch {
	case e.has("specversion"):
		return e.cloudEvent()
	case e.has("detail-type"):
		return e.eventBridge()
	case e.has("command") && !e.has("event_type"):
		return e.order()
	case e.has("channel"):
		return e.broadcast()
	case e.has("payload"):
		return e.domainEvent()
	}
	return message{}, refuse("unknown shape: want channel, event_type and data (a broadcast), event_type and payload (a domain event), command (an order), or a CloudEvent")
}

func (e envelope) broadcast() (message, error) {
	b := &logic.Broadcast{Data: e["data"]}
	m := message{broadcast: b}
	err := e.texts(
		want{"channel", &b.Channel, true}, want{"event_type", &b.EventType, true}, want{"id", &m.id, false},
	)
	if err == nil && !e.has("data") {
		err = refuse("a broadcast without data")
	}
	return m, err
}

func (e envelope) domainEvent() (message, error) {
	d := &logic.DomainEvent{Payload: e["payload"], Context: e["context"]}
	m := message{domain: d}
	err := e.texts(
		want{"event_type", &d.Type, true}, want{"id", &m.id, false}, want{"correlation_id", &d.CorrelationID, false},
	)
	d.ID = m.id
	return m, err
}

func (e envelope) cloudEvent() (message, error) {
	var version, id, source, typ, media, correlation string
	err := e.texts(
		want{"specversion", &version, true}, want{"id", &id, true}, want{"source", &source, true}, want{"type", &typ, true},
		want{"datacontenttype", &media, false}, want{"correlationid", &correlation, false},
	)
	switch {
	case err != nil:
		return message{}, err
	case !strings.HasPrefix(version, "1."):
		return message{}, refuse("a CloudEvent whose specversion is not 1.0")
	case !e.has("data"):
		return message{}, refuse("a CloudEvent without data; data_base64 is not read")
	case media != "" && !strings.Contains(media, "json"):
		return message{}, refuse("a CloudEvent whose data is not JSON")
	}
	d := &logic.DomainEvent{
		// The id of a CloudEvent is unique for its source alone. A source is a
		// URI and holds no space, so the two cannot be confused.
		ID:            fold(strings.ReplaceAll(source, " ", "%20") + " " + id),
		Type:          typ[strings.LastIndexByte(typ, '.')+1:],
		Payload:       e["data"],
		Context:       e.without("data"),
		CorrelationID: correlation,
	}
	return message{id: d.ID, domain: d}, nil
}

func (e envelope) eventBridge() (message, error) {
	var id, typ string
	if err := e.texts(want{"id", &id, true}, want{"detail-type", &typ, true}); err != nil {
		return message{}, err
	}
	if !e.has("detail") {
		return message{}, refuse("an EventBridge event without detail")
	}
	d := &logic.DomainEvent{
		ID: fold(id), Type: typ[strings.LastIndexByte(typ, '.')+1:],
		Payload: e["detail"], Context: e.without("detail"),
	}
	return message{id: d.ID, domain: d}, nil
}

// has reports whether the member is there and not null.
func (e envelope) has(name string) bool {
	raw, ok := e[name]
	return ok && string(raw) != "null"
}

// text is the member as a string, empty when it is none.
func (e envelope) text(name string) string {
	var s string
	if json.Unmarshal(e[name], &s) != nil {
		return ""
	}
	return s
}

type want struct {
	name     string
	into     *string
	required bool
}

func (e envelope) texts(wants ...want) error {
	for _, w := range wants {
		if !e.has(w.name) {
			if w.required {
				return refuse("%s is missing", w.name)
			}
			continue
		}
		if err := json.Unmarshal(e[w.name], w.into); err != nil {
			return refuse("%s is not a string", w.name)
		}
		if w.required && *w.into == "" {
			return refuse("%s is empty", w.name)
		}
	}
	return nil
}

// without is the object less one member: the context of an event that carries
// its attributes beside its data.
func (e envelope) without(name string) json.RawMessage {
	rest := make(envelope, len(e))
	for k, v := range e {
		if k != name {
			rest[k] = v
		}
	}
	raw, err := json.Marshal(rest)
	if err != nil { // not of values that were JSON a moment ago
		return nil
	}
	return raw
}

func refuse(why string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrRefused, fmt.Sprintf(why, args...))
}

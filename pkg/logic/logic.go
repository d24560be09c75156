// Package logic is the vocabulary of the event logic: what happened (a domain
// event, or a change of a table), and who is to be told (a broadcast). The logic
// itself is the application's, in events/; package ingest runs it.
package logic

import (
	"encoding/json"
	"errors"
	"time"
)

// ErrUnknownEvent: the logic knows no domain event of that type. Trying again
// cannot help, so the message ends in the dead-letter queue.
var ErrUnknownEvent = errors.New("unknown domain event")

// DomainEvent is what happened, as a service says it.
type DomainEvent struct {
	ID            string // given by the service, for deduplication; may be empty
	Type          string // "CommentAdded"
	Payload       json.RawMessage
	Context       json.RawMessage // what the service knows around it; may be empty
	CorrelationID string
}

// Broadcast is an event addressed to a channel.
type Broadcast struct {
	// ID is for deduplication. Empty, which is usual: that of the message that
	// the broadcast follows from.
	ID        string
	Channel   string // "CommentStream:item:42"
	EventType string // "CommentAdded"
	Data      json.RawMessage
}

// Func is the event logic: which broadcasts follow from a domain event. It does
// no I/O and gives the same answer whenever it is asked, since messages come
// more than once. An error means that this event can never be processed.
type Func func(DomainEvent) ([]Broadcast, error)

// ChangeKind is what happened to an item of a table.
type ChangeKind string

// The kinds of a change, as DynamoDB Streams names them.
const (
	Insert ChangeKind = "INSERT"
	Modify ChangeKind = "MODIFY"
	Remove ChangeKind = "REMOVE"
)

// Change is a change of one item of a table. Keys, Old and New hold Go values:
// string, json.Number, bool, nil, []byte, []any and map[string]any; a set is a
// list. Old and New are nil where there is none, or where the table's stream
// does not carry it.
type Change struct {
	ID      string // of the change, the same whenever it is delivered
	Table   string
	Kind    ChangeKind
	Keys    map[string]any
	Old     map[string]any
	New     map[string]any
	At      time.Time // about when it was made
	Expired bool      // a Remove by the table's TTL and not by anybody
}

// ChangeFunc is the rule that says what a change means, none or several domain
// events. What it promises is what Func promises.
type ChangeFunc func(Change) ([]DomainEvent, error)

// Package publish is what a producing service sends events with: each is checked
// against its definition, addressed by its own fields and put into a queue.
//
// Services use it by the package that is generated beside their definitions, which
// has a method for each event. It makes no decision about who is told of what:
// that is the event logic's, to which a service sends domain events.
package publish

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/runnel-sse/runnel/pkg/eventlog"
	"github.com/runnel-sse/runnel/pkg/schema"
	"github.com/runnel-sse/runnel/pkg/sqs"
)

var (
	// ErrID: an id that the log does not take.
	ErrID = errors.New("not an id of an event")
	// ErrTooLarge: an event with its address is longer than a message may be.
	ErrTooLarge = errors.New("event too large")
)

// Client is what is needed of *sqs.Client.
type Client = sqs.SendAPI

// Unsent is the error of a call whose messages the queue did not all take. Each
// has the id by which the event can be sent again, with WithID or in an Item.
type Unsent = sqs.Unsent

// Queue takes messages. *sqs.Sender is one.
type Queue interface {
	// Send sends the messages in their order. It fails with *Unsent, or before any
	// is sent.
	Send(ctx context.Context, messages ...sqs.Message) error
}

// SQS is a queue of Amazon SQS. The order of each channel is kept when its URL
// ends in .fifo.
func SQS(client Client, queueURL string) Queue { return sqs.NewSender(client, queueURL) }

// Publisher publishes the events of a catalog. It is safe for concurrent use.
type Publisher struct {
	catalog *schema.Catalog
	queue   Queue
}

// New returns a Publisher.
func New(catalog *schema.Catalog, queue Queue) *Publisher { return &Publisher{catalog, queue} }

// Item is an event to publish, and its id.
type Item struct {
	Event schema.Typed
	// ID is what makes the event one however often it is sent: on a channel an id is
	// stored once in 24 hours. A service that may try again after it was restarted
	// gives one that it will give again, such as that of the row or the request that
	// the event follows from. Empty: a random one of this call, so that what is sent
	// twice within the call is stored once, and a second call is a second event.
	ID string
}

// Option changes how an event is published.
type Option func(*Item)

// WithID gives the event an id, see Item.
func WithID(id string) Option { return func(it *Item) { it.ID = id } }

// Publish sends an event. Before that it fails with a *schema.FieldError when the
// event is not what its definition says, with ErrID or ErrTooLarge; then with an
// *Unsent, in which the event has its id.
func (p *Publisher) Publish(ctx context.Context, e schema.Typed, options ...Option) error {
	it := Item{Event: e, ID: rand.Text()}
	for _, o := range options {
		o(&it)
	}
	if it.ID == "" {
		return fmt.Errorf("publish: %w: WithID of nothing would make every event the same", ErrID)
	}
	return p.Batch(ctx, it)
}

// Batch sends events in their order, with as few calls as may be. It fails as
// Publish does: one event that is at fault keeps all from being sent, and of the
// others those that the queue did not take are in the *Unsent.
func (p *Publisher) Batch(ctx context.Context, items ...Item) error {
	messages := make([]sqs.Message, len(items))
	for i, it := range items {
		m, err := p.message(it)
		if err != nil && len(items) > 1 {
			return fmt.Errorf("publish: event %d: %w", i+1, err)
		}
		if err != nil {
			return fmt.Errorf("publish: %w", err)
		}
		messages[i] = m
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	if err := p.queue.Send(ctx, messages...); err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	return nil
}

// broadcast is the form in which a queue takes an event that has its channel.
type broadcast struct {
	ID        string          `json:"id"`
	Channel   string          `json:"channel"`
	EventType string          `json:"event_type"`
	Data      json.RawMessage `json:"data"`
}

func (p *Publisher) message(it Item) (sqs.Message, error) {
	if it.Event == nil {
		return sqs.Message{}, fmt.Errorf("%w: there is none", schema.ErrUnknownEvent)
	}
	if it.ID == "" {
		it.ID = rand.Text()
	}
	if err := checkID(it.ID); err != nil {
		return sqs.Message{}, err
	}
	ch, data, err := p.catalog.Encode(it.Event)
	if err != nil {
		return sqs.Message{}, err
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // it would make < six bytes long
	if err := enc.Encode(broadcast{it.ID, ch.String(), it.Event.EventType(), data}); err != nil {
		return sqs.Message{}, err
	}
	body := bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	if len(body) > eventlog.MaxData {
		return sqs.Message{}, fmt.Errorf("%w: %s has %d bytes with its address, at most %d are allowed", ErrTooLarge, it.Event.EventType(), len(body), eventlog.MaxData)
	}
	return sqs.Message{Body: body, Channel: ch.String(), ID: it.ID}, nil
}

// checkID refuses what the log would know under another id, since then whoever
// looks for the event by its id would not find it.
func checkID(id string) error {
	switch {
	case len(id) > eventlog.MaxID:
		return fmt.Errorf("%w: %d bytes, at most %d are allowed", ErrID, len(id), eventlog.MaxID)
	case strings.ContainsFunc(id, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\uFFFD' }):
		return fmt.Errorf("%w: %q has control characters, or is not UTF-8", ErrID, id)
	}
	return nil
}

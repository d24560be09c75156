// Package ingest brings what happened into the log: a batch of messages or of
// table changes becomes broadcasts, checked against the catalog, appended to
// their channels. What could not be stored it names, so that the queue delivers
// it again, or in the end puts it into the dead-letter queue.
//
// It drops nothing and decides nothing: which broadcasts follow from what is the
// event logic's to say, and how often something is tried is the queue's.
package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/command"
	"github.com/runnel-sse/runnel/pkg/eventlog"
	"github.com/runnel-sse/runnel/pkg/logic"
	"github.com/runnel-sse/runnel/pkg/schema"
)

// ErrRefused: the message can never be processed. Trying again cannot help.
var ErrRefused = errors.New("message refused")

// Config is what an Ingest works with.
type Config struct {
	Log     eventlog.Log     // required
	Bell    eventlog.Bell    // rung after each append; may be nil
	Catalog *schema.Catalog  // required
	Logic   logic.Func       // required
	Changes logic.ChangeFunc // required by Ingest.Changes alone
	// Orders carries out what a message commands of readers; nil: such messages
	// are refused. Whoever may send messages may then send readers away.
	Orders   func(context.Context, command.Order) error
	Logger   *slog.Logger // default: slog.Default
	Parallel int          // channels appended to at once, default 8
}

// Ingest is safe for concurrent use. It holds no state between calls, and no
// goroutine of it outlives a call.
type Ingest struct {
	c Config
}

// New returns an Ingest.
func New(c Config) *Ingest {
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Parallel < 1 {
		c.Parallel = 8
	}
	return &Ingest{c: c}
}

// Stored says where an event of a message is in the log. An event that was there
// before has the position that it had.
type Stored struct {
	Channel  channel.Name
	Event    eventlog.Event
	Position eventlog.Position
}

// Publish processes one message by itself. id is its event id where the message
// has none of its own; both empty: it is stored again whenever it comes. An
// ErrRefused says that the message itself is at fault; after other errors, which
// are the log's, some of its events may be stored, and trying again is safe for
// messages with an id.
func (in *Ingest) Publish(ctx context.Context, id string, body []byte) ([]Stored, error) {
	planned, err := in.plan(ctx, id, body)
	if err != nil {
		return nil, fmt.Errorf("ingest: %w", err)
	}
	b := newBatch()
	for _, p := range planned {
		b.add(0, p)
	}
	failed := in.store(ctx, b)
	var stored []Stored
	for _, g := range b.order {
		for i, e := range g.events {
			if g.err == nil {
				stored = append(stored, Stored{Channel: g.channel, Event: e, Position: g.positions[i]})
			}
		}
	}
	return stored, failed[0]
}

// planned is a checked event and where it belongs.
type planned struct {
	channel channel.Name
	event   eventlog.Event
}

// plan says what is to be stored for a message: nothing for an order, which is
// carried out at once. Other errors than ErrRefused are those of an order whose
// message has to come again.
func (in *Ingest) plan(ctx context.Context, id string, body []byte) ([]planned, error) {
	m, err := parse(body)
	if err != nil {
		return nil, err
	}
	if m.order != nil {
		return nil, in.obey(ctx, id, m)
	}
	if m.id != "" {
		id = m.id
	}
	if m.broadcast != nil {
		return in.address(id, []logic.Broadcast{*m.broadcast})
	}
	return in.decide(id, []logic.DomainEvent{*m.domain})
}

// decide asks the event logic, and addresses what it says.
func (in *Ingest) decide(id string, happened []logic.DomainEvent) ([]planned, error) {
	var all []logic.Broadcast
	for _, e := range happened {
		if e.ID == "" {
			e.ID = id
		}
		broadcasts, err := guard(func() ([]logic.Broadcast, error) { return in.c.Logic(e) })
		if err != nil {
			return nil, fmt.Errorf("%w: event logic: %w", ErrRefused, err)
		}
		all = append(all, broadcasts...)
	}
	return in.address(id, all)
}

// guard turns a panic of the application's code into an error of the one message
// that it met.
func guard[T any](f func() (T, error)) (result T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &panicError{value: p}
		}
	}()
	return f()
}

// panicError does not show what was panicked with unless it is an error of the
// runtime: it may be of the message's data.
type panicError struct{ value any }

func (e *panicError) Error() string {
	if err, ok := e.value.(runtime.Error); ok {
		return "panic: " + err.Error()
	}
	return fmt.Sprintf("panic with a value of type %T", e.value)
}

// address checks broadcasts and gives each its id. The ids depend on the message
// alone, so a message that comes again gives the same ones.
func (in *Ingest) address(id string, broadcasts []logic.Broadcast) ([]planned, error) {
	list := make([]planned, 0, len(broadcasts))
	nth := make(map[channel.Name]int, len(broadcasts))
	for _, b := range broadcasts {
		p, err := in.check(b)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrRefused, err)
		}
		if p.event.ID == "" {
			p.event.ID = numbered(id, nth[p.channel])
			nth[p.channel]++
		}
		if err := p.event.Validate(); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrRefused, err)
		}
		list = append(list, p)
	}
	return list, nil
}

func (in *Ingest) check(b logic.Broadcast) (planned, error) {
	ch, err := channel.Parse(b.Channel)
	if err != nil {
		return planned{}, err
	}
	data, err := in.c.Catalog.Compact(ch.Stream(), b.EventType, b.Data)
	if err != nil {
		return planned{}, err
	}
	if err := in.known(ch); err != nil {
		return planned{}, err
	}
	return planned{channel: ch, event: eventlog.Event{ID: b.ID, Type: b.EventType, Data: data}}, nil
}

// known reports a channel that there cannot be.
func (in *Ingest) known(ch channel.Name) error {
	s, ok := in.c.Catalog.Stream(ch.Stream())
	if !ok {
		return fmt.Errorf("%w %.64q", schema.ErrUnknownStream, ch.Stream())
	}
	if _, ok := s.Template.Match(ch.Key()); !ok {
		return fmt.Errorf("%w: %s has no channel %s, want the form %s", channel.ErrInvalid, s.Name, ch, s.Template)
	}
	return nil
}

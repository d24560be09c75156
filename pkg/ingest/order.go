package ingest

import (
	"context"
	"fmt"
	"time"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/command"
)

// The commands that a message may give.
const (
	commandKick  = "kick"  // off, and out until a given time
	commandAllow = "allow" // whoever was kept out may come back
)

// order reads a command. A member that it does not know is refused: what is
// misspelt must not hit somebody else, or for ever.
func (e envelope) order() (message, error) {
	var cmd, ch, until string
	o := &command.Order{}
	m := message{order: o}
	err := e.texts(
		want{"command", &cmd, true}, want{"id", &m.id, false}, want{"user", &o.User, false}, want{"channel", &ch, false},
		want{"connection", &o.Connection, false}, want{"until", &until, false}, want{"reason", &o.Reason, false},
	)
	if err != nil {
		return m, err
	}
	for name := range e {
		switch name {
		case "command", "id", "user", "channel", "connection", "until", "reason":
		default:
			return m, refuse("an order has no member %.40q", name)
		}
	}
	switch cmd {
	case commandKick:
	case commandAllow:
		o.Lift = true
	default:
		return m, refuse("unknown command %.40q: want kick or allow", cmd)
	}
	if ch != "" {
		if o.Channel, err = channel.Parse(ch); err != nil {
			return m, fmt.Errorf("%w: %w", ErrRefused, err)
		}
	}
	if until != "" {
		if o.Until, err = time.Parse(time.RFC3339, until); err != nil {
			return m, refuse("until: want a time such as 2026-01-02T15:04:05Z")
		}
	}
	if err := o.Check(); err != nil {
		return m, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return m, nil
}

// obey has the order of a message carried out. id is the queue's.
func (in *Ingest) obey(ctx context.Context, id string, m message) error {
	o := *m.order
	if o.ID = m.id; o.ID == "" {
		o.ID = id
	}
	if !o.Channel.IsZero() {
		if err := in.known(o.Channel); err != nil {
			return fmt.Errorf("%w: %w", ErrRefused, err)
		}
	}
	if in.c.Orders == nil {
		return refuse("orders are not taken here: the program that takes them needs the table of subscribers")
	}
	_, err := guard(func() (struct{}, error) { return struct{}{}, in.c.Orders(ctx, o) })
	return err
}

package control

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/command"
	"github.com/runnel-sse/runnel/pkg/eventlog"
	"github.com/runnel-sse/runnel/pkg/subscriber"
)

// Registry is what a Kicker needs of it.
type Registry interface {
	subscriber.Blocker
	subscriber.Directory
}

// Kicker carries out orders. It asks nobody whether they may be given: that is
// for whoever lets somebody give them.
type Kicker struct {
	registry Registry
	mail     mail
	page     int
}

// NewKicker returns a Kicker; bell may be nil.
func NewKicker(log eventlog.Log, bell eventlog.Bell, r Registry) *Kicker {
	return &Kicker{registry: r, mail: mail{log, bell}, page: 500}
}

// Do carries the order out, in this sequence: first nobody gets in any more,
// then everybody who is in is told to go. To do it again is harmless. It fails
// with a command.ErrInvalid, or as the registry and the log do; then some may
// have been told.
func (k *Kicker) Do(ctx context.Context, o command.Order) error {
	if err := o.Check(); err != nil {
		return fmt.Errorf("control: %w", err)
	}
	target := subscriber.Target{User: o.User, Channel: o.Channel}
	// An order that comes so late that its time is over keeps nobody out.
	if o.Lift || o.Until.After(time.Now()) {
		if err := k.registry.Block(ctx, target, o.Until); err != nil {
			return fmt.Errorf("control: keep out: %w", err)
		}
	}
	if o.Lift {
		return nil
	}
	if o.ID == "" {
		o.ID = rand.Text()
	}
	if o.Connection != "" {
		return k.tell(ctx, o, []string{o.Connection})
	}
	return k.everyone(ctx, o)
}

// everyone tells the connections of the order's user or channel, page by page.
func (k *Kicker) everyone(ctx context.Context, o command.Order) error {
	for after := ""; ; {
		var page []subscriber.Subscriber
		var err error
		if o.User != "" {
			page, err = k.registry.ConnectionsOf(ctx, o.User, after, k.page)
		} else {
			page, err = k.registry.List(ctx, o.Channel, after, k.page)
		}
		if err != nil {
			return fmt.Errorf("control: find whom to tell: %w", err)
		}
		connections := make([]string, len(page))
		for i, s := range page {
			connections[i] = s.Connection
		}
		if err := k.tell(ctx, o, connections); err != nil {
			return err
		}
		if len(page) < k.page {
			return nil
		}
		after = page[len(page)-1].Connection
	}
}

// tell appends the command to the mailboxes, one call for each: a box that does
// not take it keeps nobody from telling the others.
func (k *Kicker) tell(ctx context.Context, o command.Order, connections []string) error {
	boxes := map[channel.Name][]eventlog.Event{}
	for _, id := range connections {
		c := command.Command{Type: command.Kick, Connection: id, Until: o.Until, Reason: o.Reason}
		if box := c.Mailbox(); !box.IsZero() { // else it is of no gateway, and nobody could tell it
			boxes[box] = append(boxes[box], c.Event(once(o.ID, id)))
		}
	}
	var faults []error
	for box, events := range boxes {
		if err := k.mail.post(ctx, box, events...); err != nil {
			faults = append(faults, err)
		}
	}
	return errors.Join(faults...)
}

// once is the id of the command that the order is for the connection.
func once(order, connection string) string {
	sum := sha256.Sum256([]byte(order + "\x00" + connection))
	return hex.EncodeToString(sum[:])
}

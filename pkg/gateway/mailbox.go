package gateway

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/runnel-sse/runnel/pkg/command"
	"github.com/runnel-sse/runnel/pkg/eventlog"
	"github.com/runnel-sse/runnel/pkg/obs"
	"github.com/runnel-sse/runnel/pkg/tail"
)

// order is a command on its way to a stream.
type order struct {
	command.Command
	at time.Time // when it was given
}

// roll is the open streams by the ids of their connections, and those that are
// being let in: others see them in the registry before this process hears of it,
// and what they are told then must not get lost.
type roll struct {
	changed chan struct{} // capacity 1: the first has come, or the last has gone

	mu     sync.Mutex // guards what follows
	places map[string]*place
}

// place is a stream's, or that of one which is expected.
type place struct {
	conn  *conn   // nil: expected
	early []order // for it then
}

func newRoll() *roll {
	return &roll{changed: make(chan struct{}, 1), places: map[string]*place{}}
}

// expect is to be called before anybody can know of the connection, and is
// followed by add or remove.
func (r *roll) expect(connection string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.places[connection] = &place{}
	r.tell(1)
}

// add hands c what it was told while it was expected.
func (r *roll) add(c *conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, o := range r.places[c.connection].early {
		c.take(o)
	}
	r.places[c.connection] = &place{conn: c}
}

// remove returns when nobody tells the connection anything any more.
func (r *roll) remove(connection string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.places, connection)
	r.tell(0)
}

// tell nudges whoever reads the mailbox, when the count is the given one. The
// caller holds mu.
func (r *roll) tell(count int) {
	if len(r.places) == count {
		select {
		case r.changed <- struct{}{}:
		default:
		}
	}
}

func (r *roll) empty() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.places) == 0
}

// give hands the order to its stream, and reports whether it is here to take it.
func (r *roll) give(o order) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.places[o.Connection]
	switch {
	case p == nil, p.conn == nil && len(p.early) >= maxOrders && o.Type == command.Renew:
		return false
	case p.conn != nil:
		return p.conn.take(o)
	}
	p.early = append(p.early, o)
	return true
}

// evict cuts off a connection that the registry no longer lets in: whoever kept
// it out did not find it there, so no command was given.
func (r *roll) evict(connection string, until time.Time) {
	now := time.Now()
	r.give(order{command.Command{Type: command.Kick, Connection: connection, Until: until}, now})
}

// mailRetry is how long a log that does not answer is left alone.
const mailRetry = 500 * time.Millisecond

// readMail follows this process's mailbox while there are streams, until ctx is
// done: on the same tail as the streams, with the same request for the heads.
// Its name is new, so nothing is in it before the first stream.
func (g *Gateway) readMail(ctx context.Context) {
	var at eventlog.Position
	for {
		select {
		case <-ctx.Done():
			return
		case <-g.roll.changed:
		}
		if !g.roll.empty() {
			at = g.followMail(ctx, at)
		}
	}
}

// followMail obeys what comes after the position, while there are streams, and
// returns how far it came.
func (g *Gateway) followMail(ctx context.Context, at eventlog.Position) eventlog.Position {
	rd := g.cfg.Tail.Follow([]tail.Start{{Channel: command.Mailbox(g.process), Head: at, At: at}}, false)
	defer rd.Close()
	again := time.NewTimer(0)
	defer again.Stop()
	for {
		due, err := rd.Records(ctx)
		for _, rec := range due {
			at = rec.Position
			g.deliver(ctx, rec)
		}
		var lost *eventlog.GapError
		switch {
		case errors.As(err, &lost): // whom it was for has ended, or will by itself
			g.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "gateway: commands were lost", obs.Process(g.process), obs.Err(err))
			rd.Skip(lost)
			at = lost.Resume
			again.Reset(0)
		case err != nil:
			again.Reset(mailRetry)
		}
		select {
		case <-ctx.Done():
			return at
		case <-rd.Wake():
		case <-again.C:
		case <-g.roll.changed:
			if g.roll.empty() {
				return at
			}
		}
	}
}

// deliver gives the command in the record to its stream. What is no command, or
// for no stream here, is passed over: an old one, or somebody's guess.
func (g *Gateway) deliver(ctx context.Context, rec eventlog.Record) {
	cmd, err := command.Parse(rec)
	switch {
	case err != nil:
		g.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "command ignored: it is damaged", obs.Process(g.process), obs.Err(err))
	case !g.roll.give(order{cmd, rec.At}):
		g.cfg.Logger.LogAttrs(ctx, slog.LevelInfo, "command ignored: no such stream is open here",
			obs.Connection(cmd.Connection), obs.Command(cmd.Type))
	}
}

const (
	maxOrders = 16          // that wait for a stream which is busy writing
	lastWords = time.Second // in which a stream that has to end takes what is still said to it
)

// take keeps the order until the stream looks, and wakes it. A reader that takes
// nothing does not hold up the end of its stream.
func (c *conn) take(o order) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	final := o.Type != command.Renew
	if len(c.orders) >= maxOrders && !final {
		return false
	}
	c.orders = append(c.orders, o)
	c.told.Store(true)
	if final && !c.ending {
		c.ending = true
		c.out.deadline(time.Now().Add(lastWords))
	}
	c.reader.Nudge()
	return true
}

// obey does what the stream was told, and returns why it ends, if it has to.
func (c *conn) obey(ctx context.Context) error {
	if !c.told.Swap(false) {
		return nil
	}
	c.mu.Lock()
	orders := c.orders
	c.orders = nil
	c.mu.Unlock()
	for _, o := range orders {
		switch o.Type {
		case command.Goodbye:
			c.goodbye = o.at
			return errGoodbye
		case command.Kick:
			return c.kick(o.Command)
		case command.Renew:
			if err := c.renew(ctx, o.Command); err != nil {
				return err
			}
		}
	}
	return nil
}

// cutOff is why a write has failed: for an order that the stream has not looked
// at, if there is one.
func (c *conn) cutOff() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, o := range c.orders {
		switch o.Type {
		case command.Goodbye:
			c.goodbye = o.at
			return errGoodbye
		case command.Kick:
			return errKicked
		}
	}
	return errWrite
}

package gateway

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/runnel-sse/runnel/pkg/eventlog"
	"github.com/runnel-sse/runnel/pkg/obs"
	"github.com/runnel-sse/runnel/pkg/sse"
)

// Why else a stream ended; words for the log.
var (
	errLeft    = errors.New("reader left")
	errGoodbye = errors.New("reader said goodbye")
	errKicked  = errors.New("kicked")
	errBeyond  = errors.New("fresh token reaches nothing")
	errDrained = errors.New("process stops")
	errWrite   = errors.New("write failed")
	errLog     = errors.New("log unavailable")
)

// How often a failing log is asked again for one reader, before the stream ends
// and the client comes back elsewhere: about ten seconds in all.
const (
	logRetries  = 6
	logRetryMin = 100 * time.Millisecond
)

// conn writes one stream. It lives on one goroutine and waits in one place.
type conn struct {
	*session
	g      *Gateway
	out    sink
	timer  *time.Timer // fires at the earliest of life's end and the times below
	beatAt time.Time   // next heartbeat, if nothing else is written
	logAt  time.Time   // the log is asked again; zero while it answers
	failed int         // times in a row that the log did not answer

	sent    int64     // bytes
	goodbye time.Time // when the reader said it; zero: it has not

	told atomic.Bool // there are orders

	mu      sync.Mutex // guards what follows
	orders  []order    // of the mailbox, to be obeyed
	ending  bool       // the last deadline is set
	writeBy time.Time  // the deadline that is set on the sink
}

func newConn(g *Gateway, out sink, s *session) *conn {
	now := time.Now()
	c := &conn{session: s, g: g, out: out, beatAt: now.Add(g.pause())}
	c.timer = time.NewTimer(c.wait(now))
	return c
}

// pause is the time to the next heartbeat: never more than the client was told,
// and not the same for all.
func (g *Gateway) pause() time.Duration { return between(g.cfg.Heartbeat*8/10, g.cfg.Heartbeat) }

// wait is how long nothing is due but what wakes the reader.
func (c *conn) wait(now time.Time) time.Duration {
	next := c.life.end()
	for _, t := range []time.Time{c.beatAt, c.logAt} {
		if !t.IsZero() && t.Before(next) {
			next = t
		}
	}
	return next.Sub(now)
}

// stream writes the opening and then all that comes, and returns why it ended.
func (c *conn) stream(ctx context.Context) error {
	defer c.timer.Stop()
	opening := c.opening
	c.opening = nil // not kept for the length of the stream
	if err := c.write(opening); err != nil {
		return err
	}
	for {
		if err := c.obey(ctx); err != nil {
			return err
		}
		if c.logAt.IsZero() {
			if err := c.flow(ctx); err != nil {
				return err
			}
		}
		select {
		case <-c.reader.Wake():
		case <-c.timer.C:
			if err := c.tick(time.Now()); err != nil {
				return err
			}
		case <-c.g.draining:
			return c.finish(errDrained)
		case <-ctx.Done():
			return errLeft
		}
	}
}

// flow writes everything that is due, for as long as there is something.
func (c *conn) flow(ctx context.Context) error {
	for first := true; ; first = false {
		if !first { // there may always be more
			if err := c.obey(ctx); err != nil {
				return err
			}
		}
		now := time.Now()
		if why := c.life.over(now, true); why != nil {
			return c.finish(why)
		}
		due, err := c.reader.Next(ctx)
		var lost *eventlog.GapError
		switch {
		case errors.As(err, &lost):
			c.reader.Skip(lost)
			due = controlFrame(c.reader, sse.Frame{Type: typeGap, Data: jsonLine(gapOf(lost))})
		case err != nil:
			return c.later(ctx, err)
		case len(due) == 0:
			return nil
		}
		c.failed = 0
		if err := c.write(due); err != nil {
			return err
		}
		c.life.busy(now)
	}
}

// tick does what its time has come for.
func (c *conn) tick(now time.Time) error {
	c.life.apply(now, c.g.terms(c.streams, now)) // a budget may press by now
	if why := c.life.over(now, false); why != nil {
		return c.finish(why)
	}
	if !now.Before(c.beatAt) {
		if err := c.write([]byte(sse.Heartbeat)); err != nil {
			return err
		}
	}
	if !now.Before(c.logAt) {
		c.logAt = time.Time{}
	}
	c.timer.Reset(c.wait(now))
	return nil
}

// later waits with a log that does not answer: the stream stays open, with its
// heartbeat. A reader that is in the ring is not concerned at all.
func (c *conn) later(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return errLeft
	}
	c.failed++
	if c.failed > logRetries {
		c.g.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "stream ends: its history cannot be read", obs.Connection(c.connection), obs.Err(err))
		return c.finish(errLog)
	}
	now, pause := time.Now(), logRetryMin<<c.failed
	c.logAt = now.Add(between(pause/2, pause))
	c.timer.Reset(c.wait(now))
	return nil
}

// write hands b over in one Write. Where the host has deadlines, a reader that
// takes nothing is cut off by one, which is moved now and then and not each time.
func (c *conn) write(b []byte) error {
	now := time.Now()
	c.beatAt = now.Add(c.g.pause())
	c.mu.Lock()
	if timeout := c.g.cfg.WriteTimeout; !c.ending && c.writeBy.Sub(now) < timeout/2 {
		c.writeBy = now.Add(timeout)
		c.out.deadline(c.writeBy)
	}
	c.mu.Unlock()
	if err := c.out.write(b); err != nil {
		return c.cutOff()
	}
	c.sent += int64(len(b))
	return nil
}

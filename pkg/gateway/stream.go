package gateway

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/runnel-sse/runnel/pkg/eventlog"
	"github.com/runnel-sse/runnel/pkg/sse"
	"github.com/runnel-sse/runnel/pkg/tail"
)

// Why a stream ended; a word for the log.
var (
	errLeft    = errors.New("reader left")
	errLife    = errors.New("planned end")
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
	g      *Gateway
	out    sink
	reader *tail.Reader
	timer  *time.Timer // fires at the earliest of the three times below
	endAt  time.Time   // planned end
	beatAt time.Time   // next heartbeat, if nothing else is written
	logAt  time.Time   // the log is asked again; zero while it answers
	failed int         // times in a row that the log did not answer

	sent    int64     // bytes
	writeBy time.Time // the deadline that is set on the sink
}

// newConn returns a conn that ends after a random part of life, so that readers
// that came together do not come back together.
func newConn(g *Gateway, out sink, reader *tail.Reader, life time.Duration) *conn {
	now := time.Now()
	c := &conn{g: g, out: out, reader: reader, endAt: now.Add(between(life*8/10, life)), beatAt: now.Add(g.pause())}
	c.timer = time.NewTimer(c.wait(now))
	return c
}

// life is how long a stream of the request may be.
func (g *Gateway) life(ctx context.Context) time.Duration {
	if deadline, ok := ctx.Deadline(); ok {
		return max(0, min(g.cfg.MaxLife, time.Until(deadline)-g.cfg.Margin))
	}
	return g.cfg.MaxLife
}

// pause is the time to the next heartbeat: never more than the client was told,
// and not the same for all.
func (g *Gateway) pause() time.Duration { return between(g.cfg.Heartbeat*8/10, g.cfg.Heartbeat) }

// wait is how long nothing is due but what wakes the reader.
func (c *conn) wait(now time.Time) time.Duration {
	next := c.endAt
	for _, t := range []time.Time{c.beatAt, c.logAt} {
		if !t.IsZero() && t.Before(next) {
			next = t
		}
	}
	return next.Sub(now)
}

// stream writes the opening and then all that comes, and returns why it ended.
func (c *conn) stream(ctx context.Context, opening []byte) error {
	defer c.timer.Stop()
	if err := c.write(opening); err != nil {
		return err
	}
	for {
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
			return c.rotate("shutdown", errDrained)
		case <-ctx.Done():
			return errLeft
		}
	}
}

// flow writes everything that is due, for as long as there is something.
func (c *conn) flow(ctx context.Context) error {
	for {
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
		if time.Now().After(c.endAt) { // even while there is always more
			return c.rotate("lease", errLife)
		}
	}
}

// tick does what its time has come for.
func (c *conn) tick(now time.Time) error {
	if !now.Before(c.endAt) {
		return c.rotate("lease", errLife)
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
		c.g.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "stream ends: its history cannot be read", slog.Any("error", err))
		return c.rotate("unavailable", errLog)
	}
	now, pause := time.Now(), logRetryMin<<c.failed
	c.logAt = now.Add(between(pause/2, pause))
	c.timer.Reset(c.wait(now))
	return nil
}

// rotated is the data of sse.rotate.
type rotated struct {
	Reason string `json:"reason"` // lease, shutdown or unavailable
}

// rotate ends the stream in the planned way: the client comes back at once, but
// not all clients in the same moment; what it missed is in the log.
func (c *conn) rotate(reason string, end error) error {
	retry := between(50*time.Millisecond, time.Second)
	if errors.Is(end, errLog) {
		retry = between(c.g.cfg.Retry, c.g.cfg.Retry*5/2)
	}
	if err := c.write(controlFrame(c.reader, sse.Frame{Retry: retry, Type: typeRotate, Data: jsonLine(rotated{reason})})); err != nil {
		return err
	}
	return end
}

// write hands b over in one Write. Where the host has deadlines, a reader that
// takes nothing is cut off by one, which is moved now and then and not each time.
func (c *conn) write(b []byte) error {
	now := time.Now()
	c.beatAt = now.Add(c.g.pause())
	if timeout := c.g.cfg.WriteTimeout; c.writeBy.Sub(now) < timeout/2 {
		c.writeBy = now.Add(timeout)
		c.out.deadline(c.writeBy)
	}
	if err := c.out.write(b); err != nil {
		return errWrite
	}
	c.sent += int64(len(b))
	return nil
}

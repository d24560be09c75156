package gateway

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/runnel-sse/runnel/pkg/eventlog"
	"github.com/runnel-sse/runnel/pkg/sse"
	"github.com/runnel-sse/runnel/pkg/tail"
)

// Why a stream ended; a word for the log.
var (
	endLeft    = errors.New("reader left")
	endLife    = errors.New("planned end")
	endDrained = errors.New("process stops")
	endWrite   = errors.New("write failed")
	endLog     = errors.New("log unavailable")
)

// How often a failing log is asked again for one reader, before the stream ends
// and the client comes back elsewhere: about ten seconds in all.
const (
	logRetries  = 6
	logRetryMin = 100 * time.Millisecond
)

// conn writes one stream. It lives on the goroutine of its request and has no
// other.
type conn struct {
	g      *Gateway
	w      http.ResponseWriter
	ctl    *http.ResponseController
	reader *tail.Reader
	began  time.Time
	end    *time.Timer
	beat   *time.Timer
	again  *time.Timer // the log is asked again
	failed int         // times in a row that the log did not answer

	sent    int64
	wrote   time.Time // last write
	writeBy time.Time // the deadline that is set on the connection
}

func newConn(g *Gateway, w http.ResponseWriter, r *http.Request, reader *tail.Reader) *conn {
	now := time.Now()
	life := g.cfg.MaxLife
	if deadline, ok := r.Context().Deadline(); ok {
		life = max(0, min(life, deadline.Sub(now)-g.cfg.Margin))
	}
	// A random end spreads the return of readers that came together.
	life = between(life*8/10, life)
	c := &conn{
		g: g, w: w, ctl: http.NewResponseController(w), reader: reader, began: now, wrote: now,
		end: time.NewTimer(life), beat: time.NewTimer(g.pause()), again: time.NewTimer(time.Hour),
	}
	c.again.Stop()
	return c
}

// pause is the time to the next heartbeat: never more than the client was told,
// and not the same for all.
func (g *Gateway) pause() time.Duration { return between(g.cfg.Heartbeat*8/10, g.cfg.Heartbeat) }

func (c *conn) close() {
	c.end.Stop()
	c.beat.Stop()
	c.again.Stop()
	if !c.writeBy.IsZero() {
		_ = c.ctl.SetWriteDeadline(time.Time{}) // the connection may serve another request
	}
}

// stream writes the opening and then all that comes, and returns why it ended.
func (c *conn) stream(ctx context.Context, opening []byte) error {
	streamHeaders(c.w.Header())
	c.w.WriteHeader(http.StatusOK)
	if err := c.write(opening); err != nil {
		return err
	}
	for {
		if err := c.flow(ctx); err != nil {
			return err
		}
		select {
		case <-c.reader.Wake():
		case <-c.again.C:
		case <-c.beat.C:
			if err := c.heartbeat(); err != nil {
				return err
			}
		case <-c.end.C:
			return c.rotate("lease", endLife)
		case <-c.g.draining:
			return c.rotate("shutdown", endDrained)
		case <-ctx.Done():
			return endLeft
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
		select {
		case <-c.end.C: // even while there is always more
			return c.rotate("lease", endLife)
		default:
		}
	}
}

// later waits with a log that does not answer: the stream stays open and silent,
// and a reader that is in the ring is not concerned at all.
func (c *conn) later(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return endLeft
	}
	c.failed++
	if c.failed > logRetries {
		c.g.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "stream ends: its history cannot be read", slog.Any("error", err))
		return c.rotate("unavailable", endLog)
	}
	pause := logRetryMin << c.failed
	c.again.Reset(between(pause/2, pause))
	return nil
}

func (c *conn) heartbeat() error {
	if quiet := time.Since(c.wrote); quiet < c.g.cfg.Heartbeat/2 {
		c.beat.Reset(c.g.pause() - quiet)
		return nil
	}
	c.beat.Reset(c.g.pause())
	return c.write([]byte(sse.Heartbeat))
}

// rotated is the data of sse.rotate.
type rotated struct {
	Reason string `json:"reason"` // lease, shutdown or unavailable
}

// rotate ends the stream in the planned way: the client comes back at once, but
// not all clients in the same moment; what it missed is in the log.
func (c *conn) rotate(reason string, end error) error {
	retry := between(50*time.Millisecond, time.Second)
	if end == endLog {
		retry = between(c.g.cfg.Retry, c.g.cfg.Retry*5/2)
	}
	if err := c.write(controlFrame(c.reader, sse.Frame{Retry: retry, Type: typeRotate, Data: jsonLine(rotated{reason})})); err != nil {
		return err
	}
	return end
}

// write hands b over in one Write and sees to it that it goes out at once. Where
// the host has deadlines, a reader that takes nothing is cut off by one.
func (c *conn) write(b []byte) error {
	now := time.Now()
	c.wrote = now
	if timeout := c.g.cfg.WriteTimeout; c.writeBy.Sub(now) < timeout/2 {
		c.writeBy = now.Add(timeout)
		_ = c.ctl.SetWriteDeadline(c.writeBy) // a host without deadlines ends the request itself
	}
	n, err := c.w.Write(b)
	c.sent += int64(n)
	if err == nil {
		// A host without Flush hands every Write on as it is.
		if err = c.ctl.Flush(); errors.Is(err, http.ErrNotSupported) {
			err = nil
		}
	}
	if err != nil {
		return endWrite
	}
	return nil
}

func streamHeaders(h http.Header) {
	h.Set("Content-Type", sse.ContentType)
	h.Set("Cache-Control", "no-store, no-transform")
	h.Set("X-Accel-Buffering", "no")
}

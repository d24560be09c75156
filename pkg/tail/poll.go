package tail

import (
	"context"
	"log/slog"
	"time"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/eventlog"
)

// poll asks for the heads of all followed channels at once, again and again:
// one request for each 100 channels, however many readers they have.
func (t *Tail) poll(ctx context.Context) {
	p := pace{base: t.opts.Interval, lastMove: time.Now()}
	timer := time.NewTimer(p.interval(time.Now()))
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		moved, err := t.pollOnce(ctx)
		if err != nil && ctx.Err() == nil {
			t.complain(ctx, "tail: poll failed, will try again", slog.Any("error", err))
		}
		p.note(time.Now(), moved, err != nil || t.failed.Swap(false))
		timer.Reset(p.interval(time.Now()))
	}
}

func (t *Tail) pollOnce(ctx context.Context) (moved bool, err error) {
	t.mu.Lock()
	chs := make([]channel.Name, 0, len(t.rings))
	for ch := range t.rings {
		chs = append(chs, ch)
	}
	t.mu.Unlock()
	if len(chs) == 0 {
		return false, nil
	}
	heads, err := t.log.Heads(ctx, chs)
	if err != nil {
		return false, err
	}
	if moved = t.moved(heads); moved {
		t.nudge()
	}
	return moved, nil
}

// pace says how long to wait between two polls.
type pace struct {
	base     time.Duration
	busy     bool // the last poll found something
	lastMove time.Time
	failures int // in a row
}

// note takes in what a poll found, or that something failed since the last one.
func (p *pace) note(now time.Time, moved, failed bool) {
	p.busy = moved
	p.failures++
	if !failed {
		p.failures = 0
	}
	if moved {
		p.lastMove = now
	}
}

// maxPause is the longest pause between two polls of a log that fails.
const maxPause = 10 * time.Second

func (p *pace) interval(now time.Time) time.Duration {
	switch {
	case p.failures > 0:
		return max(p.base, min(p.base<<min(p.failures, 6), maxPause))
	case p.busy:
		return p.base / 2
	case now.Sub(p.lastMove) > QuietAfter:
		return p.base * 2
	}
	return p.base
}

// ahead reports whether a has something that b has not: a later event of the
// same epoch, or another epoch.
func ahead(a, b eventlog.Position) bool {
	return a.Epoch != b.Epoch && !a.IsZero() || a.Epoch == b.Epoch && a.Seq > b.Seq
}

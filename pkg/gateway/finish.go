package gateway

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/runnel-sse/runnel/pkg/command"
	"github.com/runnel-sse/runnel/pkg/obs"
	"github.com/runnel-sse/runnel/pkg/sse"
)

// rotated is the data of sse.rotate.
type rotated struct {
	Reason string `json:"reason"`           // lease, economy, shutdown or unavailable
	Budget string `json:"budget,omitempty"` // short or economy, when the reason is the budget's
}

// expired is the data of sse.expired.
type expired struct {
	At *time.Time `json:"at"`
}

// closed is the data of sse.closed.
type closed struct {
	Reason string     `json:"reason"` // kicked or forbidden
	Detail string     `json:"detail,omitempty"`
	Until  *time.Time `json:"until,omitempty"` // not let in before
}

// finish says why the stream ends, and when to come back: at once, but not all
// readers in the same moment. What one misses is in the log.
func (c *conn) finish(why error) error {
	now, away := time.Now(), c.life.away(why)
	said := rotated{Reason: "lease", Budget: c.life.terms.budget.String()}
	f := sse.Frame{Type: typeRotate}
	switch {
	case errors.Is(why, errExpired):
		f.Type, f.Retry, f.Data = typeExpired, c.g.afterFault(), jsonLine(expired{c.life.token()})
	case errors.Is(why, errParked):
		said.Reason, f.Retry = "economy", away+c.g.parked.turn(now)
	case errors.Is(why, errLog):
		said, f.Retry = rotated{Reason: "unavailable"}, c.g.afterFault()
	case errors.Is(why, errDrained):
		said, f.Retry = rotated{Reason: "shutdown"}, away+c.g.back.turn(now)
	default:
		f.Retry = away + c.g.back.turn(now)
	}
	if f.Data == nil {
		f.Data = jsonLine(said)
	}
	if err := c.write(controlFrame(c.reader, f)); err != nil {
		return err
	}
	return why
}

// maxAway is the longest that a reader is told to stay away.
const maxAway = 24 * time.Hour

// kick ends the stream by command.
func (c *conn) kick(cmd command.Command) error {
	said := closed{Reason: "kicked", Detail: cmd.Reason}
	away := time.Duration(0)
	if !cmd.Until.IsZero() {
		until := cmd.Until.UTC()
		said.Until, away = &until, min(max(0, time.Until(until)), maxAway)
	}
	return c.close(said, away, errKicked)
}

// close tells a reader who has to go why, and to stay away for some time.
func (c *conn) close(said closed, away time.Duration, why error) error {
	_ = c.write(controlFrame(c.reader, sse.Frame{Type: typeClosed, Retry: c.g.afterFault() + away, Data: jsonLine(said)})) // it has to go, whether it hears that or not
	return why
}

// ends are the metrics of why streams end.
var ends = map[error]obs.Metric{
	errLife: obs.StreamsRotated, errDrained: obs.StreamsRotated, errLog: obs.StreamsRotated,
	errParked: obs.StreamsParked, errExpired: obs.StreamsExpired, errBeyond: obs.StreamsExpired, errKicked: obs.StreamsKicked,
	errLeft: obs.StreamsLeft, errGoodbye: obs.StreamsLeft, errWrite: obs.StreamsLeft,
}

// account says what the stream was: the one line that every stream has.
func (g *Gateway) account(ctx context.Context, c *conn, began time.Time, why error) {
	now := time.Now()
	unread := time.Duration(0)
	if !c.goodbye.IsZero() {
		// By the clock of whoever stored the goodbye.
		unread = min(max(0, now.Sub(c.goodbye)), now.Sub(began))
		g.cfg.Metrics.Observe(obs.UnreadSeconds, unread.Seconds())
	}
	g.cfg.Metrics.Add(ends[why], 1)
	g.cfg.Logger.LogAttrs(ctx, slog.LevelInfo, "stream ended", obs.Connection(c.connection), obs.Reason(why.Error()),
		obs.Bytes(c.sent), obs.Open(now.Sub(began)), obs.Unread(unread))
}

package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/runnel-sse/runnel/pkg/auth"
	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/command"
	"github.com/runnel-sse/runnel/pkg/obs"
	"github.com/runnel-sse/runnel/pkg/problem"
	"github.com/runnel-sse/runnel/pkg/schema"
	"github.com/runnel-sse/runnel/pkg/sse"
	"github.com/runnel-sse/runnel/pkg/tail"
)

// changed is the data of sse.changed.
type changed struct {
	Connection string     `json:"connection"`
	Expires    *time.Time `json:"expires,omitempty"`
	LeaseMS    int64      `json:"lease_ms"`
	Channels   []state    `json:"channels"`       // as they are now; one that is new begins at its newest event
	Lost       []string   `json:"lost,omitempty"` // channels that the fresh token does not reach
	Refused    *unchanged `json:"refused,omitempty"`
}

// unchanged says why the channels are as they were.
type unchanged struct {
	Reason string `json:"reason"` // a code of a refusal
	Detail string `json:"detail"`
}

// renew goes on with a fresh token: the stream lives as long as that one, and
// takes on and gives up channels, all that are asked for or none. The token was
// looked at by whoever gave the command; whether it is of the same subject, and
// still reaches what the connection reads, can be seen here alone. What it does
// not reach is given up, whatever else becomes of the command.
func (c *conn) renew(ctx context.Context, cmd command.Command) error {
	if cmd.Subject == "" || cmd.Subject != c.subject {
		c.g.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "command ignored: the token is another subject's",
			obs.Connection(c.connection), obs.Command(cmd.Type))
		return nil
	}
	now := time.Now()
	lost := c.beyond(principalOf(cmd))
	if len(lost) == len(c.streams) {
		return c.close(closed{Reason: "forbidden", Detail: "the fresh token does not reach what this connection reads"}, 0, errBeyond)
	}
	c.giveUp(ctx, lost)
	if c.endsWith(cmd) {
		c.life.extend(now, cmd.Expires)
	}
	said := changed{Connection: c.connection, Expires: c.life.token()}
	for _, ch := range lost {
		said.Lost = append(said.Lost, ch.String())
	}
	fresh, err := c.change(ctx, cmd.Add, cmd.Remove)
	if err != nil {
		p := c.g.problemOf(ctx, err)
		said.Refused = &unchanged{p.Code, p.Detail}
	}
	c.life.apply(now, c.g.terms(c.streams, now))
	c.timer.Reset(c.wait(now))
	said.LeaseMS = c.life.terms.lease(c.g.longest(ctx)).Milliseconds()
	for _, ch := range c.reader.Channels() {
		said.Channels = append(said.Channels, state{Channel: ch.String(), Resumed: !slices.Contains(fresh, ch), Recovered: true})
	}
	return c.write(controlFrame(c.reader, sse.Frame{Type: typeChanged, Data: jsonLine(said)}))
}

// endsWith reports whether the connection ends when the command's token does: a
// later one carries it on, and what an earlier one adds is read no longer than it.
func (c *conn) endsWith(cmd command.Command) bool {
	has, fresh := c.life.wall, cmd.Expires
	switch {
	case fresh.IsZero():
		return false
	case len(cmd.Add) > 0 && (has.IsZero() || fresh.Before(has)):
		return true
	}
	return !has.IsZero() && fresh.After(has)
}

// principalOf is who gave the command, as far as policies ask.
func principalOf(cmd command.Command) auth.Principal {
	who := auth.Principal{Subject: cmd.Subject, Expires: cmd.Expires, Claims: cmd.Claims}
	for _, text := range cmd.Channels {
		if p, err := channel.ParsePattern(text); err == nil { // one that is none reaches nothing
			who.Channels = append(who.Channels, p)
		}
	}
	return who
}

// beyond returns the connection's channels that who may not read.
func (c *conn) beyond(who auth.Principal) []channel.Name {
	return slices.DeleteFunc(c.reader.Channels(), func(ch channel.Name) bool {
		s, err := c.g.stream(ch)
		return err == nil && who.Allows(s, ch) == nil
	})
}

// change takes on the channels of add and gives up those of remove that are not
// in add, and returns what is new.
func (c *conn) change(ctx context.Context, add, remove []string) ([]channel.Name, error) {
	have, wanted, gone := c.reader.Channels(), parseAll(add), parseAll(remove)
	fresh := without(wanted, have)
	gone = without(gone, wanted)
	gone = slices.DeleteFunc(gone, func(ch channel.Name) bool { return !slices.Contains(have, ch) })
	if len(fresh)+len(gone) == 0 {
		return nil, nil
	}
	streams, err := c.allowed(fresh, len(have)+len(fresh)-len(gone))
	if err != nil {
		return nil, err
	}
	if err := c.takeOn(ctx, fresh, streams); err != nil {
		return nil, err
	}
	c.giveUp(ctx, gone)
	return fresh, nil
}

// without returns those of chs that are not in others.
func without(chs, others []channel.Name) []channel.Name {
	return slices.DeleteFunc(slices.Clone(chs), func(ch channel.Name) bool { return slices.Contains(others, ch) })
}

// allowed returns the streams of the channels that are to be added, or why they
// cannot be.
func (c *conn) allowed(fresh []channel.Name, count int) ([]*schema.Stream, error) {
	streams := make([]*schema.Stream, len(fresh))
	for i, ch := range fresh {
		var err error
		if streams[i], err = c.g.stream(ch); err != nil {
			return nil, err
		}
	}
	switch {
	case len(fresh) > 0 && !c.envelope:
		return nil, problem.Problem{Status: http.StatusBadRequest, Code: "one-channel", Detail: "a stream of /sse/{StreamType}/{key} has one channel; open /sse?channel=… for several"}
	case count < 1:
		return nil, problem.Problem{Status: http.StatusBadRequest, Code: "no-channel", Detail: "the last channel cannot be taken off; end the stream instead"}
	case count > c.g.cfg.MaxChannels:
		return nil, c.g.tooMany()
	}
	return streams, nil
}

// takeOn gives the connection its seats on the channels and follows them from
// their newest events.
func (c *conn) takeOn(ctx context.Context, fresh []channel.Name, streams []*schema.Stream) error {
	if len(fresh) == 0 {
		return nil
	}
	heads, err := c.g.cfg.Tail.Heads(ctx, fresh)
	if err != nil {
		return fmt.Errorf("gateway: %w", err)
	}
	all := append(slices.Clone(c.streams), streams...)
	if err := c.g.keeper.add(ctx, c.connection, seats(fresh, streams), c.g.limits(all)); err != nil {
		return err
	}
	starts := make([]tail.Start, len(fresh))
	for i, ch := range fresh {
		starts[i] = tail.Start{Channel: ch, Head: heads[ch], At: heads[ch]}
	}
	if !c.reader.Add(starts...) { // looked at above
		return errors.New("gateway: the reader does not take the channels")
	}
	c.g.purse.enter(ctx, streams)
	c.streams = all
	return nil
}

// giveUp is the end of takeOn.
func (c *conn) giveUp(ctx context.Context, gone []channel.Name) {
	if len(gone) == 0 {
		return
	}
	var left []*schema.Stream
	for _, ch := range gone {
		c.reader.Remove(ch)
		i := slices.IndexFunc(c.streams, func(s *schema.Stream) bool { return s.Name == ch.Stream() })
		left = append(left, c.streams[i])
		c.streams = slices.Delete(slices.Clone(c.streams), i, i+1)
	}
	c.g.purse.leave(ctx, left)
	c.g.keeper.drop(ctx, c.connection, gone)
}

// parseAll reads names that were checked when their command was.
func parseAll(names []string) []channel.Name {
	var chs []channel.Name
	for _, name := range names {
		if ch, err := channel.Parse(name); err == nil && !slices.Contains(chs, ch) {
			chs = append(chs, ch)
		}
	}
	return chs
}

package gateway

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"time"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/eventlog"
	"github.com/runnel-sse/runnel/pkg/schema"
	"github.com/runnel-sse/runnel/pkg/sse"
	"github.com/runnel-sse/runnel/pkg/tail"
)

// Control events. No user event may begin with "sse." or be called open, error
// or message.
const (
	typeGap     = "sse.gap"     // events are missing; its id is the new place
	typeRefused = "sse.refused" // come back later
	typeRotate  = "sse.rotate"  // planned end, come back now
	typeExpired = "sse.expired" // end, with the token
	typeClosed  = "sse.closed"  // end, by command
	typeChanged = "sse.changed" // renewed
)

// session is a connection that is admitted.
type session struct {
	connection string
	subject    string // whose token it is; "": nobody known
	envelope   bool
	streams    []*schema.Stream // of the reader's channels, one each
	reader     *tail.Reader
	life       life
	opening    []byte // the first frames: retry, connected, gaps
	leave      func() // to be called once
}

// connected is the first event's data: what a native EventSource cannot see in
// a header.
type connected struct {
	Type        string  `json:"type"` // "connected"
	Channel     string  `json:"channel,omitempty"`
	Connection  string  `json:"connection"`
	Recovered   bool    `json:"recovered"` // all channels
	Channels    []state `json:"channels"`
	HeartbeatMS int64   `json:"heartbeat_ms"`
	LeaseMS     int64   `json:"lease_ms"`

	Expires *time.Time `json:"expires,omitempty"` // of the token
	Parked  int64      `json:"parked_ms,omitempty"`
	Budget  string     `json:"budget,omitempty"`
}

// state is how a connection begins in one channel.
type state struct {
	Channel   string `json:"channel"`
	Resumed   bool   `json:"resumed"`          // the client's cursor holds here
	Recovered bool   `json:"recovered"`        // nothing is missing since
	Reason    Reason `json:"reason,omitempty"` // when something is
}

// Reason says why a reader's history is not whole.
type Reason string

// The reasons.
const (
	// ReasonExpired: events after the cursor are no longer kept.
	ReasonExpired Reason = "expired"
	// ReasonReset: the channel was forgotten and began again, or was restored
	// from an earlier state.
	ReasonReset Reason = "reset"
	// ReasonCursor: the cursor says nothing of this channel: it is damaged, from
	// elsewhere, or the channel is new on this connection.
	ReasonCursor Reason = "cursor"
)

// gap is the data of sse.gap.
type gap struct {
	Channel string `json:"channel"`
	Reason  Reason `json:"reason"`
	// After and Until bound what is missing: the events numbered After+1 to
	// Until. Only with ReasonExpired; elsewhere nobody knows.
	After *uint64 `json:"after,omitempty"`
	Until *uint64 `json:"until,omitempty"`
}

// admit finds out where the reader begins in each channel, and what it misses.
func (g *Gateway) admit(ctx context.Context, q request) (*session, error) {
	heads, err := g.cfg.Tail.Heads(ctx, q.channels)
	if err != nil {
		return nil, err
	}
	starts := make([]tail.Start, len(q.channels))
	states := make([]state, len(q.channels))
	for i, ch := range q.channels {
		starts[i], states[i] = q.begin(ch, heads[ch])
	}
	now := time.Now()
	s := &session{
		connection: g.process + "." + newID(), subject: q.who.Subject, envelope: q.envelope, streams: q.streams,
		reader: g.cfg.Tail.Follow(starts, q.envelope),
		life:   newLife(now, g.longest(ctx), g.terms(q.streams, now), q.who.Expires),
	}
	if err := s.open(ctx, g, q, states); err != nil {
		s.reader.Close()
		return nil, err
	}
	return s, nil
}

// begin is where the reader starts in one channel.
func (q request) begin(ch channel.Name, head eventlog.Position) (tail.Start, state) {
	start := tail.Start{Channel: ch, Head: head, At: head}
	st := state{Channel: ch.String(), Recovered: true}
	if q.resume {
		if at, ok := q.cursor.At(ch); ok {
			start.At, st.Resumed = at, true
		} else {
			st.Recovered, st.Reason = false, ReasonCursor
		}
		return start, st
	}
	switch {
	case q.since.earliest:
		start.At = eventlog.Position{}
	case q.since.last > 0 && q.since.last < head.Seq:
		start.At.Seq = head.Seq - q.since.last
	case q.since.last > 0:
		start.At = eventlog.Position{}
	}
	return start, st
}

// loss is what a reader has to be told of one channel, and how to pass it.
type loss struct {
	gap  gap
	skip *eventlog.GapError // nil: the reader already stands behind it
}

// open composes the first frames.
func (s *session) open(ctx context.Context, g *Gateway, q request, states []state) error {
	missing, err := s.reader.Check(ctx)
	if err != nil {
		return err
	}
	var losses []loss
	for _, e := range missing {
		st := stateOf(states, e.Channel.String())
		if !st.Resumed {
			// Since earliest, or the last ten: whatever is kept is what was asked for.
			s.reader.Skip(e)
			continue
		}
		lost := gapOf(e)
		st.Recovered, st.Reason = false, lost.Reason
		losses = append(losses, loss{lost, e})
	}
	c := connected{
		Type: "connected", Connection: s.connection, Recovered: true, Channels: states,
		HeartbeatMS: g.cfg.Heartbeat.Milliseconds(), LeaseMS: s.life.terms.lease(g.longest(ctx)).Milliseconds(),
		Expires: s.life.token(), Parked: s.life.terms.closed.Milliseconds(), Budget: s.life.terms.budget.String(),
	}
	if !q.envelope {
		c.Channel = q.channels[0].String()
	}
	for _, st := range states {
		c.Recovered = c.Recovered && st.Recovered
		if st.Reason == ReasonCursor {
			losses = append(losses, loss{gap: gap{Channel: st.Channel, Reason: st.Reason}})
		}
	}
	// Its id is the place where the client already is, never ahead of the
	// replay: if the connection breaks here, nothing is lost.
	s.opening = s.frame(sse.Frame{Retry: g.afterFault(), Data: jsonLine(c)})
	for _, l := range losses {
		if l.skip != nil {
			s.reader.Skip(l.skip)
		}
		s.opening = append(s.opening, s.frame(sse.Frame{Type: typeGap, Data: jsonLine(l.gap)})...)
	}
	return nil
}

// frame is the control event with the reader's present place as its id.
func (s *session) frame(f sse.Frame) []byte { return controlFrame(s.reader, f) }

func controlFrame(rd *tail.Reader, f sse.Frame) []byte {
	f.ID = string(rd.Cursor(nil))
	b, _ := f.Append(nil) // a cursor and our own types: cannot fail
	return b
}

func gapOf(e *eventlog.GapError) gap {
	g := gap{Channel: e.Channel.String(), Reason: ReasonReset}
	fresh := e.After.IsZero() && !e.Resume.IsZero() // before the first event: any epoch will do
	if e.Resume.Seq > e.After.Seq && (e.After.Epoch == e.Resume.Epoch || fresh) {
		g.Reason, g.After, g.Until = ReasonExpired, &e.After.Seq, &e.Resume.Seq
	}
	return g
}

func stateOf(states []state, name string) *state {
	for i := range states {
		if states[i].Channel == name {
			return &states[i]
		}
	}
	return nil
}

func jsonLine(v any) []byte {
	b, _ := json.Marshal(v) // structs of strings and numbers: cannot fail
	return b
}

// newID is a connection's name: 128 random bits, so that to know it is to have
// been told.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand
	return base64.RawURLEncoding.EncodeToString(b[:])
}

package follow

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/runnel-sse/runnel/pkg/sse"
)

// Event is one event of a stream, or of Runnel itself.
type Event struct {
	ID   string // where the stream stands after it: what Options.LastEventID takes
	Type string // such as "CommentAdded" or "sse.joined"; of a control event "message" or "sse.…"
	// Channel is the event's; of a control event it is empty where that is
	// about all channels.
	Channel string
	Data    json.RawMessage // as the publisher gave it, out of its envelope
	Control bool            // of Runnel itself: see docs/protocol.md
}

// Connected is what the first message of every connection says.
type Connected struct {
	Connection string
	Heartbeat  time.Duration // how often something is heard
	Lease      time.Duration // how long the server keeps a connection that may be dead
	Channels   []Arrival
}

// Arrival is how a connection begins on one channel.
type Arrival struct {
	Channel   string `json:"channel"`
	Resumed   bool   `json:"resumed"`   // at the position that the client named
	Recovered bool   `json:"recovered"` // with nothing missing since then
}

// Connected returns what the event says if it is the connected message.
func (e Event) Connected() (Connected, bool) {
	if !e.Control || e.Type != "message" {
		return Connected{}, false
	}
	var m struct {
		Type        string
		Connection  string
		HeartbeatMS float64 `json:"heartbeat_ms"`
		LeaseMS     float64 `json:"lease_ms"`
		Channels    []Arrival
	}
	if json.Unmarshal(e.Data, &m) != nil || m.Type != "connected" {
		return Connected{}, false
	}
	return Connected{
		Connection: m.Connection,
		Heartbeat:  milliseconds(m.HeartbeatMS),
		Lease:      milliseconds(m.LeaseMS),
		Channels:   m.Channels,
	}, true
}

// milliseconds keeps a stranger's number in bounds.
func milliseconds(ms float64) time.Duration {
	return time.Duration(math.Max(0, math.Min(ms, float64(mostWait.Milliseconds()))) * float64(time.Millisecond))
}

// open makes an Event of what the wire says.
func (f *follower) open(e sse.Event) (Event, error) {
	event := Event{ID: e.ID, Type: e.Type, Data: json.RawMessage(e.Data)}
	var body struct {
		Type    string          `json:"type"`
		Channel string          `json:"channel"`
		Data    json.RawMessage `json:"data"`
	}
	said := e.Type == "sse.joined" || e.Type == "sse.left" // Runnel's, but events of a channel
	switch {
	case strings.HasPrefix(e.Type, "sse.") && !said:
		event.Control = true
		_ = json.Unmarshal(event.Data, &body) // one that names no channel is about all
		event.Channel = body.Channel
	case e.Type == "message":
		// No event of a publisher is a message, so this is one of Runnel's,
		// or the server is none of ours.
		event.Control = true
		if json.Unmarshal(event.Data, &body) == nil && body.Type == "connected" && !f.several {
			event.Channel, f.channel = body.Channel, body.Channel
		}
	case f.several:
		if err := json.Unmarshal(event.Data, &body); err != nil || body.Channel == "" || body.Data == nil {
			return Event{}, fmt.Errorf("follow: event %s of several channels is not {\"channel\":…,\"data\":…}: %.60q", e.Type, e.Data)
		}
		event.Channel, event.Data = body.Channel, body.Data
	default:
		event.Channel = f.channel
	}
	return event, nil
}

// recent remembers the ids of the last events, to know one that comes twice.
type recent struct {
	ids   map[string]bool
	order [1024]string // a ring
	next  int
}

// add reports whether the id is new.
func (r *recent) add(id string) bool {
	if r.ids[id] {
		return false
	}
	if r.ids == nil {
		r.ids = make(map[string]bool, len(r.order))
	}
	delete(r.ids, r.order[r.next])
	r.ids[id], r.order[r.next] = true, id
	r.next = (r.next + 1) % len(r.order)
	return true
}

package memory

import (
	"sync"
	"time"

	"github.com/runnel-sse/runnel/pkg/eventlog"
)

// history is one channel. Times are Unix milliseconds.
type history struct {
	epoch      eventlog.Epoch
	retention  int64 // 0: for ever
	maxRecords int   // 0: no bound

	mu     sync.Mutex
	head   uint64   // the newest sequence number
	last   int64    // when the newest was stored
	events []stored // the newest ones, contiguous up to head
	ids    map[string]remembered
	order  []string // the keys of ids, oldest first
}

type stored struct {
	id, kind string
	data     []byte
	at       int64
}

type remembered struct {
	seq uint64
	at  int64
}

// position is the newest one.
func (h *history) position() eventlog.Position {
	h.mu.Lock()
	defer h.mu.Unlock()
	return eventlog.Position{Epoch: h.epoch, Seq: h.head}
}

// append stores what is new and returns everybody's position.
func (h *history) append(now int64, events []eventlog.Event) []eventlog.Position {
	// A clock that goes back must not make what is old outlive what is new.
	h.last = max(h.last, now)
	h.forget()
	size := 0
	for _, e := range events {
		size += len(e.Data)
	}
	own := make([]byte, 0, size) // the caller may use its bytes again
	at := make([]eventlog.Position, len(events))
	for i, e := range events {
		if known, ok := h.ids[e.ID]; ok && e.ID != "" {
			at[i] = eventlog.Position{Epoch: h.epoch, Seq: known.seq}
			continue
		}
		begin := len(own)
		own = append(own, e.Data...)
		h.head++
		h.events = append(h.events, stored{id: e.ID, kind: e.Type, data: own[begin:len(own):len(own)], at: h.last})
		if e.ID != "" {
			h.ids[e.ID] = remembered{seq: h.head, at: h.last}
			h.order = append(h.order, e.ID)
		}
		at[i] = eventlog.Position{Epoch: h.epoch, Seq: h.head}
	}
	h.expire(h.last)
	return at
}

// forget drops the ids that are past the window, or beyond the bound.
func (h *history) forget() {
	drop := 0
	for ; drop < len(h.order); drop++ {
		known := h.ids[h.order[drop]]
		over := h.maxRecords > 0 && len(h.order)-drop > h.maxRecords
		if !over && h.last-known.at < eventlog.DedupeWindow.Milliseconds() {
			break
		}
		delete(h.ids, h.order[drop])
	}
	clear(h.order[:drop]) // let go of the strings now, not when the slice grows
	h.order = h.order[drop:]
}

// expire drops the events that are past the retention, or beyond the bound.
func (h *history) expire(now int64) {
	drop := 0
	if h.maxRecords > 0 {
		drop = max(0, len(h.events)-h.maxRecords)
	}
	if h.retention > 0 {
		for drop < len(h.events) && now-h.events[drop].at >= h.retention {
			drop++
		}
	}
	clear(h.events[:drop])
	h.events = h.events[drop:]
}

// read returns what follows the position, or that it is not whole and after
// which position it is.
func (h *history) read(now int64, after eventlog.Position, limit int) (records []eventlog.Record, resume eventlog.Position, whole bool) {
	h.expire(now)
	gone := h.head - uint64(len(h.events)) // the last sequence number that is no longer here
	known := after.Epoch == h.epoch || after.IsZero()
	if !known || after.Seq < gone || after.Seq > h.head {
		return nil, eventlog.Position{Epoch: h.epoch, Seq: gone}, false
	}
	events := h.events[after.Seq-gone:]
	events = events[:min(limit, len(events))]
	if len(events) == 0 {
		return nil, eventlog.Position{}, true
	}
	records = make([]eventlog.Record, len(events))
	for i, e := range events {
		records[i] = eventlog.Record{
			Event:    eventlog.Event{ID: e.id, Type: e.kind, Data: e.data},
			Position: eventlog.Position{Epoch: h.epoch, Seq: after.Seq + uint64(i) + 1},
			At:       time.UnixMilli(e.at).UTC(),
		}
	}
	return records, eventlog.Position{}, true
}

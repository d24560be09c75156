package auth

import (
	"sync/atomic"
	"time"
)

// clock is a clock that may be set back, and remembers how far it was.
type clock struct {
	now  func() time.Time
	high atomic.Int64 // nanoseconds since 1970
}

// read returns what the clock says, and the latest that it has said.
func (c *clock) read() (now, latest time.Time) {
	now = c.now()
	for {
		high := c.high.Load()
		if high >= now.UnixNano() {
			return now, time.Unix(0, high)
		}
		if c.high.CompareAndSwap(high, now.UnixNano()) {
			return now, now
		}
	}
}

// seldom lets one of many pass a minute: a fault that lasts is one line a
// minute, and not one per request.
type seldom struct{ next atomic.Int64 }

func (s *seldom) pass(now time.Time) bool {
	next := s.next.Load()
	return now.UnixNano() >= next && s.next.CompareAndSwap(next, now.Add(time.Minute).UnixNano())
}

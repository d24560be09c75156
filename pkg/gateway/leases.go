package gateway

import (
	"time"

	"github.com/runnel-sse/runnel/pkg/schema"
)

// Leases are the rules by which connections end by themselves, for whoever
// reckons with them and holds none: see bench/leases.
type Leases struct {
	MaxLife, QuietLife time.Duration   // as in Config
	Economy            *schema.Economy // of the stream; nil: readers are not parked
}

// Play returns how long a connection lasts to which events come at these times
// after its beginning, in ascending order, and how long its reader then stays away.
func (l Leases) Play(events []time.Duration) (lasts, away time.Duration) {
	g := &Gateway{cfg: Config{QuietLife: l.QuietLife}}
	began := time.Now()
	life := newLife(began, l.MaxLife, g.terms([]*schema.Stream{{Economy: l.Economy}}, began), time.Time{})
	for _, after := range events {
		at := began.Add(after)
		if !at.Before(life.end()) {
			break
		}
		life.busy(at)
	}
	end := life.end()
	return end.Sub(began), life.away(life.over(end, false))
}

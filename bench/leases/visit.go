package leases

import (
	"math"
	"math/rand/v2"
	"sort"
	"time"
)

// Visit is one visit as it went. Which lease it got does not change it: a reader
// who is there comes back.
type Visit struct {
	Pattern string
	Spans   []Span
	Events  []time.Duration // on its channel, since the visit began, ascending
}

// Span is how long a page did what. The last one is gone, and has no end.
type Span struct {
	State    State
	From, To time.Duration
	Said     bool // of Gone: a client that says goodbye could
}

// forever ends the last span.
const forever = time.Duration(math.MaxInt64)

// activity is how busy channels are: most are quiet, few are not.
var activity = []struct {
	share, perHour float64
}{{0.70, 6}, {0.25, 60}, {0.05, 1200}}

// Activity says the same for people.
const Activity = "70 % of the channels have 6 events an hour, 25 % have 60, 5 % have 1,200, as a Poisson process (an assumption)"

// Day returns a day's visits of so many users. The same seed gives the same.
func Day(patterns []Pattern, users int, seed uint64) []Visit {
	r := rand.New(rand.NewPCG(seed, 1))
	var visits []Visit
	for _, p := range patterns {
		for range int(math.Round(p.Visits * float64(users))) {
			visits = append(visits, p.visit(r))
		}
	}
	return visits
}

func (p *Pattern) visit(r *rand.Rand) Visit {
	v := Visit{Pattern: p.Name}
	var at time.Duration
	which := r.Float64()
	for _, ph := range p.Phases {
		if ph.When != nil && (which < ph.When[0] || which >= ph.When[1]) {
			continue
		}
		s := Span{State: ph.State, From: at, To: forever, Said: r.Float64() < ph.Said}
		if ph.Seconds != nil {
			s.To = at + ph.Seconds.draw(r)
			at = s.To
		}
		v.Spans = append(v.Spans, s)
	}
	v.Events = events(r, at+time.Hour)
	return v
}

// events are those of a channel until then: longer than a lease outlasts a visit.
func events(r *rand.Rand, until time.Duration) []time.Duration {
	which := r.Float64()
	var perHour float64
	for _, a := range activity {
		if perHour = a.perHour; which < a.share {
			break
		}
		which -= a.share
	}
	var times []time.Duration
	for at := time.Duration(0); ; {
		at += time.Duration(r.ExpFloat64() / perHour * float64(time.Hour))
		if at > until {
			return times
		}
		times = append(times, at)
	}
}

// after returns the events after that time.
func (v *Visit) after(at time.Duration) []time.Duration {
	i := sort.Search(len(v.Events), func(i int) bool { return v.Events[i] > at })
	return v.Events[i:]
}

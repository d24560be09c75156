package load

import (
	"errors"
	"time"
)

// Plan is a steady load.
type Plan struct {
	Rate  float64       // events a second, evenly spaced
	For   time.Duration // how long events fall due
	Drain time.Duration // how long to wait for what is missing after that
}

// Result is what became of a Plan.
type Result struct {
	Sent      int // events published
	Delivered int // events that reached a reader
	Missing   int // deliveries that did not happen, of readers cut off too
	Damaged   int // readers with as many events as were due, but other ones
	Cut       int // readers whose connection ended
	Reads     int // reads that brought an event
	Took      time.Duration
	Latency   Histogram // from when an event was due to when a reader had it

	last time.Duration
}

// Throughput is deliveries a second, from the first due event to the last delivery.
func (r *Result) Throughput() float64 { return float64(r.Delivered) / r.Took.Seconds() }

// Whole reports whether every reader got every event and was left connected.
func (r *Result) Whole() bool { return r.Missing == 0 && r.Damaged == 0 && r.Cut == 0 }

var errTooMany = errors.New("load: more events than one generator can number")

// Run publishes by the plan, the i-th event to channel i modulo channels, and
// waits until all readers have all events or the plan gives up.
func (g *Generator) Run(p Plan) (*Result, error) {
	total := max(1, int(p.Rate*p.For.Seconds()))
	if g.seq+total > maxSeq {
		return nil, errTooMany
	}
	g.tally, g.from = &Result{}, g.seq
	for i := range g.readers {
		g.readers[i].got, g.readers[i].sum = 0, 0
	}
	begin := time.Since(g.start).Truncate(time.Microsecond) + time.Millisecond
	due := func(i int) time.Duration {
		return begin + time.Duration(float64(i)/p.Rate*float64(time.Second))
	}
	expected, sums := g.expect(total)
	giveUp := due(total-1) + p.Drain
	for next := 0; ; {
		now := time.Since(g.start)
		if now > giveUp || next == total && g.tally.Delivered >= expected && len(g.free) == len(g.pubs) {
			break
		}
		for next < total && len(g.free) > 0 && due(next) <= now {
			if err := g.publish((g.from+next)%g.channels, newWord(due(next), g.from+next)); err != nil {
				return nil, err
			}
			next++
		}
		most := giveUp - now
		if next < total && len(g.free) > 0 {
			most = due(next) - now
		}
		if err := g.wait(most); err != nil {
			return nil, err
		}
		g.tally.Sent = next
	}
	g.seq += total
	return g.result(begin, total, sums), nil
}

func (g *Generator) publish(channel int, w word) error {
	i := g.free[len(g.free)-1]
	g.free = g.free[:len(g.free)-1]
	g.pubs[i].request(g.host, channel, w)
	return g.flush(i)
}

// expected is what the readers of a channel should have got.
type expected struct {
	events int
	sum    uint64
}

// expect says how many deliveries the next events make, and what the readers
// of each channel should have got by then.
func (g *Generator) expect(total int) (deliveries int, each []expected) {
	each = make([]expected, g.channels)
	for seq := g.seq; seq < g.seq+total; seq++ {
		e := &each[seq%g.channels]
		e.events++
		e.sum += newWord(0, seq).check()
	}
	for i := range g.readers {
		deliveries += each[i%g.channels].events
	}
	return deliveries, each
}

func (g *Generator) result(begin time.Duration, total int, each []expected) *Result {
	r := g.tally
	g.tally = nil
	r.Took = max(r.last-begin, time.Microsecond)
	for i := range g.readers {
		want := each[i%g.channels]
		reader := &g.readers[i]
		r.Missing += max(0, want.events-reader.got)
		if reader.got >= want.events && reader.sum != want.sum {
			r.Damaged++
		}
	}
	return r
}

package leases

import "time"

// Bill is what a day's connections come to.
type Bill struct {
	Connections int
	Paid        time.Duration // for which the host is paid
	Unread      time.Duration // of it, after the reader had left
	Hidden      time.Duration // of it, read by a page that nobody sees
	Away        time.Duration // in which a page was there and not connected, so that events waited
	LongestAway time.Duration
}

// Rule gives leases.
type Rule struct {
	Name string
	// Lease returns when a connection that begins at from ends if its reader
	// stays, and when the reader comes back. events are those of the channel
	// after from. It may draw: ends are spread.
	Lease func(from time.Duration, events []time.Duration) (to, back time.Duration)
}

// sayGoodbye is how long a goodbye takes to end a stream: the beacon's way, the
// append to the mailbox, and one poll.
const sayGoodbye = 500 * time.Millisecond

// Play adds up a day under a rule. goodbye: the client says when it leaves, if
// it can.
func Play(visits []Visit, rule Rule, goodbye bool) Bill {
	var b Bill
	for i := range visits {
		v := &visits[i]
		for first := 0; first < len(v.Spans); first++ {
			if v.Spans[first].State == Gone {
				continue
			}
			last := first
			for v.Spans[last].State != Gone {
				last++
			}
			b.stay(v, rule, first, last, goodbye)
			first = last
		}
	}
	return b
}

// stay adds the connections of a page that is there from its span first until
// span last, in which it is gone.
func (b *Bill) stay(v *Visit, rule Rule, first, last int, goodbye bool) {
	from, until := v.Spans[first].From, v.Spans[last].From
	for at := from; at < until; {
		end, back := rule.Lease(at, v.after(at))
		b.Connections++
		b.Paid += end - at
		b.hidden(v.Spans[first:last], at, end)
		if end > until {
			over := end - until
			if goodbye && v.Spans[last].Said && over > sayGoodbye {
				b.Paid -= over - sayGoodbye
				over = sayGoodbye
			}
			b.Unread += over
			return
		}
		away := min(back, until) - end
		b.Away += away
		b.LongestAway = max(b.LongestAway, away)
		at = back
	}
}

// hidden adds how much of a connection's time falls into hidden spans.
func (b *Bill) hidden(spans []Span, from, to time.Duration) {
	for _, s := range spans {
		if s.State == Hidden {
			b.Hidden += max(0, min(to, s.To)-max(from, s.From))
		}
	}
}

// Prices of the host, in dollars.
const (
	// PricesOf says where and when: see the report.
	PricesOf = "us-east-1 list prices, collected 2026-11-23 from price pages of third parties; check them before quoting"

	gbSecond    = 0.0000133334 // Lambda, arm64
	memoryGB    = 0.125
	perRequest  = 0.20e-6  // Lambda
	writeUnit   = 0.625e-6 // DynamoDB on demand
	readUnit    = 0.125e-6
	joinUnits   = 14.0 // 7 items, which count twice in a transaction: the lease, the connection, its places on a channel and with its user, the counters of channel, user and address
	leaveUnits  = 12.0 // the same without the lease
	pollsASec   = 2.0  // heads of a quiet channel: package tail's interval, doubled
	readsAPoll  = 1.0  // two heads, eventually consistent: the channel's and the mailbox's
	renewsASec  = 1.0 / 15
	startSecond = 0.1 // billed before the first byte, an assumption
)

// Lambda is what the function costs.
func (b Bill) Lambda() float64 {
	billed := b.Paid.Seconds() + startSecond*float64(b.Connections)
	return billed*memoryGB*gbSecond + float64(b.Connections)*perRequest
}

// Dynamo is what the table costs, for one connection in a process, which is the
// dearest way.
func (b Bill) Dynamo() float64 {
	s := b.Paid.Seconds()
	return float64(b.Connections)*(joinUnits+leaveUnits)*writeUnit + s*renewsASec*writeUnit + s*pollsASec*readsAPoll*readUnit
}

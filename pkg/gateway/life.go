package gateway

import (
	"context"
	"errors"
	"time"

	"github.com/runnel-sse/runnel/pkg/schema"
)

// The planned ends of a stream; words for the log.
var (
	errLife    = errors.New("planned end")
	errParked  = errors.New("parked")
	errExpired = errors.New("token expired")
)

// terms are what the streams of a connection, and their budgets, let it have
// within its longest life.
type terms struct {
	quiet        time.Duration // a quiet connection ends after it; 0: it does not
	open, closed time.Duration // economy: it ends after open, and its reader stays away for closed
	budget       pressure      // why, when it is for the budget
}

// terms of a connection that reads these streams. Only where all of them can
// wait is its reader parked, and only as long as the most impatient says.
func (g *Gateway) terms(streams []*schema.Stream, now time.Time) terms {
	t := terms{quiet: g.cfg.QuietLife}
	parked := len(streams) > 0
	var open, closed time.Duration
	for _, s := range streams {
		p, spent := g.purse.pressure(s, now)
		t.budget = max(t.budget, p)
		e := economyOf(s, p, spent)
		if e == nil {
			parked = false
			continue
		}
		open = max(open, e.Open)
		if closed == 0 || e.Closed < closed {
			closed = e.Closed
		}
	}
	switch {
	case parked:
		t.quiet, t.open, t.closed = 0, open, closed
	case t.budget > relaxed:
		t.budget = short
		if t.quiet == 0 || t.quiet > shortLife {
			t.quiet = shortLife
		}
	}
	return t
}

// longest is how long a stream of the request may be, whatever comes.
func (g *Gateway) longest(ctx context.Context) time.Duration {
	if deadline, ok := ctx.Deadline(); ok {
		return max(0, min(g.cfg.MaxLife, time.Until(deadline)-g.cfg.Margin))
	}
	return g.cfg.MaxLife
}

// lease is how long a stream with these terms is at most while nothing comes, and
// in no case longer than most.
func (t terms) lease(most time.Duration) time.Duration {
	for _, d := range []time.Duration{t.open, t.quiet} {
		if d > 0 {
			return min(d, most)
		}
	}
	return most
}

// life is when a connection ends if nothing else ends it: the earliest of its
// longest life, its lease and its token. It goes by the clock that nobody can
// set, and for the token by the other one too, whichever is sooner.
type life struct {
	most    time.Time // the longest
	lease   time.Time // ends while nothing comes; zero: it has none
	expires time.Time // of the token; zero: never
	wall    time.Time // the same, as the token says it
	terms   terms
}

// newLife begins at now. Ends are random within a fifth, so that connections
// that came together do not end together.
func newLife(now time.Time, most time.Duration, t terms, expires time.Time) life {
	l := life{most: now.Add(between(most*8/10, most))}
	l.apply(now, t)
	l.extend(now, expires)
	return l
}

// apply has other terms count from now on. Between two kinds of economy a lease
// that runs goes on.
func (l *life) apply(now time.Time, t terms) {
	before := l.terms
	l.terms = t
	switch {
	case t == before, t.open > 0 && before.open > 0:
	case t.open > 0:
		l.lease = now.Add(between(t.open*8/10, t.open))
	default:
		l.lease = time.Time{}
		l.busy(now)
	}
}

// busy says that something came: a lease begins anew. Not where readers are
// parked, however much comes.
func (l *life) busy(now time.Time) {
	if q := l.terms.quiet; q > 0 {
		l.lease = now.Add(between(q*8/10, q))
	}
}

// extend has the token end at another time; zero: never.
func (l *life) extend(now, expires time.Time) {
	l.wall, l.expires = expires, time.Time{}
	if !expires.IsZero() {
		l.expires = now.Add(expires.Sub(now.Round(0)))
	}
}

// token is when the token ends, as a reader is told; nil: never.
func (l *life) token() *time.Time {
	if l.wall.IsZero() {
		return nil
	}
	at := l.wall.UTC()
	return &at
}

// end is the earliest end.
func (l *life) end() time.Time {
	at := l.most
	for _, t := range []time.Time{l.lease, l.expires} {
		if !t.IsZero() && t.Before(at) {
			at = t
		}
	}
	return at
}

// over returns why the connection has to end now, if it has to. A reader that is
// still catching up is not sent away for its lease.
func (l *life) over(now time.Time, catchingUp bool) error {
	switch {
	case !l.wall.IsZero() && (!now.Before(l.expires) || !now.Round(0).Before(l.wall)):
		return errExpired
	case !now.Before(l.most):
		return errLife
	case catchingUp || l.lease.IsZero() || now.Before(l.lease):
		return nil
	case l.terms.open > 0:
		return errParked
	}
	return errLife
}

// away is how long a reader whose stream ends in the planned way stays away, if
// it goes alone.
func (l *life) away(why error) time.Duration {
	if errors.Is(why, errParked) {
		return between(l.terms.closed, l.terms.closed*11/10)
	}
	return between(50*time.Millisecond, time.Second)
}

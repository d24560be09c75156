package gateway

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/runnel-sse/runnel/pkg/obs"
	"github.com/runnel-sse/runnel/pkg/schema"
	"github.com/runnel-sse/runnel/pkg/subscriber"
)

// pressure is how hard a stream's budget presses.
type pressure int

const (
	relaxed pressure = iota
	short            // leases are short
	economy          // readers are parked
)

// When a budget presses, as parts of it, and what it does then. From economyAt on
// readers come the more seldom and for the shorter, the less is left, as if at
// fullAt nothing were: nobody is turned away, and what is left then is for those
// who open a page.
const (
	shortAt   = 0.75
	economyAt = 0.90
	fullAt    = 0.99

	shortLife  = 30 * time.Second
	shortVisit = 5 * time.Second

	// openWhile and closedWhile are the economy of a stream that declares none.
	openWhile   = 25 * time.Second
	closedWhile = 60 * time.Second

	settleEvery = time.Minute // what was spent is written down
)

// String is the word for a reader; relaxed needs none.
func (p pressure) String() string { return [...]string{"", "short", "economy"}[p] }

// economyOf is the economy that the stream is in, if it is: its own, or its
// budget's. spent is the part of the budget that is gone.
func economyOf(s *schema.Stream, p pressure, spent float64) *schema.Economy {
	e := schema.Economy{Open: openWhile, Closed: closedWhile}
	if s.Economy != nil {
		e = *s.Economy
	}
	switch {
	case p == economy:
		left := max(fullAt-spent, 1e-6) / (fullAt - economyAt)
		e.Open = max(min(e.Open, shortVisit), time.Duration(float64(e.Open)*left))
		e.Closed = max(e.Closed, min(time.Duration(float64(e.Closed)/left), maxAway))
	case s.Economy == nil:
		return nil
	}
	return &e
}

// purse knows what the streams with a budget have spent this month: what the
// registry said last, and what this process's connections have spent since. It
// asks and writes once a minute for all of them together.
type purse struct {
	registry subscriber.Budget
	metrics  obs.Metrics
	log      *slog.Logger

	settling sync.Mutex // one at a time; taken before mu

	mu       sync.Mutex
	accounts map[string]*account // by stream
}

// account is of one stream.
type account struct {
	budget time.Duration
	month  string
	spent  time.Duration // of all processes, as the registry said
	asked  time.Time     // when it did; zero: never
	owed   time.Duration // of this process, not written down yet
	open   int           // its connections
	since  time.Time     // they are counted up to here
}

func newPurse(r subscriber.Budget, m obs.Metrics, log *slog.Logger) *purse {
	return &purse{registry: r, metrics: m, log: log, accounts: map[string]*account{}}
}

// tally counts the open connections' time up to now. What lies around the end of
// a month counts for the new one.
func (a *account) tally(now time.Time) {
	a.owed += time.Duration(a.open) * now.Sub(a.since)
	a.since = now
	if month := now.UTC().Format("2006-01"); month != a.month {
		a.month, a.spent, a.asked = month, 0, time.Time{}
	}
}

func (a *account) part() float64 { return float64(a.spent+a.owed) / float64(a.budget) }

// keeps reports whether there is an account for the stream to be kept.
func (p *purse) keeps(s *schema.Stream) bool { return s.Budget > 0 && p.registry != nil }

// enter counts a connection for each of the streams that has a budget, from now
// until leave.
func (p *purse) enter(ctx context.Context, streams []*schema.Stream) {
	for _, s := range streams {
		if p.keeps(s) && p.change(s, 1) {
			p.ask(ctx, s.Name)
		}
	}
}

// leave is the end of enter. The last one writes down what was spent, since its
// host may freeze the process now.
func (p *purse) leave(ctx context.Context, streams []*schema.Stream) {
	last := false
	for _, s := range streams {
		if p.keeps(s) {
			p.change(s, -1)
			last = last || p.idle()
		}
	}
	if last {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), registryTimeout)
		defer cancel()
		p.settle(ctx)
	}
}

// change reports whether the registry was not asked for long, and so has to be
// by the caller: by one of many that come together.
func (p *purse) change(s *schema.Stream, by int) (stale bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	a := p.accounts[s.Name]
	if a == nil {
		a = &account{budget: s.Budget, since: now}
		p.accounts[s.Name] = a
	}
	a.tally(now)
	a.open += by
	if by < 0 || now.Sub(a.asked) < settleEvery {
		return false
	}
	a.asked = now
	return true
}

func (p *purse) idle() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, a := range p.accounts {
		if a.open > 0 {
			return false
		}
	}
	return true
}

// ask learns what the others have spent. Where the registry does not say, what
// is known has to do: a budget is no reason to turn a reader away.
func (p *purse) ask(ctx context.Context, stream string) {
	p.mu.Lock()
	month := p.accounts[stream].month
	p.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	total, err := p.registry.Spent(ctx, stream, month)
	p.note(ctx, stream, month, total, err)
}

// settle writes down what is owed.
func (p *purse) settle(ctx context.Context) {
	p.settling.Lock()
	defer p.settling.Unlock()
	type debt struct {
		stream, month string
		seconds       int64
	}
	var debts []debt
	p.mu.Lock()
	for name, a := range p.accounts {
		a.tally(time.Now())
		if n := int64(a.owed / time.Second); n > 0 {
			debts = append(debts, debt{name, a.month, n})
		}
	}
	p.mu.Unlock()
	for _, d := range debts {
		total, err := p.registry.Spend(ctx, d.stream, d.month, d.seconds)
		if err == nil { // else it is owed still; what counted twice saves money
			p.mu.Lock()
			p.accounts[d.stream].owed -= time.Duration(d.seconds) * time.Second
			p.mu.Unlock()
		}
		p.note(ctx, d.stream, d.month, total, err)
	}
}

func (p *purse) note(ctx context.Context, stream, month string, total int64, err error) {
	if err != nil {
		p.log.LogAttrs(ctx, slog.LevelWarn, "gateway: what a stream has spent is not known, trying again", obs.Stream(stream), obs.Err(err))
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if a := p.accounts[stream]; a.month == month {
		a.spent, a.asked = time.Duration(total)*time.Second, time.Now()
	}
	highest := 0.0
	for _, a := range p.accounts {
		highest = max(highest, a.part())
	}
	p.metrics.Set(obs.BudgetSpent, 100*highest)
}

// pressure is how hard the stream's budget presses, and the part that is gone.
func (p *purse) pressure(s *schema.Stream, now time.Time) (pressure, float64) {
	if !p.keeps(s) {
		return relaxed, 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	a := p.accounts[s.Name]
	if a == nil {
		return relaxed, 0
	}
	a.tally(now)
	switch part := a.part(); {
	case part >= economyAt:
		return economy, part
	case part >= shortAt:
		return short, part
	default:
		return relaxed, part
	}
}

// run settles once a minute until ctx is done. It writes nothing while nothing
// is spent.
func (p *purse) run(ctx context.Context) {
	tick := time.NewTicker(settleEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			p.settle(ctx)
		}
	}
}

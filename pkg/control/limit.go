package control

import (
	"sync"
	"time"
)

// maxAddresses bounds what a limiter remembers, twice: about 2 MB in all. An
// address that is forgotten begins with a full bucket again, so somebody with
// more addresses than that is not held up by it.
const maxAddresses = 10_000

// limiter is a token bucket for each address.
type limiter struct {
	rate  float64 // tokens a second
	burst float64
	most  int
	now   func() time.Time

	mu    sync.Mutex
	young map[string]bucket // seen since the turn
	old   map[string]bucket // before it
}

type bucket struct {
	tokens float64
	at     time.Time
}

func newLimiter(rate, burst, most int, now func() time.Time) *limiter {
	return &limiter{rate: float64(rate), burst: float64(burst), most: most, now: now, young: map[string]bucket{}}
}

// take takes a token, or says how long until there is one. An address that is
// not known has no bucket: there is nobody to count.
func (l *limiter) take(address string) (wait time.Duration) {
	if address == "" || l.rate < 0 || l.burst < 0 {
		return 0
	}
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	b, ok := l.young[address]
	if !ok {
		if b, ok = l.old[address]; !ok {
			b = bucket{l.burst, now}
		}
		if len(l.young) >= l.most {
			l.young, l.old = make(map[string]bucket, l.most), l.young
		}
	}
	b.tokens = min(l.burst, b.tokens+max(0, now.Sub(b.at).Seconds())*l.rate)
	b.at = now
	if b.tokens < 1 {
		wait = time.Duration((1 - b.tokens) / l.rate * float64(time.Second))
	} else {
		b.tokens--
	}
	l.young[address] = b
	return wait
}

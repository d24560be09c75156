package gateway

import (
	"sync"
	"time"
)

// returnsPerSecond is how many readers whose streams this process ends come back
// within one second, at most, wherever they come back to.
const returnsPerSecond = 1000

// spread is how far apart that many readers come back.
func spread(readers int) time.Duration {
	return time.Duration(readers) * time.Second / returnsPerSecond
}

// returns gives each reader that is sent away its turn to come back: one who
// goes alone at once, many who go together one after the other. What they miss
// meanwhile waits for them in the log.
type returns struct {
	mu   sync.Mutex
	next time.Time // the next free turn
}

// turn is how long the next reader has to wait for its turn.
func (r *returns) turn(now time.Time) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.next.Before(now) {
		r.next = now
	}
	wait := r.next.Sub(now)
	r.next = r.next.Add(spread(1))
	return wait
}

// afterFault is when a reader comes back by itself whose stream breaks: since it
// may break with all others of this process, the more there are, the later.
func (g *Gateway) afterFault() time.Duration {
	return between(g.cfg.Retry, g.cfg.Retry*5/2) + between(0, spread(g.Open()-1))
}

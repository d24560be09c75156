package memory

import (
	"context"
	"sync"

	"github.com/runnel-sse/runnel/pkg/eventlog"
)

// bellRoom is how many rings a listener may lag before it loses the oldest.
const bellRoom = 256

// Bell is an eventlog.Bell within the process.
type Bell struct {
	mu        sync.Mutex
	listeners map[chan eventlog.Ring]struct{}
}

var _ eventlog.Bell = (*Bell)(nil)

// NewBell returns a bell that nobody listens to yet.
func NewBell() *Bell {
	return &Bell{listeners: map[chan eventlog.Ring]struct{}{}}
}

// Ring is eventlog.Bell's. It never waits: a listener that lags loses its
// oldest rings.
func (b *Bell) Ring(_ context.Context, r eventlog.Ring) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for l := range b.listeners {
		for sent := false; !sent; {
			select {
			case l <- r:
				sent = true
			default:
				select {
				case <-l:
				default: // the listener was quicker
				}
			}
		}
	}
}

// Listen is eventlog.Bell's.
func (b *Bell) Listen(ctx context.Context) <-chan eventlog.Ring {
	l := make(chan eventlog.Ring, bellRoom)
	b.mu.Lock()
	b.listeners[l] = struct{}{}
	b.mu.Unlock()
	context.AfterFunc(ctx, func() {
		// Under mu nobody is sending.
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.listeners, l)
		close(l)
	})
	return l
}

package dynamo

import (
	"context"
	"sync"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/eventlog"
)

// maxLanes bounds the channels whose heads are remembered.
const maxLanes = 4096

// lanes make the appends of one process to one channel go one after the other,
// instead of fighting each other in the table, and remember where the last one
// ended, so that the next one needs no read.
type lanes struct {
	mu  sync.Mutex
	all map[channel.Name]*lane // guarded by mu
}

type lane struct {
	turn  chan struct{} // capacity 1: a token for whoever appends
	users int           // guarded by lanes.mu

	// for whoever has the token
	head  eventlog.Position // zero: the channel has no head
	known bool
}

// enter waits for the channel's lane. leave must be called.
func (l *lanes) enter(ctx context.Context, ch channel.Name) (*lane, error) {
	l.mu.Lock()
	la := l.all[ch]
	if la == nil {
		l.evict()
		la = &lane{turn: make(chan struct{}, 1)}
		l.all[ch] = la
	}
	la.users++
	l.mu.Unlock()
	select {
	case la.turn <- struct{}{}:
		return la, nil
	case <-ctx.Done():
		l.mu.Lock()
		la.users--
		l.mu.Unlock()
		return nil, ctx.Err()
	}
}

func (l *lanes) leave(la *lane) {
	<-la.turn
	l.mu.Lock()
	la.users--
	l.mu.Unlock()
}

// evict makes room for one more. The caller holds mu.
func (l *lanes) evict() {
	if len(l.all) < maxLanes {
		return
	}
	for ch, la := range l.all {
		if la.users == 0 {
			delete(l.all, ch)
			return
		}
	}
}

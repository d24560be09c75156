package auth

import (
	"container/heap"
	"context"
	"fmt"
	"sync"
	"time"
)

// NewOnce returns a Once for a program of one process. It remembers at most
// limit ids that have not run out, about 100 bytes each; when it is full it
// knows nothing of others, which is ErrUnavailable, and forgets none.
func NewOnce(limit int, now func() time.Time) Once {
	return &memory{limit: limit, now: now, seen: map[string]bool{}}
}

type memory struct {
	limit int
	now   func() time.Time

	mu   sync.Mutex
	seen map[string]bool // guarded by mu
	ends endings         // guarded by mu; the same ids, the first to run out on top
}

func (m *memory) First(_ context.Context, id string, until time.Time) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.seen[id] {
		return false, nil
	}
	now := m.now()
	for len(m.ends) > 0 && !now.Before(m.ends[0].until) {
		delete(m.seen, heap.Pop(&m.ends).(ending).id)
	}
	if len(m.ends) >= m.limit {
		return false, fmt.Errorf("auth: %w: %d single-use tickets are remembered already", ErrUnavailable, m.limit)
	}
	m.seen[id] = true
	heap.Push(&m.ends, ending{until, id})
	return true, nil
}

type ending struct {
	until time.Time
	id    string
}

// endings is a heap.Interface.
type endings []ending

func (e endings) Len() int           { return len(e) }
func (e endings) Less(i, j int) bool { return e[i].until.Before(e[j].until) }
func (e endings) Swap(i, j int)      { e[i], e[j] = e[j], e[i] }
func (e *endings) Push(x any)        { *e = append(*e, x.(ending)) }

func (e *endings) Pop() any {
	last := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return last
}

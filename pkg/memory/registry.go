package memory

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/subscriber"
)

// rememberLapsed is how long a name that has lapsed stays refused. Names are
// unique for ever, so this only has to outlast a process that stood still.
const rememberLapsed = 24 * time.Hour

// RegistryOptions are the settings of a registry.
type RegistryOptions struct {
	// Now is the clock; nil: time.Now.
	Now func() time.Time
}

// Registry is who is connected, in the memory of the process.
type Registry struct {
	now func() time.Time

	mu        sync.Mutex
	channels  map[channel.Name]map[string]subscriber.Subscriber // by connection id
	processes map[string]*process
}

var (
	_ subscriber.Registry = (*Registry)(nil)
	_ subscriber.Reaper   = (*Registry)(nil)
)

// process is a lease and what lives by it. One that has lapsed stays for a
// while without members, so that its name is not taken again.
type process struct {
	until   time.Time
	members map[member]struct{}
}

type member struct {
	channel    channel.Name
	connection string
}

func (p *process) lapsed(now time.Time) bool { return !now.Before(p.until) }

// NewRegistry returns an empty registry.
func NewRegistry(o RegistryOptions) *Registry {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Registry{
		now:       o.Now,
		channels:  map[channel.Name]map[string]subscriber.Subscriber{},
		processes: map[string]*process{},
	}
}

// Renew is subscriber.Registry's.
func (r *Registry) Renew(ctx context.Context, name string, until time.Time) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("memory: renew %s: %w", name, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.processes[name]
	switch {
	case p == nil:
		r.processes[name] = &process{until: until, members: map[member]struct{}{}}
	case p.lapsed(r.now()):
		return fmt.Errorf("memory: renew %s: %w", name, subscriber.ErrLapsed)
	default:
		p.until = until
	}
	return nil
}

// Join is subscriber.Registry's.
func (r *Registry) Join(ctx context.Context, c subscriber.Connection, _ subscriber.Limits) ([]subscriber.News, error) {
	err := ctx.Err()
	if err == nil {
		err = r.join(c)
	}
	if err != nil {
		return nil, fmt.Errorf("memory: join %s: %w", c.ID, err)
	}
	return nil, nil
}

func (r *Registry) join(c subscriber.Connection) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	p := r.processes[c.Process]
	if p == nil || p.lapsed(now) {
		return subscriber.ErrLapsed
	}
	for _, s := range c.Seats {
		if s.Limit > 0 && !r.room(s.Channel, c.ID, s.Limit, now) {
			return &subscriber.LimitError{What: subscriber.OfChannel, Channel: s.Channel, Limit: s.Limit}
		}
	}
	for _, s := range c.Seats {
		ch := s.Channel
		r.remove(ch, c.ID) // it may live by another lease so far
		if r.channels[ch] == nil {
			r.channels[ch] = map[string]subscriber.Subscriber{}
		}
		r.channels[ch][c.ID] = subscriber.Subscriber{
			Connection: c.ID, Process: c.Process, User: c.User, Joined: c.Joined.UTC().Truncate(time.Millisecond),
		}
		p.members[member{ch, c.ID}] = struct{}{}
	}
	return nil
}

// room reports whether the channel has, or can be given, a place for the connection.
func (r *Registry) room(ch channel.Name, connection string, limit int, now time.Time) bool {
	if _, there := r.channels[ch][connection]; there || len(r.channels[ch]) < limit {
		return true
	}
	for id, s := range r.channels[ch] {
		if p := r.processes[s.Process]; p == nil || p.lapsed(now) {
			r.remove(ch, id)
		}
	}
	return len(r.channels[ch]) < limit
}

// remove forgets the connection on the channel and reports whether it was there.
func (r *Registry) remove(ch channel.Name, connection string) bool {
	s, there := r.channels[ch][connection]
	if !there {
		return false
	}
	delete(r.channels[ch], connection)
	if len(r.channels[ch]) == 0 {
		delete(r.channels, ch)
	}
	if p := r.processes[s.Process]; p != nil {
		delete(p.members, member{ch, connection})
	}
	return true
}

// Leave is subscriber.Registry's.
func (r *Registry) Leave(ctx context.Context, c subscriber.Connection) ([]subscriber.News, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("memory: leave %s: %w", c.ID, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range c.Seats {
		r.remove(s.Channel, c.ID)
	}
	return nil, nil
}

// Count is subscriber.Directory's.
func (r *Registry) Count(ctx context.Context, ch channel.Name) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, fmt.Errorf("memory: count %s: %w", ch, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.channels[ch]), nil
}

// List is subscriber.Directory's.
func (r *Registry) List(ctx context.Context, ch channel.Name, after string, limit int) ([]subscriber.Subscriber, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("memory: list %s: %w", ch, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []subscriber.Subscriber
	for _, id := range slices.Sorted(maps.Keys(r.channels[ch])) {
		if id > after && len(list) < limit {
			list = append(list, r.channels[ch][id])
		}
	}
	return list, nil
}

// Reap is subscriber.Reaper's.
func (r *Registry) Reap(ctx context.Context) (removed int, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	for name, p := range r.processes {
		if !p.lapsed(now) {
			continue
		}
		for m := range p.members {
			if err := ctx.Err(); err != nil {
				return removed, fmt.Errorf("memory: reap %s: %w", name, err)
			}
			r.remove(m.channel, m.connection)
			removed++
		}
		if now.Sub(p.until) > rememberLapsed {
			delete(r.processes, name)
		}
	}
	if err := ctx.Err(); err != nil {
		return removed, fmt.Errorf("memory: reap: %w", err)
	}
	return removed, nil
}

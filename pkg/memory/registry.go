package memory

import (
	"context"
	"fmt"
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

// Registry is who is connected, in the memory of the process. Its counters are
// the lengths of its maps.
type Registry struct {
	now func() time.Time

	mu          sync.Mutex // guards what follows
	connections set        // all
	channels    map[channel.Name]set
	users       map[string]set
	addresses   map[string]set
	processes   map[string]*process
	blocks      map[subscriber.Target]time.Time
	second      int64          // Unix time of connects
	connects    map[string]int // in this second, by address

	visits  map[channel.Name]map[string]*visit // by user
	present map[channel.Name]int               // visits that are not over
	news    map[string]subscriber.News         // the outbox, by id
	once    map[string]time.Time
	spent   map[month]int64
}

var _ subscriber.Storage = (*Registry)(nil)

// set is some connections, by id.
type set map[string]*connection

// connection is one that is there. It holds the seats that it has.
type connection struct {
	subscriber.Subscriber
	address string
	seats   map[channel.Name]subscriber.Seat
}

// process is a lease and what lives by it. One that has lapsed stays for a
// while without connections, so that its name is not taken again.
type process struct {
	until       time.Time
	connections set
}

func (p *process) lapsed(now time.Time) bool { return p == nil || !now.Before(p.until) }

// NewRegistry returns an empty registry.
func NewRegistry(o RegistryOptions) *Registry {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Registry{
		now:         o.Now,
		connections: set{},
		channels:    map[channel.Name]set{},
		users:       map[string]set{},
		addresses:   map[string]set{},
		processes:   map[string]*process{},
		blocks:      map[subscriber.Target]time.Time{},
		connects:    map[string]int{},
		visits:      map[channel.Name]map[string]*visit{},
		present:     map[channel.Name]int{},
		news:        map[string]subscriber.News{},
		once:        map[string]time.Time{},
		spent:       map[month]int64{},
	}
}

// do is one call: all of it under the lock, or none of it.
func (r *Registry) do(ctx context.Context, doing, what string, f func(now time.Time) error) error {
	err := ctx.Err()
	if err == nil {
		r.mu.Lock()
		err = f(r.now())
		r.mu.Unlock()
	}
	if err != nil {
		return fmt.Errorf("memory: %s %s: %w", doing, what, err)
	}
	return nil
}

// Renew is subscriber.Registry's.
func (r *Registry) Renew(ctx context.Context, name string, until time.Time) error {
	return r.do(ctx, "renew", name, func(now time.Time) error {
		switch p, known := r.processes[name]; {
		case !known:
			r.processes[name] = &process{until: until, connections: set{}}
		case p.lapsed(now):
			return subscriber.ErrLapsed
		default:
			p.until = until
		}
		return nil
	})
}

// Join is subscriber.Registry's.
func (r *Registry) Join(ctx context.Context, c subscriber.Connection, l subscriber.Limits) (news []subscriber.News, err error) {
	if err := c.Check(); err != nil {
		return nil, fmt.Errorf("memory: join: %w", err)
	}
	err = r.do(ctx, "join", c.ID, func(now time.Time) error {
		p := r.processes[c.Process]
		if p.lapsed(now) {
			return subscriber.ErrLapsed
		}
		have := r.connections[c.ID]
		if err := r.admit(c, have, l, now); err != nil {
			return err
		}
		if have == nil {
			have = r.enter(c)
		}
		if old := r.processes[have.Process]; old != nil {
			delete(old.connections, c.ID)
		}
		have.Process, p.connections[c.ID] = c.Process, have
		for _, s := range c.Distinct() {
			if _, there := have.seats[s.Channel]; !there {
				have.seats[s.Channel] = s
				put(r.channels, s.Channel, have)
				news = append(news, r.arrive(s, c.User, now)...)
			}
		}
		return nil
	})
	return news, err
}

// enter is for a connection that is new.
func (r *Registry) enter(c subscriber.Connection) *connection {
	have := &connection{
		Subscriber: subscriber.Subscriber{Connection: c.ID, Process: c.Process, User: c.User, Joined: milli(c.Joined)},
		address:    c.Address, seats: map[channel.Name]subscriber.Seat{},
	}
	r.connections[c.ID] = have
	if c.User != "" {
		put(r.users, c.User, have)
	}
	if c.Address != "" {
		put(r.addresses, c.Address, have)
		r.connects[c.Address]++
	}
	return have
}

// Leave is subscriber.Registry's.
func (r *Registry) Leave(ctx context.Context, c subscriber.Connection) (news []subscriber.News, err error) {
	err = r.do(ctx, "leave", c.ID, func(now time.Time) error {
		have := r.connections[c.ID]
		for _, s := range c.Seats {
			news = append(news, r.leave(have, s.Channel, s.Grace, now)...)
		}
		return nil
	})
	return news, err
}

// leave takes the connection from the channel, if it is there, and with the last
// one from everything.
func (r *Registry) leave(have *connection, ch channel.Name, grace time.Duration, now time.Time) []subscriber.News {
	if have == nil {
		return nil
	}
	seat, there := have.seats[ch]
	if !there {
		return nil
	}
	delete(have.seats, ch)
	drop(r.channels, ch, have.Connection)
	if len(have.seats) == 0 {
		delete(r.connections, have.Connection)
		drop(r.users, have.User, have.Connection)
		drop(r.addresses, have.address, have.Connection)
		if p := r.processes[have.Process]; p != nil {
			delete(p.connections, have.Connection)
		}
	}
	return r.depart(seat, have.User, grace, now)
}

// bury takes a dead connection from all of its channels, and returns from how many.
func (r *Registry) bury(have *connection, now time.Time) (seats int) {
	seats = len(have.seats)
	for ch := range have.seats {
		r.leave(have, ch, 0, now)
	}
	return seats
}

// Reap is subscriber.Reaper's.
func (r *Registry) Reap(ctx context.Context) (removed int, err error) {
	err = r.do(ctx, "reap", "the dead", func(now time.Time) error {
		r.forget(now)
		for name, p := range r.processes {
			if !p.lapsed(now) {
				continue
			}
			for _, c := range p.connections {
				if err := ctx.Err(); err != nil {
					return err
				}
				removed += r.bury(c, now)
			}
			if now.Sub(p.until) > rememberLapsed {
				delete(r.processes, name)
			}
		}
		return ctx.Err()
	})
	return removed, err
}

func put[K comparable](sets map[K]set, key K, c *connection) {
	if sets[key] == nil {
		sets[key] = set{}
	}
	sets[key][c.Connection] = c
}

func drop[K comparable](sets map[K]set, key K, id string) {
	delete(sets[key], id)
	if len(sets[key]) == 0 {
		delete(sets, key)
	}
}

// milli is a time as the ports give it.
func milli(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

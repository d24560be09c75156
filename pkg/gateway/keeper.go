package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/runnel-sse/runnel/pkg/obs"
	"github.com/runnel-sse/runnel/pkg/subscriber"
)

// registryTimeout bounds a call of the registry that no request waits for.
const registryTimeout = 5 * time.Second

// keeper keeps this process's connections in the registry: one lease for all of
// them, renewed while there are any, and a goodbye for each, said again until it
// is heard. A process whose lease has lapsed, because it was frozen or cut off,
// may have been forgotten: it takes a new name, and joins all it holds again.
type keeper struct {
	registry subscriber.Registry
	lease    time.Duration
	news     func(context.Context, []subscriber.News)
	evict    func(connection string, until time.Time) // ends a stream whose reader is kept out
	log      *slog.Logger
	wake     chan struct{} // capacity 1: there is something to do now

	renewing sync.Mutex // makes lease writes one at a time; taken before mu

	mu      sync.Mutex // guards what follows
	process string
	until   time.Time // the lease holds, by this process's clock
	moved   bool      // some of held are still under an earlier name
	held    map[string]subscriber.Connection
	owed    map[string]subscriber.Connection // goodbyes that were not heard
}

func newKeeper(
	r subscriber.Registry, lease time.Duration, news func(context.Context, []subscriber.News), evict func(string, time.Time), log *slog.Logger,
) *keeper {
	return &keeper{
		registry: r, lease: lease, news: news, evict: evict, log: log, process: newID(), wake: make(chan struct{}, 1),
		held: map[string]subscriber.Connection{}, owed: map[string]subscriber.Connection{},
	}
}

// join enters the connection, until leave.
func (k *keeper) join(ctx context.Context, c subscriber.Connection, l subscriber.Limits) error {
	// The lease comes first: at the first join, after a quiet time, after a freeze.
	if err := k.renew(ctx, k.lease/4); err != nil {
		return fmt.Errorf("gateway: lease: %w", err)
	}
	k.mu.Lock()
	c.Process = k.process
	first := len(k.held) == 0
	k.held[c.ID] = c
	k.mu.Unlock()
	if first {
		k.nudge()
	}
	news, err := k.registry.Join(ctx, c, l)
	if err != nil {
		if !refusedOutright(err) {
			k.owe(c) // its answer may be what was lost
		}
		k.forget(c.ID)
		return fmt.Errorf("gateway: join: %w", err)
	}
	k.tell(ctx, news)
	return nil
}

// refusedOutright reports whether a join certainly did nothing.
func refusedOutright(err error) bool {
	return errors.Is(err, subscriber.ErrFull) || errors.Is(err, subscriber.ErrBlocked)
}

// leave says goodbye although the request that it came with is over.
func (k *keeper) leave(ctx context.Context, id string) {
	c := k.forget(id)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), registryTimeout)
	defer cancel()
	news, err := k.registry.Leave(ctx, c)
	if err != nil {
		k.owe(c)
		return
	}
	k.tell(ctx, news)
}

// tell hands on who has come and gone.
func (k *keeper) tell(ctx context.Context, news []subscriber.News) {
	if len(news) > 0 {
		k.news(ctx, news)
	}
}

func (k *keeper) forget(id string) subscriber.Connection {
	k.mu.Lock()
	defer k.mu.Unlock()
	c := k.held[id]
	delete(k.held, id)
	return c
}

func (k *keeper) owe(c subscriber.Connection) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.owed[c.ID] = c
	k.nudge()
}

// nudge tells run that it is no longer idle.
func (k *keeper) nudge() {
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// renew takes the lease anew unless it holds for longer than enough already.
func (k *keeper) renew(ctx context.Context, enough time.Duration) error {
	k.renewing.Lock()
	defer k.renewing.Unlock()
	k.mu.Lock()
	process, until := k.process, k.until
	k.mu.Unlock()
	if time.Until(until) > enough {
		return nil
	}
	until = time.Now().Add(k.lease)
	err := k.registry.Renew(ctx, process, until)
	lapsed := errors.Is(err, subscriber.ErrLapsed)
	if lapsed {
		process = newID()
		err = k.registry.Renew(ctx, process, until)
	}
	if err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.process, k.until = process, until
	if lapsed {
		k.moved = true
		k.nudge()
	}
	return nil
}

// run renews the lease four times in its time while there are connections, and
// does what could not be done at first. It writes nothing while there are none.
func (k *keeper) run(ctx context.Context) error {
	timer := time.NewTimer(k.lease / 4)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-k.wake:
		case <-timer.C:
		}
		k.mu.Lock()
		idle := len(k.held)+len(k.owed) == 0
		k.mu.Unlock()
		if idle {
			timer.Stop()
			continue
		}
		timer.Reset(k.lease / 4)
		if err := k.tend(ctx); err != nil && ctx.Err() == nil {
			k.log.LogAttrs(ctx, slog.LevelWarn, "gateway: the registry does not keep up, trying again", obs.Err(err))
		}
	}
}

func (k *keeper) tend(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, max(registryTimeout, k.lease/4))
	defer cancel()
	if err := k.renew(ctx, k.lease*3/4); err != nil {
		return err
	}
	if err := k.rejoin(ctx); err != nil {
		return err
	}
	return k.pay(ctx)
}

// rejoin joins everything again that is held under an earlier name.
func (k *keeper) rejoin(ctx context.Context) error {
	var stale []subscriber.Connection
	k.mu.Lock()
	process := k.process
	if k.moved {
		for _, c := range k.held {
			if c.Process != process {
				stale = append(stale, c)
			}
		}
	}
	k.moved = len(stale) > 0
	k.mu.Unlock()
	if len(stale) == 0 {
		return nil
	}
	k.log.LogAttrs(ctx, slog.LevelWarn, "gateway: the lease had lapsed, joining again", obs.Count(len(stale)))
	for _, c := range stale {
		c.Process = process
		news, err := k.registry.Join(ctx, unlimited(c), subscriber.Limits{})
		var blocked *subscriber.BlockedError
		switch {
		case errors.As(err, &blocked):
			k.evict(c.ID, blocked.Until)
			k.log.LogAttrs(ctx, slog.LevelWarn, "gateway: not joined again", obs.Connection(c.ID), obs.Err(err))
		case err != nil:
			return err
		}
		k.mu.Lock()
		if held, still := k.held[c.ID]; still {
			held.Process = process
			k.held[c.ID] = held
		} else { // it left while it was joined
			k.owed[c.ID] = c
		}
		k.mu.Unlock()
		k.tell(ctx, news)
	}
	return nil
}

// unlimited is the connection with its seats, whoever took places meanwhile: it
// was let in once.
func unlimited(c subscriber.Connection) subscriber.Connection {
	c.Seats = slices.Clone(c.Seats)
	for i := range c.Seats {
		c.Seats[i].Limit = 0
	}
	return c
}

// pay says the goodbyes that are owed.
func (k *keeper) pay(ctx context.Context) error {
	k.mu.Lock()
	owed := slices.Collect(maps.Values(k.owed))
	k.mu.Unlock()
	for _, c := range owed {
		news, err := k.registry.Leave(ctx, c)
		if err != nil {
			return err
		}
		k.mu.Lock()
		delete(k.owed, c.ID)
		k.mu.Unlock()
		k.tell(ctx, news)
	}
	return nil
}

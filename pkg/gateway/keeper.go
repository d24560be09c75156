package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/runnel-sse/runnel/pkg/subscriber"
)

// registryTimeout bounds a call of the registry that no request waits for.
const registryTimeout = 5 * time.Second

// keeper keeps this process's connections in the registry: one lease for all of
// them, renewed while there are any, and a goodbye for each, said again until it
// is heard. A process whose lease has lapsed, because it was frozen or cut off,
// may have been forgotten: it comes back under a new name with all it holds.
type keeper struct {
	registry subscriber.Registry
	lease    time.Duration
	log      *slog.Logger
	wake     chan struct{} // capacity 1: there is something to keep

	// renewing makes lease writes one at a time; taken before mu.
	renewing sync.Mutex

	mu      sync.Mutex
	process string
	until   time.Time // the lease holds, by this process's clock
	held    map[string]subscriber.Connection
	owed    map[string]subscriber.Connection // goodbyes that were not heard
}

func newKeeper(r subscriber.Registry, lease time.Duration, log *slog.Logger) *keeper {
	return &keeper{
		registry: r, lease: lease, log: log, process: newID(), wake: make(chan struct{}, 1),
		held: map[string]subscriber.Connection{}, owed: map[string]subscriber.Connection{},
	}
}

// join enters the connection and returns the way out, to be called once.
func (k *keeper) join(ctx context.Context, c subscriber.Connection) (leave func(), err error) {
	if err := k.alive(ctx); err != nil {
		return nil, err
	}
	k.mu.Lock()
	c.Process = k.process
	k.held[c.ID] = c
	k.mu.Unlock()
	k.nudge()
	if err := k.registry.Join(ctx, c, 0); err != nil {
		if !errors.Is(err, subscriber.ErrFull) {
			k.owe(c) // its answer may be what was lost
		}
		k.forget(c.ID)
		return nil, fmt.Errorf("gateway: join: %w", err)
	}
	return func() { k.leave(ctx, c.ID) }, nil
}

// leave says goodbye although the request that it came with is over.
func (k *keeper) leave(ctx context.Context, id string) {
	c := k.forget(id)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), registryTimeout)
	defer cancel()
	if err := k.registry.Leave(ctx, c); err != nil {
		k.owe(c)
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

// alive makes sure of the lease before something is entered under it: at first,
// after a quiet time, after a freeze.
func (k *keeper) alive(ctx context.Context) error {
	k.mu.Lock()
	ok := time.Until(k.until) > k.lease/4
	k.mu.Unlock()
	if ok {
		return nil
	}
	if err := k.renew(ctx, k.lease/4); err != nil {
		return fmt.Errorf("gateway: lease: %w", err)
	}
	return nil
}

// renew takes the lease anew unless it holds for longer than enough already.
func (k *keeper) renew(ctx context.Context, enough time.Duration) error {
	k.renewing.Lock()
	defer k.renewing.Unlock()
	k.mu.Lock()
	process, until := k.process, k.until
	k.mu.Unlock()
	if time.Until(until) > enough {
		return nil // somebody else has just done it
	}
	until = time.Now().Add(k.lease)
	err := k.registry.Renew(ctx, process, until)
	if errors.Is(err, subscriber.ErrLapsed) {
		process = newID()
		if err = k.registry.Renew(ctx, process, until); err == nil {
			err = k.move(ctx, process)
		}
	}
	if err != nil {
		return err
	}
	k.mu.Lock()
	k.process, k.until = process, until
	k.mu.Unlock()
	return nil
}

// move enters everything held under the new name.
func (k *keeper) move(ctx context.Context, process string) error {
	k.mu.Lock()
	k.process = process
	moved := make([]subscriber.Connection, 0, len(k.held))
	for id, c := range k.held {
		c.Process = process
		k.held[id] = c
		moved = append(moved, c)
	}
	k.mu.Unlock()
	k.log.LogAttrs(ctx, slog.LevelWarn, "gateway: lease had lapsed, joining again", slog.Int("connections", len(moved)))
	for _, c := range moved {
		if err := k.registry.Join(ctx, c, 0); err != nil {
			return err
		}
		k.mu.Lock()
		_, still := k.held[c.ID]
		k.mu.Unlock()
		if !still { // it left while it was moved
			k.owe(c)
		}
	}
	return nil
}

// run renews the lease four times in its time while there are connections, and
// pays the goodbyes that are owed. It writes nothing while there are none.
func (k *keeper) run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		wake := k.wake
		if !k.idle() {
			k.tend(ctx)
			timer.Reset(k.lease / 4)
			wake = nil // only the timer
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-wake:
		case <-timer.C:
		}
	}
}

func (k *keeper) idle() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.held)+len(k.owed) == 0
}

func (k *keeper) tend(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, max(registryTimeout, k.lease/4))
	defer cancel()
	if err := k.renew(ctx, k.lease*7/8); err != nil && ctx.Err() == nil {
		k.log.LogAttrs(ctx, slog.LevelWarn, "gateway: lease not renewed", slog.Any("error", err))
	}
	k.mu.Lock()
	owed := make([]subscriber.Connection, 0, len(k.owed))
	for _, c := range k.owed {
		owed = append(owed, c)
	}
	k.mu.Unlock()
	for _, c := range owed {
		if err := k.registry.Leave(ctx, c); err != nil {
			return
		}
		k.mu.Lock()
		delete(k.owed, c.ID)
		k.mu.Unlock()
	}
}

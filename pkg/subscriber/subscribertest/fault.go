package subscribertest

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/subscriber"
)

var faultCases = map[string]func(*testing.T, fixture){
	"counters through crashes, throttles and lost answers": countersThroughFaults,
}

// story is what was said of a user on a channel, as a log has it: each id once.
type story struct {
	mu   sync.Mutex
	ids  map[string]bool
	told map[channel.Name]map[string][]string // kinds
}

func (s *story) tell(n subscriber.News) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ids[n.ID] {
		return
	}
	s.ids[n.ID] = true
	if s.told[n.Channel] == nil {
		s.told[n.Channel] = map[string][]string{}
	}
	s.told[n.Channel][n.User] = append(s.told[n.Channel][n.User], n.Kind)
}

// countersThroughFaults: workers do what gateways do, on registries that throttle
// and lose answers, and crash in the middle of it, while two say what is due.
// After each round every counter is what it counts; in the end all is back at
// nothing, and each user's story on each channel is joined, left, joined, left.
func countersThroughFaults(t *testing.T, f fixture) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	const rounds, workers, steps = 3, 6, 14
	s := &story{ids: map[string]bool{}, told: map[channel.Name]map[string][]string{}}
	for round := range rounds {
		var wg sync.WaitGroup
		for w := range workers {
			wg.Go(func() {
				id := uint64(round*workers + w)
				faulty := f
				faulty.Storage = f.on.Registry(Faults{Seed: seed + id, Throttled: 0.05, LostAnswer: 0.05})
				p := &actor{f: faulty, r: rand.New(rand.NewPCG(seed, id)), process: name("p%d", int(id)), story: s}
				for range steps {
					if err := p.step(t.Context()); err != nil {
						t.Errorf("seed %d: %v", seed, err)
						return
					}
				}
			})
		}
		wg.Wait()
		f.audit(t)
		require.False(t, t.Failed(), "seed %d", seed)
	}
	f.clock.move(2 * lease)
	f.reap(t)
	f.clock.move(2 * lease)
	require.NoError(t, say(t.Context(), f, s))
	f.audit(t)
	for _, ch := range all {
		f.has(t, ch)
		require.Empty(t, f.users(t, ch, 10), "seed %d", seed)
		for user, kinds := range s.told[ch] {
			require.Zero(t, len(kinds)%2, "seed %d: %s on %s: %v", seed, user, ch, kinds)
			for i, kind := range kinds {
				require.Equal(t, []string{subscriber.Joined, subscriber.Left}[i%2], kind, "seed %d: %s on %s: %v", seed, user, ch, kinds)
			}
		}
	}
	// The counters of users and addresses are back at nothing too.
	f.alive(t, "end")
	for i := range 3 {
		user := name("u%d", i)
		c := f.reader("end"+user, "end", user, one)
		c.Address = name("192.0.2.%d", i)
		require.NoError(t, f.within(t, c, subscriber.Limits{User: 1, Address: 1}))
		c.ID += "2"
		require.ErrorIs(t, f.within(t, c, subscriber.Limits{User: 1}), subscriber.ErrFull)
		require.ErrorIs(t, f.within(t, c, subscriber.Limits{Address: 1}), subscriber.ErrFull)
	}
}

// actor is a process, which crashes now and then and comes back under a new name.
type actor struct {
	f       fixture
	r       *rand.Rand
	process string
	story   *story
}

func (a *actor) step(ctx context.Context) error {
	if a.r.IntN(6) == 0 { // dies in the middle of a call
		fuse := fused(ctx, a.r.IntN(12))
		defer fuse.cancel()
		err := a.act(fuse)
		a.process += "'"
		if err != nil && fuse.Err() != nil {
			return nil
		}
		return err
	}
	return a.act(ctx)
}

func (a *actor) act(ctx context.Context) error {
	i := a.r.IntN(6)
	user, address := name("u%d", i%3), name("192.0.2.%d", i%2)
	c := a.f.reader(name("c%d", i), a.process, user, all...)
	c.Address = address
	for i := range c.Seats {
		c.Seats[i].Limit = 4
	}
	some := c
	some.Seats = c.Seats[:1+a.r.IntN(len(c.Seats))]
	switch n := a.r.IntN(20); {
	case n < 9:
		return a.join(ctx, some)
	case n < 14:
		some.Process = name("p%d", a.r.IntN(6)) // a goodbye, under whatever name
		return again(ctx, func() error {
			_, err := a.f.Leave(ctx, some)
			return err
		})
	case n < 15:
		a.f.clock.move(lease / 3)
		return nil
	case n < 17:
		_, err := a.f.tryReap(ctx)
		return err
	default:
		return say(ctx, a.f, a.story)
	}
}

func (a *actor) join(ctx context.Context, c subscriber.Connection) error {
	err := again(ctx, func() error { return a.f.Renew(ctx, a.process, a.f.clock.Now().Add(lease)) })
	if err == nil {
		err = again(ctx, func() error {
			_, err := a.f.Join(ctx, c, subscriber.Limits{User: 3, Address: 5})
			return err
		})
	}
	switch {
	case errors.Is(err, subscriber.ErrLapsed):
		a.process += "'"
	case err != nil && !errors.Is(err, subscriber.ErrFull):
		return err
	}
	return nil
}

// say says all that is due, as a sayer does.
func say(ctx context.Context, f fixture, s *story) error {
	var due []subscriber.News
	err := again(ctx, func() (err error) {
		due, err = f.Due(ctx, f.clock.Now(), 1000)
		return err
	})
	for _, n := range due {
		holds := false
		if err == nil {
			err = again(ctx, func() (err error) {
				holds, err = f.Confirm(ctx, n)
				return err
			})
		}
		if err != nil {
			return err
		}
		if holds {
			s.tell(n)
			err = again(ctx, func() error { return f.Said(ctx, n) })
		}
	}
	return err
}

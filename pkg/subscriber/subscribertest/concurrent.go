package subscribertest

import (
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/subscriber"
)

var concurrencyCases = map[string]func(*testing.T, fixture){
	"500 joins at once under a limit of 50": stampede,
	"joins, leaves and reapers at once":     turmoil,
	"two reapers at once":                   twoReapers,
}

func stampede(t *testing.T, f fixture) {
	const joins, limit = 500, 50
	f.alive(t, "p")
	var wg sync.WaitGroup
	var in, full atomic.Int64
	for i := range joins {
		wg.Go(func() {
			switch err := f.tryJoin(t.Context(), f.connection(name("c%03d", i), "p", one), limit); {
			case err == nil:
				in.Add(1)
			case errors.Is(err, subscriber.ErrFull):
				full.Add(1)
			default:
				t.Errorf("join: %v", err)
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, limit, in.Load())
	require.EqualValues(t, joins-limit, full.Load())
	require.Len(t, f.list(t, one, 1000), limit)
}

// turmoil: connections come and go while their processes die and are reaped.
// Whatever the order, a count must be what a list finds.
func turmoil(t *testing.T, f fixture) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	const workers, steps, limit = 8, 25, 6
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(seed, uint64(w)))
			process := name("p%d", w)
			for step := range steps {
				if err := f.turn(t, r, process, limit); errors.Is(err, subscriber.ErrLapsed) {
					process = name("p%d", w*1000+step) // alive after all, under a new name
				} else if err != nil && !errors.Is(err, subscriber.ErrFull) {
					t.Errorf("seed %d: %v", seed, err)
					return
				}
			}
		})
	}
	wg.Wait()
	for _, ch := range all {
		require.LessOrEqual(t, len(f.list(t, ch, 7)), limit, "seed %d", seed)
	}
	f.clock.move(lease + time.Second)
	f.reap(t)
	for _, ch := range all {
		require.Empty(t, f.list(t, ch, 7), "seed %d: everybody's lease has run out", seed)
	}
}

// turn does one thing at random. Workers share connection ids, so that they
// meet each other.
func (f fixture) turn(t *testing.T, r *rand.Rand, process string, limit int) error {
	chs := all[r.IntN(len(all)):]
	c := f.connection(name("c%d", r.IntN(12)), process, chs...)
	ctx := t.Context()
	switch n := r.IntN(20); {
	case n < 9:
		err := again(ctx, func() error { return f.Renew(ctx, process, f.clock.Now().Add(lease)) })
		if err != nil {
			return err
		}
		return f.tryJoin(ctx, c, limit)
	case n < 16:
		return f.tryLeave(ctx, c)
	case n < 18:
		f.clock.move(lease / 3)
		return nil
	default:
		_, err := f.tryReap(ctx)
		return err
	}
}

func twoReapers(t *testing.T, f fixture) {
	f.alive(t, "p", "q", "r")
	for i := range 20 {
		for _, p := range []string{"p", "q", "r"} {
			f.join(t, f.connection(name(p+"%02d", i), p, all...), 0)
		}
	}
	f.clock.move(lease + time.Second)
	f.alive(t, "s")
	f.join(t, f.connection("s", "s", all...), 0)
	var wg sync.WaitGroup
	var removed atomic.Int64
	for range 3 {
		wg.Go(func() {
			n, err := f.tryReap(t.Context())
			if err != nil {
				t.Errorf("reap: %v", err)
			}
			removed.Add(int64(n))
		})
	}
	wg.Wait()
	require.EqualValues(t, 180, removed.Load(), "each is removed once")
	for _, ch := range all {
		f.has(t, ch, "s")
	}
}

package subscribertest

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/subscriber"
)

var leaseCases = map[string]func(*testing.T, fixture){
	"whose lease runs out is reaped":         lapse,
	"a lapsed name stays lapsed":             staysLapsed,
	"nobody joins without a living lease":    joinWithoutLease,
	"a moved connection survives its old":    moved,
	"a full channel is rid of the lapsed":    fullOfLapsed,
	"a reaper that crashed midway":           reapCrashed,
	"a renewed lease counts from its newest": renewed,
}

func lapse(t *testing.T, f fixture) {
	require.Zero(t, f.reap(t))
	f.alive(t, "p", "q")
	for i := range 30 {
		f.join(t, f.connection(name("p%02d", i), "p", all...), 0)
	}
	f.join(t, f.connection("q", "q", one), 0)
	f.clock.move(lease - time.Second)
	require.Zero(t, f.reap(t), "not yet")
	f.alive(t, "q")
	f.clock.move(2 * time.Second)
	require.Len(t, f.list(t, one, 100), 31, "until somebody reaps")
	require.Equal(t, 90, f.reap(t))
	f.has(t, one, "q")
	f.has(t, two)
	f.has(t, three)
	require.Zero(t, f.reap(t))
}

func renewed(t *testing.T, f fixture) {
	f.alive(t, "p")
	f.join(t, f.connection("a", "p", one), 0)
	for range 5 {
		f.clock.move(lease - time.Second)
		f.alive(t, "p")
		require.Zero(t, f.reap(t))
	}
	f.has(t, one, "a")
}

func staysLapsed(t *testing.T, f fixture) {
	f.alive(t, "p")
	f.join(t, f.connection("a", "p", one), 0)
	renew := func() error {
		return again(t.Context(), func() error { return f.Renew(t.Context(), "p", f.clock.Now().Add(lease)) })
	}
	f.clock.move(lease + time.Second)
	require.ErrorIs(t, renew(), subscriber.ErrLapsed)
	require.ErrorIs(t, renew(), subscriber.ErrLapsed, "asking again does not help")
	require.Equal(t, 1, f.reap(t))
	require.ErrorIs(t, renew(), subscriber.ErrLapsed, "nor does the reaping")
	f.clock.move(time.Hour)
	require.Zero(t, f.reap(t))
	require.ErrorIs(t, renew(), subscriber.ErrLapsed, "nor time")
	f.alive(t, "p2") // the way back: a new name
	f.join(t, f.connection("a", "p2", one), 0)
	require.Zero(t, f.reap(t))
	f.has(t, one, "a")
}

// joinWithoutLease: a subscriber whose process has no lease would never be
// reaped, and count for ever.
func joinWithoutLease(t *testing.T, f fixture) {
	require.ErrorIs(t, f.tryJoin(t.Context(), f.connection("a", "never", one), 0), subscriber.ErrLapsed)
	f.alive(t, "p")
	f.clock.move(lease + time.Second)
	require.ErrorIs(t, f.tryJoin(t.Context(), f.connection("a", "p", one), 0), subscriber.ErrLapsed)
	f.reap(t)
	require.ErrorIs(t, f.tryJoin(t.Context(), f.connection("a", "p", one), 0), subscriber.ErrLapsed)
	f.has(t, one)
}

// moved: the process stood still for longer than its lease, found itself
// lapsed, and has joined its connections again under a new name.
func moved(t *testing.T, f fixture) {
	f.alive(t, "old")
	for i := range 4 {
		f.join(t, f.connection(name("c%d", i), "old", one, two), 4)
	}
	f.clock.move(lease + time.Second)
	f.alive(t, "new")
	for i := range 2 {
		f.join(t, f.connection(name("c%d", i), "new", one, two), 4)
	}
	f.has(t, one, "c0", "c1", "c2", "c3")
	require.Equal(t, "new", f.list(t, one, 10)[0].Process)
	require.Equal(t, 4, f.reap(t))
	f.has(t, one, "c0", "c1")
	f.has(t, two, "c0", "c1")
	// They live by their new lease from now on.
	f.clock.move(lease + time.Second)
	require.Equal(t, 4, f.reap(t))
	f.has(t, one)
}

func fullOfLapsed(t *testing.T, f fixture) {
	f.alive(t, "old", "new")
	for i := range 3 {
		f.join(t, f.connection(name("old%d", i), "old", one, two), 3)
	}
	require.ErrorIs(t, f.tryJoin(t.Context(), f.connection("new0", "new", one), 3), subscriber.ErrFull)
	f.clock.move(lease - time.Second)
	f.alive(t, "new")
	f.clock.move(2 * time.Second)
	// Nobody has reaped, and yet there is room, on both channels at once.
	for i := range 3 {
		f.join(t, f.connection(name("new%d", i), "new", one, two), 3)
	}
	require.ErrorIs(t, f.tryJoin(t.Context(), f.connection("new3", "new", one), 3), subscriber.ErrFull)
	f.reap(t)
	f.has(t, one, "new0", "new1", "new2")
	f.has(t, two, "new0", "new1", "new2")
}

// reapCrashed ends a reaping at its first, second, third, … look at its context.
func reapCrashed(t *testing.T, f fixture) {
	for round := range 12 {
		dead, alive := name("dead%d", round), name("alive%d", round)
		f.alive(t, dead)
		for i := range 9 {
			f.join(t, f.connection(fmt.Sprintf("%s-%d", dead, i), dead, all...), 0)
		}
		f.clock.move(lease + time.Second)
		f.alive(t, alive)
		f.join(t, f.connection(alive, alive, all...), 0)

		ctx := fused(t.Context(), round*round)
		_, err := f.Reap(ctx)
		ctx.cancel()
		if err != nil {
			require.ErrorIs(t, err, context.Canceled)
		}
		for _, ch := range all {
			f.list(t, ch, 100) // the count is right at every moment
		}
		f.reap(t)
		for _, ch := range all {
			f.has(t, ch, alive)
		}
		f.leave(t, f.connection(alive, alive, all...))
	}
}

// fuse is a context that is cancelled when it has been looked at so many times.
type fuse struct {
	context.Context
	cancel context.CancelFunc
	left   atomic.Int64
}

func fused(ctx context.Context, looks int) *fuse {
	f := &fuse{}
	f.Context, f.cancel = context.WithCancel(ctx)
	f.left.Store(int64(looks))
	return f
}

func (f *fuse) Done() <-chan struct{} {
	f.burn()
	return f.Context.Done()
}

func (f *fuse) Err() error {
	f.burn()
	return f.Context.Err()
}

func (f *fuse) burn() {
	if f.left.Add(-1) < 0 {
		f.cancel()
	}
}

package subscribertest

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/subscriber"
)

var blockCases = map[string]func(*testing.T, fixture){
	"a blocked user":              blockedUser,
	"a blocked channel":           blockedChannel,
	"a block is lifted":           liftedBlock,
	"a block among joins":         blockAmongJoins,
	"whose connections these are": connectionsOfUser,
}

var onceCases = map[string]func(*testing.T, fixture){
	"first, and never again before its time": first,
	"one of many is the first":               firstOfMany,
	"a budget adds up":                       budget,
}

func requireBlocked(t *testing.T, err error, target subscriber.Target, until time.Time) {
	t.Helper()
	require.ErrorIs(t, err, subscriber.ErrBlocked)
	var blocked *subscriber.BlockedError
	require.ErrorAs(t, err, &blocked)
	require.Equal(t, subscriber.BlockedError{Target: target, Until: until}, *blocked)
}

func blockedUser(t *testing.T, f fixture) {
	f.alive(t, "p", "q")
	in := f.from("in", "p", "ada", home)
	require.NoError(t, f.within(t, in, subscriber.Limits{}))
	until := f.clock.Now().Add(lease / 2)
	require.NoError(t, f.Block(t.Context(), subscriber.Target{User: "ada"}, until))
	for range 2 {
		requireBlocked(t, f.within(t, f.from("a", "p", "ada", home), subscriber.Limits{User: 1}), subscriber.Target{User: "ada"}, until)
	}
	require.NoError(t, f.within(t, f.from("b", "p", "grace", home), subscriber.Limits{}), "another user")
	in.Process = "q"
	require.NoError(t, f.within(t, in, subscriber.Limits{}), "who is in stays, also under another lease")
	f.has(t, one, "b", "in")
	f.leave(t, in)
	require.ErrorIs(t, f.within(t, in, subscriber.Limits{}), subscriber.ErrBlocked)
	f.clock.move(lease/2 - time.Millisecond)
	require.ErrorIs(t, f.within(t, in, subscriber.Limits{}), subscriber.ErrBlocked)
	f.clock.move(time.Millisecond)
	require.NoError(t, f.within(t, in, subscriber.Limits{User: 1}))
}

func blockedChannel(t *testing.T, f fixture) {
	f.alive(t, "p")
	until := f.clock.Now().Add(lease / 2)
	f.join(t, f.connection("in", "p", two), 0)
	require.NoError(t, f.Block(t.Context(), subscriber.Target{Channel: two}, until))
	requireBlocked(t, f.tryJoin(t.Context(), f.connection("a", "p", all...), 0), subscriber.Target{Channel: two}, until)
	f.has(t, one)
	f.has(t, two, "in")
	f.join(t, f.connection("a", "p", one), 0)
	f.clock.move(lease / 2)
	f.join(t, f.connection("a", "p", all...), 2)
	f.has(t, two, "a", "in")
}

func liftedBlock(t *testing.T, f fixture) {
	f.alive(t, "p")
	target := subscriber.Target{User: "ada"}
	c := f.from("a", "p", "ada", home)
	require.NoError(t, f.Block(t.Context(), target, time.Time{}), "nothing to lift")
	require.NoError(t, f.Block(t.Context(), target, f.clock.Now().Add(time.Hour)))
	require.ErrorIs(t, f.within(t, c, subscriber.Limits{}), subscriber.ErrBlocked)
	f.reap(t)
	require.ErrorIs(t, f.within(t, c, subscriber.Limits{}), subscriber.ErrBlocked)
	require.NoError(t, f.Block(t.Context(), target, f.clock.Now().Add(2*time.Hour)), "longer")
	var blocked *subscriber.BlockedError
	require.ErrorAs(t, f.within(t, c, subscriber.Limits{}), &blocked)
	require.Equal(t, f.clock.Now().Add(2*time.Hour), blocked.Until)
	require.NoError(t, f.Block(t.Context(), target, time.Time{}))
	require.NoError(t, f.within(t, c, subscriber.Limits{User: 1}))
}

// blockAmongJoins: whoever is in the list after the block is all who is in.
func blockAmongJoins(t *testing.T, f fixture) {
	f.alive(t, "p")
	var wg sync.WaitGroup
	var in atomic.Int64
	for i := range 32 {
		wg.Go(func() {
			switch err := f.within(t, f.from(name("c%02d", i), "p", "ada", ""), subscriber.Limits{}); {
			case err == nil:
				in.Add(1)
			case !errors.Is(err, subscriber.ErrBlocked):
				t.Errorf("join: %v", err)
			}
		})
	}
	require.NoError(t, again(t.Context(), func() error {
		return f.Block(t.Context(), subscriber.Target{User: "ada"}, f.clock.Now().Add(time.Hour))
	}))
	list, err := f.ConnectionsOf(t.Context(), "ada", "", 100)
	require.NoError(t, err)
	wg.Wait()
	require.Len(t, list, int(in.Load()))
}

func connectionsOfUser(t *testing.T, f fixture) {
	f.alive(t, "p", "q")
	for i := range 7 {
		c := f.from(name("c%d", i), "p", "ada", home)
		c.Seats = f.connection("", "", all[i%3:]...).Seats
		require.NoError(t, f.within(t, c, subscriber.Limits{}))
	}
	require.NoError(t, f.within(t, f.from("x", "p", "ada2", home), subscriber.Limits{}))
	c := f.from("c3", "q", "ada", home)
	require.NoError(t, f.within(t, c, subscriber.Limits{}), "moved")
	for _, limit := range []int{1, 3, 7, 100} {
		var got []string
		for after := ""; ; {
			page, err := f.ConnectionsOf(t.Context(), "ada", after, limit)
			require.NoError(t, err)
			require.LessOrEqual(t, len(page), limit)
			if len(page) == 0 {
				break
			}
			for _, s := range page {
				want := subscriber.Subscriber{Connection: s.Connection, Process: "p", User: "ada", Joined: c.Joined}
				if s.Connection == "c3" {
					want.Process = "q"
				}
				require.Equal(t, want, s)
				after = s.Connection
				got = append(got, after)
			}
		}
		require.Equal(t, []string{"c0", "c1", "c2", "c3", "c4", "c5", "c6"}, got)
	}
	f.clock.move(lease + time.Second)
	f.reap(t)
	page, err := f.ConnectionsOf(t.Context(), "ada", "", 10)
	require.NoError(t, err)
	require.Empty(t, page)
}

func first(t *testing.T, f fixture) {
	use := func(id string, life time.Duration) bool {
		t.Helper()
		is, err := f.First(t.Context(), id, f.clock.Now().Add(life))
		require.NoError(t, err)
		return is
	}
	require.True(t, use("a", time.Minute))
	require.False(t, use("a", time.Hour))
	require.True(t, use("b", time.Minute))
	require.True(t, use("a ", time.Minute))
	f.reap(t)
	f.clock.move(time.Minute - time.Second)
	require.False(t, use("a", time.Hour))
	f.clock.move(2 * time.Second)
	require.True(t, use("a", time.Hour), "its time is over")
	require.False(t, use("a", time.Hour))
}

func firstOfMany(t *testing.T, f fixture) {
	for round := range 3 {
		var wg sync.WaitGroup
		var firsts atomic.Int64
		for i := range 32 {
			r := f
			if i%2 == 1 {
				r = f.another()
			}
			wg.Go(func() {
				is, err := r.First(t.Context(), name("ticket %d", round), f.clock.Now().Add(time.Minute))
				if err != nil {
					t.Errorf("first: %v", err)
				}
				if is {
					firsts.Add(1)
				}
			})
		}
		wg.Wait()
		require.EqualValues(t, 1, firsts.Load())
	}
}

func budget(t *testing.T, f fixture) {
	spent := func(stream, month string) int64 {
		n, err := f.Spent(t.Context(), stream, month)
		require.NoError(t, err)
		return n
	}
	require.Zero(t, spent("CommentStream", "2026-11"))
	var wg sync.WaitGroup
	var totals sync.Map
	for i := range 32 {
		r := f
		if i%2 == 1 {
			r = f.another()
		}
		wg.Go(func() {
			for range 4 {
				total, err := r.Spend(t.Context(), "CommentStream", "2026-11", 7)
				if err != nil {
					t.Errorf("spend: %v", err)
				}
				if _, twice := totals.LoadOrStore(total, true); twice || total%7 != 0 {
					t.Errorf("a sum of %d, for the second time: %t", total, twice)
				}
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 32*4*7, spent("CommentStream", "2026-11"))
	require.Zero(t, spent("CommentStream", "2026-12"))
	require.Zero(t, spent("SystemStream", "2026-11"))
}

package subscribertest

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/subscriber"
)

var joinCases = map[string]func(*testing.T, fixture){
	"join and leave":                     joinAndLeave,
	"to join again is harmless":          joinAgain,
	"to leave again is harmless":         leaveAgain,
	"all channels or none":               allOrNone,
	"a connection counts once a channel": once,
	"channels keep apart":                apart,
	"list in pages":                      pages,
	"a done context":                     doneContext,
}

func joinAndLeave(t *testing.T, f fixture) {
	f.has(t, one)
	f.alive(t, "p")
	a, b := f.connection("a", "p", one, two), f.connection("b", "p", two)
	f.join(t, a, 0)
	f.clock.move(1500 * time.Millisecond)
	b.User, b.Joined = "", f.clock.Now()
	f.join(t, b, 0)
	require.Equal(t, []subscriber.Subscriber{{Connection: "a", Process: "p", User: "user of a", Joined: a.Joined}}, f.list(t, one, 10))
	require.Equal(t, []subscriber.Subscriber{
		{Connection: "a", Process: "p", User: "user of a", Joined: a.Joined},
		{Connection: "b", Process: "p", Joined: b.Joined},
	}, f.list(t, two, 10))
	f.leave(t, a)
	f.has(t, one)
	f.has(t, two, "b")
	f.leave(t, b)
	f.has(t, two)
}

func joinAgain(t *testing.T, f fixture) {
	f.alive(t, "p")
	c := f.connection("a", "p", one, two)
	for range 3 {
		f.join(t, c, 1) // it needs no second place where it has one
	}
	f.has(t, one, "a")
	f.has(t, two, "a")
	f.leave(t, c)
	f.has(t, one)
	f.join(t, c, 1)
	f.has(t, one, "a")
}

func leaveAgain(t *testing.T, f fixture) {
	f.alive(t, "p")
	a, b := f.connection("a", "p", one, two), f.connection("b", "p", one)
	f.leave(t, a) // never there
	f.join(t, a, 0)
	f.join(t, b, 0)
	// There on some of its channels alone.
	f.leave(t, f.connection("a", "p", one))
	f.has(t, one, "b")
	f.has(t, two, "a")
	for range 3 {
		f.leave(t, a)
		f.has(t, one, "b")
		f.has(t, two)
	}
}

func allOrNone(t *testing.T, f fixture) {
	f.alive(t, "p")
	f.join(t, f.connection("a", "p", two), 1)
	err := f.tryJoin(t.Context(), f.connection("b", "p", all...), 1)
	require.ErrorIs(t, err, subscriber.ErrFull)
	var full *subscriber.LimitError
	require.ErrorAs(t, err, &full)
	require.Equal(t, subscriber.LimitError{What: subscriber.OfChannel, Channel: two, Limit: 1}, *full)
	f.has(t, one)
	f.has(t, two, "a")
	f.has(t, three)

	f.join(t, f.connection("b", "p", all...), 2)
	f.has(t, one, "b")
	f.has(t, two, "a", "b")
	f.has(t, three, "b")
	// A limit below what is there already: nobody is sent away, nobody gets in.
	require.ErrorIs(t, f.tryJoin(t.Context(), f.connection("c", "p", two), 1), subscriber.ErrFull)
	f.join(t, f.connection("c", "p", two), 0)
	f.has(t, two, "a", "b", "c")
}

func once(t *testing.T, f fixture) {
	f.alive(t, "p")
	c := f.connection("a", "p", one, two, one)
	f.join(t, c, 1)
	f.has(t, one, "a")
	f.has(t, two, "a")
	f.leave(t, c)
	f.has(t, one)
	f.has(t, two)
}

func apart(t *testing.T, f fixture) {
	f.alive(t, "p", "p1")
	names := []string{"S:item:1", "S:item:10", "S:item:1:x", "S:item", "S:1", "S:item:1|a", "S2:item:1", "s:item:1"}
	for i, n := range names {
		f.join(t, f.connection(name("c%d", i), "p", channel.MustParse(n)), 1)
	}
	f.join(t, f.connection("c1", "p1", one), 1) // ids may be alike to a prefix
	for i, n := range names {
		f.has(t, channel.MustParse(n), name("c%d", i))
	}
}

func pages(t *testing.T, f fixture) {
	f.alive(t, "p")
	var want []string
	for i := range 23 {
		want = append(want, name("c%02d", i))
		f.join(t, f.connection(name("c%02d", (i*7)%23), "p", one), 0)
	}
	for _, limit := range []int{1, 5, 22, 23, 1000} {
		var got []string
		for _, s := range f.list(t, one, limit) {
			got = append(got, s.Connection)
		}
		require.Equal(t, want, got)
	}
	// After an id that is not there, or no longer.
	page, err := f.List(t.Context(), one, "c10x", 2)
	require.NoError(t, err)
	require.Equal(t, []string{"c11", "c12"}, []string{page[0].Connection, page[1].Connection})
	page, err = f.List(t.Context(), one, "zzz", 2)
	require.NoError(t, err)
	require.Empty(t, page)
}

func doneContext(t *testing.T, f fixture) {
	f.alive(t, "p")
	f.join(t, f.connection("a", "p", one), 0)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, f.Renew(ctx, "p", f.clock.Now().Add(lease)), context.Canceled)
	_, err := f.Join(ctx, f.connection("b", "p", one), subscriber.Limits{})
	require.ErrorIs(t, err, context.Canceled)
	_, err = f.Leave(ctx, f.connection("a", "p", one))
	require.ErrorIs(t, err, context.Canceled)
	_, err = f.Count(ctx, one)
	require.ErrorIs(t, err, context.Canceled)
	_, err = f.List(ctx, one, "", 10)
	require.ErrorIs(t, err, context.Canceled)
	_, err = f.Reap(ctx)
	require.ErrorIs(t, err, context.Canceled)
	f.has(t, one, "a")
}

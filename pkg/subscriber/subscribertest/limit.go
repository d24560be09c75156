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

var limitCases = map[string]func(*testing.T, fixture){
	"connections of a user":                    limitOfUser,
	"connections of an address":                limitOfAddress,
	"connects of an address in a second":       limitOfRate,
	"nobody known has no limit":                limitOfNobody,
	"a refusal takes no place":                 refusalTakesNothing,
	"to join again is no second connect":       againIsNoConnect,
	"a user full of lapsed":                    userFullOfLapsed,
	"an address full of lapsed":                addressFullOfLapsed,
	"more channels on a connection":            moreChannels,
	"exact for users, over four registries":    exactUser,
	"exact for addresses, over four":           exactAddress,
	"exact for connects a second, over four":   exactRate,
	"exact for channels, over four registries": exactChannel,
	"what cannot be kept is refused":           invalidConnections,
}

const home = "192.0.2.7"

// from is a connection of a user, from an address.
func (f fixture) from(id, process, user, address string) subscriber.Connection {
	c := f.connection(id, process, one)
	c.User, c.Address = user, address
	return c
}

func (f fixture) within(t *testing.T, c subscriber.Connection, l subscriber.Limits) error {
	t.Helper()
	return again(t.Context(), func() error {
		_, err := f.Join(t.Context(), c, l)
		return err
	})
}

func requireLimit(t *testing.T, err error, what string, limit int) {
	t.Helper()
	require.ErrorIs(t, err, subscriber.ErrFull)
	var full *subscriber.LimitError
	require.ErrorAs(t, err, &full)
	require.Equal(t, what, full.What)
	require.Equal(t, limit, full.Limit)
}

func limitOfUser(t *testing.T, f fixture) {
	f.alive(t, "p")
	l := subscriber.Limits{User: 2}
	a, b, c := f.from("a", "p", "ada", home), f.from("b", "p", "ada", ""), f.from("c", "p", "ada", home)
	c.Seats[0].Channel = two // a user's limit is no channel's
	require.NoError(t, f.within(t, a, l))
	require.NoError(t, f.within(t, b, l))
	requireLimit(t, f.within(t, c, l), subscriber.OfUser, 2)
	require.NoError(t, f.within(t, f.from("d", "p", "grace", home), l), "another user")
	require.NoError(t, f.within(t, f.from("e", "p", "ad", home), l), "whose name is the beginning of it")
	f.leave(t, a)
	require.NoError(t, f.within(t, c, l))
	requireLimit(t, f.within(t, a, l), subscriber.OfUser, 2)
	require.NoError(t, f.within(t, a, subscriber.Limits{User: 3}))
}

func limitOfAddress(t *testing.T, f fixture) {
	f.alive(t, "p")
	l := subscriber.Limits{Address: 2}
	a, b, c := f.from("a", "p", "ada", home), f.from("b", "p", "", home), f.from("c", "p", "grace", home)
	c.Seats[0].Channel = two
	require.NoError(t, f.within(t, a, l))
	require.NoError(t, f.within(t, b, l))
	requireLimit(t, f.within(t, c, l), subscriber.OfAddress, 2)
	require.NoError(t, f.within(t, f.from("d", "p", "", "192.0.2.77"), l), "another address")
	require.NoError(t, f.within(t, f.from("e", "p", home, ""), l), "a user of that name")
	f.leave(t, b)
	require.NoError(t, f.within(t, c, l))
	requireLimit(t, f.within(t, b, l), subscriber.OfAddress, 2)
}

func limitOfRate(t *testing.T, f fixture) {
	f.alive(t, "p")
	f.clock.round()
	l := subscriber.Limits{Rate: 3}
	join := func(id string) error {
		c := f.from(id, "p", "", home)
		err := f.within(t, c, l)
		if err == nil {
			f.leave(t, c) // who leaves has connected all the same
		}
		return err
	}
	for round := range 3 {
		for i := range 3 {
			require.NoError(t, join(name("a%d", round*10+i)))
			f.clock.move(300 * time.Millisecond)
		}
		requireLimit(t, join("more"), subscriber.OfRate, 3)
		require.NoError(t, f.within(t, f.from(name("b%d", round), "p", "", "192.0.2.8"), l), "another address")
		f.clock.move(99 * time.Millisecond)
		requireLimit(t, join("more"), subscriber.OfRate, 3)
		f.clock.move(time.Millisecond)
	}
}

func limitOfNobody(t *testing.T, f fixture) {
	f.alive(t, "p")
	for i := range 5 {
		require.NoError(t, f.within(t, f.from(name("c%d", i), "p", "", ""), subscriber.Limits{User: 1, Address: 1, Rate: 1}))
	}
}

func refusalTakesNothing(t *testing.T, f fixture) {
	f.alive(t, "p")
	l := subscriber.Limits{User: 1, Address: 2, Rate: 2}
	require.NoError(t, f.within(t, f.from("a", "p", "ada", home), l))
	for i := range 4 {
		requireLimit(t, f.within(t, f.from(name("b%d", i), "p", "ada", home), l), subscriber.OfUser, 1)
	}
	f.has(t, one, "a")
	require.NoError(t, f.within(t, f.from("c", "p", "grace", home), l), "neither of the address nor of the second")
	f.has(t, one, "a", "c")
	full := f.from("d", "p", "alan", "192.0.2.9")
	full.Seats[0].Limit = 2
	requireLimit(t, f.within(t, full, l), subscriber.OfChannel, 2)
	full.Seats[0].Channel = two
	require.NoError(t, f.within(t, full, subscriber.Limits{User: 1, Address: 1, Rate: 1}))
}

func againIsNoConnect(t *testing.T, f fixture) {
	f.alive(t, "p", "q")
	l := subscriber.Limits{User: 1, Address: 1, Rate: 1}
	c := f.from("a", "p", "ada", home)
	for _, process := range []string{"p", "p", "q", "q", "p"} {
		c.Process = process
		require.NoError(t, f.within(t, c, l))
	}
	f.leave(t, c)
	f.clock.move(time.Second)
	require.NoError(t, f.within(t, f.from("b", "p", "ada", home), l))
}

func userFullOfLapsed(t *testing.T, f fixture) {
	f.alive(t, "old")
	l := subscriber.Limits{User: 2}
	for i := range 2 {
		require.NoError(t, f.within(t, f.from(name("old%d", i), "old", "ada", home), l))
	}
	f.clock.move(lease + time.Second)
	f.alive(t, "new")
	for i := range 2 {
		require.NoError(t, f.within(t, f.from(name("new%d", i), "new", "ada", home), l))
	}
	requireLimit(t, f.within(t, f.from("new2", "new", "ada", home), l), subscriber.OfUser, 2)
	f.has(t, one, "new0", "new1")
}

func addressFullOfLapsed(t *testing.T, f fixture) {
	f.alive(t, "old")
	l := subscriber.Limits{Address: 2}
	for i := range 2 {
		require.NoError(t, f.within(t, f.from(name("old%d", i), "old", "", home), l))
	}
	f.clock.move(lease + time.Second)
	f.alive(t, "new")
	for i := range 2 {
		require.NoError(t, f.within(t, f.from(name("new%d", i), "new", "", home), l))
	}
	requireLimit(t, f.within(t, f.from("new2", "new", "", home), l), subscriber.OfAddress, 2)
	f.has(t, one, "new0", "new1")
}

// moreChannels: channels come and go on a live connection, which stays one.
func moreChannels(t *testing.T, f fixture) {
	f.alive(t, "p")
	l := subscriber.Limits{User: 1, Address: 1}
	c := f.connection("a", "p", one)
	c.Address = home
	require.NoError(t, f.within(t, c, l))
	c.Seats = f.connection("a", "p", all...).Seats
	require.NoError(t, f.within(t, c, l))
	f.has(t, three, "a")
	full := f.connection("b", "p", three)
	require.ErrorIs(t, f.tryJoin(t.Context(), full, 1), subscriber.ErrFull)
	some := c
	some.Seats = c.Seats[:2]
	f.leave(t, some)
	f.has(t, one)
	f.has(t, two)
	f.has(t, three, "a")
	other := f.from("b", "p", c.User, home)
	requireLimit(t, f.within(t, other, l), subscriber.OfUser, 1) // it still is a connection
	f.leave(t, c)
	require.NoError(t, f.within(t, other, l), "and now it is none")
}

// crowd joins many connections at once, over four registries, and returns how
// many got in.
func (f fixture) crowd(t *testing.T, l subscriber.Limits, what string, connection func(i int) subscriber.Connection) int {
	const joins, registries = 64, 4
	f.alive(t, "p")
	var wg sync.WaitGroup
	var in atomic.Int64
	over := make([]fixture, registries)
	for i := range over {
		over[i] = f.another()
	}
	for i := range joins {
		wg.Go(func() {
			err := over[i%registries].within(t, connection(i), l)
			var full *subscriber.LimitError
			switch {
			case err == nil:
				in.Add(1)
			case errors.As(err, &full) && full.What == what:
			default:
				t.Errorf("join: %v", err)
			}
		})
	}
	wg.Wait()
	require.Len(t, f.list(t, one, 1000), int(in.Load()))
	return int(in.Load())
}

func exactUser(t *testing.T, f fixture) {
	require.Equal(t, 7, f.crowd(t, subscriber.Limits{User: 7}, subscriber.OfUser, func(i int) subscriber.Connection {
		return f.from(name("c%d", i), "p", "ada", name("192.0.2.%d", i))
	}))
}

func exactAddress(t *testing.T, f fixture) {
	require.Equal(t, 9, f.crowd(t, subscriber.Limits{Address: 9}, subscriber.OfAddress, func(i int) subscriber.Connection {
		return f.from(name("c%d", i), "p", name("u%d", i), home)
	}))
}

func exactRate(t *testing.T, f fixture) {
	require.Equal(t, 11, f.crowd(t, subscriber.Limits{Rate: 11}, subscriber.OfRate, func(i int) subscriber.Connection {
		return f.from(name("c%d", i), "p", "", home)
	}))
}

func exactChannel(t *testing.T, f fixture) {
	require.Equal(t, 13, f.crowd(t, subscriber.Limits{}, subscriber.OfChannel, func(i int) subscriber.Connection {
		c := f.from(name("c%d", i), "p", name("u%d", i), name("192.0.2.%d", i))
		c.Seats[0].Limit, c.Seats[0].Presence = 13, true
		return c
	}))
}

func invalidConnections(t *testing.T, f fixture) {
	f.alive(t, "p")
	for what, change := range map[string]func(*subscriber.Connection){
		"no id":              func(c *subscriber.Connection) { c.ID = "" },
		"an id with a break": func(c *subscriber.Connection) { c.ID = "a\nb" },
		"no process":         func(c *subscriber.Connection) { c.Process = "" },
		"a NUL in the user":  func(c *subscriber.Connection) { c.User = "a\x00b" },
		"no channel":         func(c *subscriber.Connection) { c.Seats = nil },
	} {
		c := f.connection("a", "p", one)
		change(&c)
		_, err := f.Join(t.Context(), c, subscriber.Limits{})
		require.ErrorIs(t, err, subscriber.ErrInvalid, what)
	}
	require.ErrorIs(t, f.Block(t.Context(), subscriber.Target{}, f.clock.Now()), subscriber.ErrInvalid)
	_, err := f.First(t.Context(), "", f.clock.Now())
	require.ErrorIs(t, err, subscriber.ErrInvalid)
}

package subscribertest

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/subscriber"
)

var presenceCases = map[string]func(*testing.T, fixture){
	"the first comes, the last goes":              firstComesLastGoes,
	"back within the grace says nothing":          backWithinGrace,
	"presence is by channel, and only where kept": presenceWhereKept,
	"a crashed process's users leave":             crashedUsersLeave,
	"a user who reconnected has not left":         reconnectedElsewhere,
	"what is confirmed is final":                  confirmedIsFinal,
	"news survive until they are said":            newsUntilSaid,
	"two sayers say it once":                      twoSayers,
	"many connections of a user at once":          manyConnections,
	"users in pages":                              usersInPages,
	"more channels, more arrivals":                arrivalsOnALiveConnection,
}

const grace = 10 * time.Second

// reader is a connection whose channels keep presence.
func (f fixture) reader(id, process, user string, chs ...channel.Name) subscriber.Connection {
	c := f.connection(id, process, chs...)
	c.User = user
	for i := range c.Seats {
		c.Seats[i].Presence, c.Seats[i].Grace = true, grace
	}
	return c
}

func (f fixture) comes(t *testing.T, c subscriber.Connection) []subscriber.News {
	t.Helper()
	news, err := f.Join(t.Context(), c, subscriber.Limits{})
	require.NoError(t, err)
	return news
}

func (f fixture) goes(t *testing.T, c subscriber.Connection) []subscriber.News {
	t.Helper()
	news, err := f.Leave(t.Context(), c)
	require.NoError(t, err)
	return news
}

func (f fixture) due(t *testing.T) []subscriber.News {
	t.Helper()
	due, err := f.Due(t.Context(), f.clock.Now(), 100)
	require.NoError(t, err)
	return due
}

func (f fixture) confirm(t *testing.T, n subscriber.News) bool {
	t.Helper()
	holds, err := f.Confirm(t.Context(), n)
	require.NoError(t, err)
	return holds
}

// say does with all that is due what a sayer does, and returns it in words.
func (f fixture) say(t *testing.T) (said []string) {
	t.Helper()
	for _, n := range f.due(t) {
		if f.confirm(t, n) {
			said = append(said, fmt.Sprintf("%s %s %s", n.User, n.Kind, n.Channel))
			require.NoError(t, f.Said(t.Context(), n))
		}
	}
	return said
}

func firstComesLastGoes(t *testing.T, f fixture) {
	f.alive(t, "p")
	came := f.clock.Now()
	a, b := f.reader("a", "p", "ada", one), f.reader("b", "p", "ada", one)
	news := f.comes(t, a)
	require.Len(t, news, 1)
	require.NotEmpty(t, news[0].ID)
	require.Equal(t, subscriber.News{Channel: one, User: "ada", Kind: subscriber.Joined, At: came, Due: came, ID: news[0].ID}, news[0])
	require.Equal(t, news, f.due(t))
	require.Empty(t, f.comes(t, a), "again")
	f.clock.move(time.Second)
	require.Empty(t, f.comes(t, b))
	require.Equal(t, []string{"ada joined CommentStream:item:1"}, f.say(t))
	require.Empty(t, f.goes(t, a))
	require.Equal(t, []string{"ada"}, f.users(t, one, 10))
	users, err := f.Users(t.Context(), one, "", 10)
	require.NoError(t, err)
	require.Equal(t, []subscriber.User{{Name: "ada", Since: came}}, users)

	went := f.clock.Now()
	gone := f.goes(t, b)
	require.Len(t, gone, 1)
	require.NotEqual(t, news[0].ID, gone[0].ID)
	require.Equal(t, subscriber.News{Channel: one, User: "ada", Kind: subscriber.Left, At: went, Due: went.Add(grace), ID: gone[0].ID}, gone[0])
	require.Equal(t, []string{"ada"}, f.users(t, one, 10), "until the grace is over")
	f.clock.move(grace - time.Millisecond)
	require.Empty(t, f.due(t))
	f.clock.move(time.Millisecond)
	require.Equal(t, gone, f.due(t))
	require.Equal(t, []string{"ada left CommentStream:item:1"}, f.say(t))
	require.Empty(t, f.users(t, one, 10))
	require.Empty(t, f.say(t))
	require.NotEqual(t, news[0].ID, f.comes(t, a)[0].ID, "a new visit")
}

func backWithinGrace(t *testing.T, f fixture) {
	f.alive(t, "p", "q")
	came := f.clock.Now()
	a := f.reader("a", "p", "ada", one)
	f.comes(t, a)
	f.say(t)
	var gone []subscriber.News
	for range 4 { // as often as they like
		gone = append(gone, f.goes(t, a)...)
		f.clock.move(grace - time.Second)
		require.Empty(t, f.comes(t, a))
		require.Empty(t, f.due(t))
	}
	require.Len(t, gone, 4)
	f.alive(t, "p")
	f.clock.move(2 * grace)
	for _, n := range gone {
		require.False(t, f.confirm(t, n), "they came back")
		require.NoError(t, f.Said(t.Context(), n))
	}
	users, err := f.Users(t.Context(), one, "", 10)
	require.NoError(t, err)
	require.Equal(t, []subscriber.User{{Name: "ada", Since: came}}, users, "one visit")
	// A timer of an earlier going must not cut this grace short.
	last := f.goes(t, a)
	require.False(t, f.confirm(t, gone[3]))
	f.clock.move(grace)
	require.True(t, f.confirm(t, last[0]))
}

func presenceWhereKept(t *testing.T, f fixture) {
	f.alive(t, "p")
	c := f.reader("a", "p", "ada", all...)
	c.Seats[1].Presence = false
	require.Len(t, f.comes(t, c), 2)
	nobody := f.reader("b", "p", "", one)
	require.Empty(t, f.comes(t, nobody))
	require.Equal(t, []string{"ada"}, f.users(t, one, 10))
	require.Empty(t, f.users(t, two, 10))
	require.Equal(t, []string{"ada"}, f.users(t, three, 10))
	f.has(t, one, "a", "b")
	require.Empty(t, f.goes(t, nobody))
	some := c
	some.Seats = c.Seats[:2]
	require.Len(t, f.goes(t, some), 1)
	require.Len(t, f.goes(t, c), 1)
	f.clock.move(grace)
	require.ElementsMatch(t, []string{
		"ada joined CommentStream:item:1", "ada joined NotificationStream:user:1",
		"ada left CommentStream:item:1", "ada left NotificationStream:user:1",
	}, f.say(t))
}

func crashedUsersLeave(t *testing.T, f fixture) {
	f.alive(t, "p", "q")
	for i := range 3 {
		f.comes(t, f.reader(name("c%d", i), "p", name("u%d", i%2), one, two))
	}
	f.say(t)
	f.clock.move(lease + time.Second)
	require.Empty(t, f.say(t))
	require.Equal(t, []string{"u0", "u1"}, f.users(t, one, 10), "until somebody reaps")
	require.Equal(t, 6, f.reap(t))
	f.clock.move(time.Millisecond)
	require.Len(t, f.say(t), 4, "the lease was their grace")
	require.Empty(t, f.users(t, one, 10))
	require.Empty(t, f.users(t, two, 10))
}

func reconnectedElsewhere(t *testing.T, f fixture) {
	f.alive(t, "p")
	f.comes(t, f.reader("a", "p", "ada", one))
	f.say(t)
	f.clock.move(lease - time.Second)
	f.alive(t, "q")
	require.Empty(t, f.comes(t, f.reader("b", "q", "ada", one)), "p has crashed, which nobody knows")
	f.clock.move(2 * time.Second)
	require.Equal(t, 1, f.reap(t))
	require.Empty(t, f.say(t))
	require.Equal(t, []string{"ada"}, f.users(t, one, 10))

	// The same connection, under a new lease, before and after it was reaped.
	f.clock.move(lease)
	f.alive(t, "r")
	require.Empty(t, f.comes(t, f.reader("b", "r", "ada", one)))
	require.Equal(t, 0, f.reap(t))
	f.clock.move(lease + time.Second)
	f.reap(t)
	f.alive(t, "s")
	require.Empty(t, f.comes(t, f.reader("b", "s", "ada", one)), "nothing was said in the meantime")
	f.clock.move(time.Second)
	require.Empty(t, f.say(t))
}

func confirmedIsFinal(t *testing.T, f fixture) {
	f.alive(t, "p")
	a := f.reader("a", "p", "ada", one)
	f.comes(t, a)
	f.say(t)
	left := f.goes(t, a)[0]
	f.clock.move(grace)
	require.True(t, f.confirm(t, left))
	require.True(t, f.confirm(t, left), "a sayer who crashed asks again")
	require.Empty(t, f.users(t, one, 10))
	back := f.comes(t, a)
	require.Len(t, back, 2, "what is not said yet comes first")
	require.Equal(t, left, back[0])
	require.Equal(t, subscriber.Joined, back[1].Kind)
	require.Equal(t, []string{"ada"}, f.users(t, one, 10))
	require.True(t, f.confirm(t, left), "it still is to be said")
	f.clock.move(time.Second)
	require.Equal(t, back, f.due(t), "in their order")
	require.NoError(t, f.Said(t.Context(), left))
	require.False(t, f.confirm(t, left))
	require.Equal(t, back[1:], f.due(t))
	require.Equal(t, []string{"ada"}, f.users(t, one, 10))
	require.Equal(t, []string{"ada joined CommentStream:item:1"}, f.say(t))
}

func usersInPages(t *testing.T, f fixture) {
	f.alive(t, "p")
	names := []string{"", " ", "#count", "c#x", "u#", "|", "~", "Ada", "Zoë", "ada", "ada2", "名"}
	for i, n := range names {
		f.comes(t, f.reader(name("c%d", i), "p", n, one))
	}
	for _, limit := range []int{1, 4, 11, 100} {
		require.ElementsMatch(t, names[1:], f.users(t, one, limit), "by %d", limit)
	}
	f.has(t, one, "c0", "c1", "c10", "c11", "c2", "c3", "c4", "c5", "c6", "c7", "c8", "c9")
}

func arrivalsOnALiveConnection(t *testing.T, f fixture) {
	f.alive(t, "p")
	require.Len(t, f.comes(t, f.reader("a", "p", "ada", one)), 1)
	require.Len(t, f.comes(t, f.reader("a", "p", "ada", all...)), 2)
	require.Len(t, f.goes(t, f.reader("a", "p", "ada", two)), 1)
	require.Equal(t, []string{"ada"}, f.users(t, three, 10))
}

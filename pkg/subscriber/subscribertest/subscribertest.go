// Package subscribertest says in tests what package subscriber says in words.
// Every registry passes it; what it does not check, no caller may rely on.
//
// Calls that fail with ErrUnavailable are repeated, as a caller would.
package subscribertest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/subscriber"
)

// Options are the settings that a case needs of the storage that it is given.
type Options struct {
	// Now is the only clock that the registries may ask; the case moves it.
	Now func() time.Time
}

// Faults are how often a registry misbehaves, each from 0 to 1.
type Faults struct {
	Seed       uint64
	Throttled  float64 // a request does nothing and fails with ErrUnavailable
	LostAnswer float64 // a request is carried out and yet fails with ErrUnavailable
}

// Storage is what an adapter provides: one empty storage.
type Storage struct {
	// Registry returns one more registry on it, as another process has it, that
	// misbehaves as it is told. It is called from many goroutines at once.
	Registry func(Faults) subscriber.Storage
	// Audit compares every counter with what it counts, in the storage itself.
	// nil: they cannot differ.
	Audit func(t *testing.T)
}

// lease is how long the cases' processes live without a renewal.
const lease = time.Minute

// fixture is what a case works with: a registry on an empty storage, which does
// not misbehave, and the clock that it asks.
type fixture struct {
	subscriber.Storage
	on    Storage
	clock *clock
}

// Run checks the promises of a registry. open is called once for each case,
// from many goroutines at once; it returns an empty storage with the given
// settings and cleans up with t.Cleanup.
func Run(t *testing.T, open func(t *testing.T, o Options) Storage) {
	cases := map[string]func(*testing.T, fixture){}
	for _, part := range []map[string]func(*testing.T, fixture){
		joinCases, leaseCases, limitCases, blockCases, presenceCases, onceCases, concurrencyCases, faultCases,
	} {
		maps.Copy(cases, part)
	}
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := &clock{now: time.Now().UTC().Truncate(time.Millisecond)}
			on := open(t, Options{Now: c.Now})
			f := fixture{clock: c, on: on, Storage: on.Registry(Faults{})}
			cases[name](t, f)
			f.audit(t)
		})
	}
}

// clock stands still until a case moves it. It begins at the present, since a
// storage may delete by its own clock what was stored for a time long past.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// round goes on to the beginning of a second.
func (c *clock) round() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Truncate(time.Second).Add(time.Second)
}

var (
	one   = channel.MustParse("CommentStream:item:1")
	two   = channel.MustParse("CommentStream:item:10")
	three = channel.MustParse("NotificationStream:user:1")
	all   = []channel.Name{one, two, three}
)

// connection is open on the channels and lives by the process's lease.
func (f fixture) connection(id, process string, chs ...channel.Name) subscriber.Connection {
	c := subscriber.Connection{ID: id, Process: process, User: "user of " + id, Joined: f.clock.Now()}
	for _, ch := range chs {
		c.Seats = append(c.Seats, subscriber.Seat{Channel: ch})
	}
	return c
}

// again repeats what the storage was not able to do at once.
func again(ctx context.Context, do func() error) error {
	ctx, cancel := context.WithTimeout(ctx, 60*time.Second)
	defer cancel()
	for {
		err := do()
		if !errors.Is(err, subscriber.ErrUnavailable) {
			return err
		}
		timer := time.NewTimer(time.Duration(1+rand.IntN(20)) * time.Millisecond)
		select {
		case <-ctx.Done():
			timer.Stop()
			return err
		case <-timer.C:
		}
	}
}

func (f fixture) tryJoin(ctx context.Context, c subscriber.Connection, limit int) error {
	c.Seats = slices.Clone(c.Seats)
	for i := range c.Seats {
		c.Seats[i].Limit = limit
	}
	return again(ctx, func() error {
		_, err := f.Join(ctx, c, subscriber.Limits{})
		return err
	})
}

func (f fixture) tryLeave(ctx context.Context, c subscriber.Connection) error {
	return again(ctx, func() error {
		_, err := f.Leave(ctx, c)
		return err
	})
}

func (f fixture) tryReap(ctx context.Context) (removed int, err error) {
	err = again(ctx, func() error {
		n, err := f.Reap(ctx)
		removed += n
		return err
	})
	return removed, err
}

func (f fixture) join(t *testing.T, c subscriber.Connection, limit int) {
	t.Helper()
	require.NoError(t, f.tryJoin(t.Context(), c, limit))
}

func (f fixture) leave(t *testing.T, c subscriber.Connection) {
	t.Helper()
	require.NoError(t, f.tryLeave(t.Context(), c))
}

func (f fixture) reap(t *testing.T) int {
	t.Helper()
	n, err := f.tryReap(t.Context())
	require.NoError(t, err)
	return n
}

// alive takes or renews the leases of the processes.
func (f fixture) alive(t *testing.T, processes ...string) {
	t.Helper()
	for _, p := range processes {
		require.NoError(t, again(t.Context(), func() error { return f.Renew(t.Context(), p, f.clock.Now().Add(lease)) }))
	}
}

// audit is for a moment at which nobody writes.
func (f fixture) audit(t *testing.T) {
	t.Helper()
	if f.on.Audit != nil {
		f.on.Audit(t)
	}
	for _, ch := range all {
		f.list(t, ch, 100)
	}
}

// another is a registry of another process.
func (f fixture) another() fixture {
	f.Storage = f.on.Registry(Faults{})
	return f
}

// has makes sure that the channel has these connections, and counts as many.
func (f fixture) has(t *testing.T, ch channel.Name, ids ...string) {
	t.Helper()
	var got []string
	for _, s := range f.list(t, ch, 100) {
		got = append(got, s.Connection)
	}
	require.Equal(t, ids, got, "subscribers of %s", ch)
}

// list reads all pages, and makes sure that the count says the same.
func (f fixture) list(t *testing.T, ch channel.Name, limit int) []subscriber.Subscriber {
	t.Helper()
	var list []subscriber.Subscriber
	for after := ""; ; {
		page, err := f.List(t.Context(), ch, after, limit)
		require.NoError(t, err)
		require.LessOrEqual(t, len(page), limit)
		for _, s := range page {
			require.Greater(t, s.Connection, after, "in the order of connection ids")
			after = s.Connection
		}
		list = append(list, page...)
		if len(page) == 0 {
			break
		}
	}
	n, err := f.Count(t.Context(), ch)
	require.NoError(t, err)
	require.Equal(t, len(list), n, "the count of %s", ch)
	n, err = f.CountUsers(t.Context(), ch)
	require.NoError(t, err)
	require.Len(t, f.users(t, ch, limit), n, "the count of users of %s", ch)
	return list
}

// users reads all pages of the names of who is present.
func (f fixture) users(t *testing.T, ch channel.Name, limit int) (names []string) {
	t.Helper()
	for after := ""; ; {
		page, err := f.Users(t.Context(), ch, after, limit)
		require.NoError(t, err)
		require.LessOrEqual(t, len(page), limit)
		if len(page) == 0 {
			return names
		}
		for _, u := range page {
			require.Greater(t, u.Name, after, "in the order of names")
			after = u.Name
			names = append(names, u.Name)
		}
	}
}

func name(format string, i int) string { return fmt.Sprintf(format, i) }

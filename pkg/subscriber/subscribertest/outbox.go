package subscribertest

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/subscriber"
)

func newsUntilSaid(t *testing.T, f fixture) {
	f.alive(t, "p")
	c := f.reader("a", "p", "ada", one)
	joined := f.comes(t, c)[0]
	left := f.goes(t, c)[0]
	require.True(t, f.confirm(t, joined), "it was so, although it is over")
	f.clock.move(grace)
	f.reap(t)
	require.Equal(t, []subscriber.News{joined, left}, f.due(t))
	page, err := f.Due(t.Context(), f.clock.Now(), 1)
	require.NoError(t, err)
	require.Equal(t, []subscriber.News{joined}, page, "the earliest first")
	for _, n := range []subscriber.News{joined, left} {
		require.True(t, f.confirm(t, n))
		for range 2 {
			require.NoError(t, f.Said(t.Context(), n))
			require.False(t, f.confirm(t, n))
		}
	}
	require.Empty(t, f.due(t))
}

func twoSayers(t *testing.T, f fixture) {
	f.alive(t, "p")
	for i := range 12 {
		c := f.reader(name("c%d", i), "p", name("u%d", i), one)
		f.comes(t, c)
		f.goes(t, c)
	}
	f.clock.move(grace)
	var mu sync.Mutex
	said := map[string]bool{} // as the log does, by id
	var wg sync.WaitGroup
	for range 3 {
		r := f.another()
		wg.Go(func() {
			due, err := r.Due(t.Context(), f.clock.Now(), 100)
			if err != nil {
				t.Errorf("due: %v", err)
			}
			for _, n := range due {
				holds, err := r.Confirm(t.Context(), n)
				if err == nil && holds {
					mu.Lock()
					said[n.ID] = true
					mu.Unlock()
					err = r.Said(t.Context(), n)
				}
				if err != nil {
					t.Errorf("say: %v", err)
				}
			}
		})
	}
	wg.Wait()
	require.Len(t, said, 24)
	require.Empty(t, f.due(t))
	require.Empty(t, f.users(t, one, 100))
}

// manyConnections: one user's connections come and go at once, and there is one
// arrival and one going.
func manyConnections(t *testing.T, f fixture) {
	f.alive(t, "p")
	var wg sync.WaitGroup
	var mu sync.Mutex
	var news []subscriber.News
	all := func(do func(r fixture, c subscriber.Connection) ([]subscriber.News, error)) {
		news = nil
		for i := range 32 {
			r, c := f.another(), f.reader(name("c%d", i), "p", "ada", one)
			wg.Go(func() {
				var got []subscriber.News
				err := again(t.Context(), func() (err error) {
					got, err = do(r, c)
					return err
				})
				if err != nil {
					t.Errorf("one of many: %v", err)
				}
				mu.Lock()
				defer mu.Unlock()
				news = append(news, got...)
			})
		}
		wg.Wait()
	}
	all(func(r fixture, c subscriber.Connection) ([]subscriber.News, error) {
		return r.Join(t.Context(), c, subscriber.Limits{})
	})
	require.Len(t, news, 1)
	require.Len(t, f.list(t, one, 100), 32)
	all(func(r fixture, c subscriber.Connection) ([]subscriber.News, error) { return r.Leave(t.Context(), c) })
	require.Len(t, news, 1)
	require.Empty(t, f.list(t, one, 100))
}

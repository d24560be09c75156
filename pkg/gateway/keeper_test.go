package gateway_test

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/gateway"
	"github.com/runnel-sse/runnel/pkg/memory"
	"github.com/runnel-sse/runnel/pkg/subscriber"
)

// watched is a registry that counts its writes and fails them on demand.
type watched struct {
	*memory.Registry
	renews, joins, leaves atomic.Int64
	deaf                  atomic.Bool // answers nothing, does nothing
	lostAnswers           atomic.Bool // does it, and says that it failed
	closed                atomic.Bool // lets nobody in
}

func (w *watched) answer(do func() error) error {
	if w.deaf.Load() {
		return fmt.Errorf("%w: on purpose", subscriber.ErrUnavailable)
	}
	err := do()
	if w.lostAnswers.Load() {
		return fmt.Errorf("%w: on purpose", subscriber.ErrUnavailable)
	}
	return err
}

func (w *watched) Renew(ctx context.Context, process string, until time.Time) error {
	w.renews.Add(1)
	return w.answer(func() error { return w.Registry.Renew(ctx, process, until) })
}

func (w *watched) Join(ctx context.Context, c subscriber.Connection, l subscriber.Limits) (news []subscriber.News, err error) {
	w.joins.Add(1)
	if w.closed.Load() {
		return nil, &subscriber.BlockedError{Target: subscriber.Target{User: c.User}, Until: time.Now().Add(time.Hour)}
	}
	err = w.answer(func() error {
		news, err = w.Registry.Join(ctx, c, l)
		return err
	})
	return news, err
}

func (w *watched) Leave(ctx context.Context, c subscriber.Connection) (news []subscriber.News, err error) {
	w.leaves.Add(1)
	err = w.answer(func() error {
		news, err = w.Registry.Leave(ctx, c)
		return err
	})
	return news, err
}

func openWatched(t *testing.T) (*house, *watched) {
	var w *watched
	h := open(t, func(c *gateway.Config) {
		w = &watched{Registry: c.Registry.(*memory.Registry)}
		c.Registry = w
		c.Lease = time.Minute
		c.MaxLife = 24 * time.Hour
	})
	return h, w
}

func (h *house) count() int {
	n, err := h.registry.Count(context.Background(), item)
	require.NoError(h.t, err)
	listed, err := h.registry.List(context.Background(), item, "", 1000)
	require.NoError(h.t, err)
	require.Len(h.t, listed, n, "the counter equals the items")
	return n
}

func TestAThousandAbruptDisconnectsLeaveNothingBehind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // fails if a goroutine is left
		h := open(t, nil)
		streams := make([]*stream, 1000)
		for i := range streams {
			streams[i] = h.connect("/sse/CommentStream/item:42")
		}
		require.Equal(t, 1000, h.count())
		require.Equal(t, 1000, h.gateway.Open())
		h.publish(item, 1, 1)
		for _, s := range streams {
			s.close()
		}
		synctest.Wait()
		require.Zero(t, h.count())
		require.Zero(t, h.gateway.Open())
		require.Zero(t, h.tail.Followed())
	})
}

func TestOneLeaseWriteHoldsEverything(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, w := openWatched(t)
		time.Sleep(time.Hour)
		require.Zero(t, w.renews.Load(), "a process without connections writes nothing")
		for range 20 {
			s := h.connect("/sse/CommentStream/item:42")
			s.idle()
		}
		require.Equal(t, int64(20), w.joins.Load(), "joining is one call")
		time.Sleep(time.Second)
		before := w.renews.Load()
		time.Sleep(10 * time.Minute)
		require.InDelta(t, 40, w.renews.Load()-before, 1, "one write in 15 s, whatever it holds")
		removed, err := h.registry.Reap(t.Context())
		require.NoError(t, err)
		require.Zero(t, removed)
		require.Equal(t, 20, h.count())
	})
}

func TestALeaseIsKeptOverQuietTimes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, _ := openWatched(t)
		for i := range 20 {
			s := h.connect("/sse/CommentStream/item:42")
			s.idle()
			time.Sleep(time.Duration(i) * 7 * time.Second) // between visitors, longer and longer
			removed, err := h.registry.Reap(t.Context())
			require.NoError(t, err)
			require.Zero(t, removed)
			s.close()
			time.Sleep(time.Duration(i) * 11 * time.Second)
		}
	})
}

func TestAGoodbyeIsSaidUntilItIsHeard(t *testing.T) {
	t.Parallel()
	for name, deafen := range map[string]func(*watched, bool){
		"deaf":         func(w *watched, on bool) { w.deaf.Store(on) },
		"lost answers": func(w *watched, on bool) { w.lostAnswers.Store(on) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h, w := openWatched(t)
				s := h.connect("/sse/CommentStream/item:42")
				require.Equal(t, 1, h.count())
				deafen(w, true)
				s.close()
				time.Sleep(20 * time.Second)
				deafen(w, false)
				time.Sleep(time.Minute)
				require.Zero(t, h.count())
				leaves := w.leaves.Load()
				time.Sleep(time.Hour)
				require.Equal(t, leaves, w.leaves.Load(), "and not again after that")
			})
		})
	}
}

func TestAJoinWhoseAnswerWasLostIsTakenBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, w := openWatched(t)
		keep := h.connect("/sse/CommentStream/item:42")
		keep.idle()
		w.lostAnswers.Store(true)
		require.Equal(t, http.StatusServiceUnavailable, h.get("/sse/CommentStream/item:42").StatusCode)
		require.Equal(t, int64(2), w.joins.Load(), "it has been there")
		w.lostAnswers.Store(false)
		time.Sleep(time.Minute)
		require.Equal(t, 1, h.count())
	})
}

func TestAProcessThatWasTakenForDeadComesBackWithAllItHolds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, w := openWatched(t)
		for range 5 {
			s := h.connect("/sse/CommentStream/item:42")
			s.idle()
		}
		w.deaf.Store(true) // cut off from the registry
		time.Sleep(2 * time.Minute)
		removed, err := h.registry.Reap(t.Context())
		require.NoError(t, err)
		require.Equal(t, 5, removed)
		require.Zero(t, h.count())
		w.deaf.Store(false)
		time.Sleep(time.Minute)
		require.Equal(t, 5, h.count())
		s := h.connect("/sse/CommentStream/item:42")
		require.Equal(t, 6, h.count())
		s.close()
		synctest.Wait()
		require.Equal(t, 5, h.count())
	})
}

func TestOneWhoIsKeptOutHoldsUpNobodyWhoComesBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, w := openWatched(t)
		for range 5 {
			s := h.connect("/sse/CommentStream/item:42")
			s.idle()
		}
		w.deaf.Store(true)
		time.Sleep(2 * time.Minute)
		_, err := h.registry.Reap(t.Context())
		require.NoError(t, err)
		w.closed.Store(true)
		w.deaf.Store(false)
		time.Sleep(time.Minute)
		joins := w.joins.Load()
		time.Sleep(time.Minute)
		require.Equal(t, joins, w.joins.Load(), "it is not asked again and again")
		w.closed.Store(false)
		s := h.connect("/sse/CommentStream/item:42")
		defer s.close()
		require.Equal(t, 1, h.count())
	})
}

func TestWhoWasLetInStaysThoughAnotherTookThePlaceMeanwhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, w := openWatched(t)
		s := h.connect("/sse/NarrowStream/room:1")
		s.idle()
		narrow := channel.MustParse("NarrowStream:room:1")
		w.deaf.Store(true)
		time.Sleep(2 * time.Minute)
		_, err := h.registry.Reap(t.Context())
		require.NoError(t, err)
		require.NoError(t, h.registry.Renew(t.Context(), "other", time.Now().Add(time.Hour)))
		_, err = h.registry.Join(t.Context(), subscriber.Connection{
			ID: "other.1", Process: "other", Seats: []subscriber.Seat{{Channel: narrow, Limit: 1}}, Joined: time.Now(),
		}, subscriber.Limits{})
		require.NoError(t, err)
		w.deaf.Store(false)
		time.Sleep(time.Minute)
		require.Equal(t, 2, h.countOn(narrow), "it is counted, and not cut off for that")
		require.Equal(t, 1, h.gateway.Open())
		require.Equal(t, http.StatusTooManyRequests, h.get("/sse/NarrowStream/room:1").StatusCode)
	})
}

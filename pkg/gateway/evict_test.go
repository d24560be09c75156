package gateway_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/command"
	"github.com/runnel-sse/runnel/pkg/gateway"
	"github.com/runnel-sse/runnel/pkg/memory"
	"github.com/runnel-sse/runnel/pkg/sse"
	"github.com/runnel-sse/runnel/pkg/subscriber"
)

// TestWhoWasKickedWhileForgottenIsCutOff: a process was taken for dead, so that
// a kick found nobody to tell. When it comes back, whoever is kept out goes.
func TestWhoWasKickedWhileForgottenIsCutOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, w := openWatched(t)
		s := h.connect("/sse/CommentStream/item:42")
		ended := make(chan []sse.Event, 1)
		go func() {
			events, err := s.end()
			if err == nil {
				ended <- events
			}
			close(ended)
		}()
		w.deaf.Store(true)
		time.Sleep(2 * time.Minute)
		_, err := h.registry.Reap(t.Context())
		require.NoError(t, err)
		until := time.Now().Add(time.Hour).UTC()
		require.NoError(t, h.registry.Block(t.Context(), subscriber.Target{User: "7"}, until))
		listed, err := h.registry.ConnectionsOf(t.Context(), "7", "", 10)
		require.NoError(t, err)
		require.Empty(t, listed)
		w.deaf.Store(false)
		events := <-ended
		require.NotEmpty(t, events, "the stream has a clean end")
		last := events[len(events)-1]
		require.Equal(t, "sse.closed", last.Type)
		require.JSONEq(t, `{"reason":"kicked","until":"`+until.Format(time.RFC3339)+`"}`, last.Data)
		require.Less(t, time.Since(until.Add(-time.Hour)), time.Minute, "at the next lease")
		synctest.Wait()
		require.Zero(t, h.count())
	})
}

// slowAnswer is a registry that has done what it says long before it says it.
type slowAnswer struct{ *memory.Registry }

func (s slowAnswer) Join(ctx context.Context, c subscriber.Connection, l subscriber.Limits) ([]subscriber.News, error) {
	news, err := s.Registry.Join(ctx, c, l)
	time.Sleep(10 * time.Second)
	return news, err
}

// TestAKickReachesWhoIsStillBeingLetIn: the registry lists a connection before
// its process has heard that it is in.
func TestAKickReachesWhoIsStillBeingLetIn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(c *gateway.Config) { c.Registry = slowAnswer{c.Registry.(*memory.Registry)} })
		other := h.connect("/sse/CommentStream/item:42") // so that the mailbox is read
		other.idle()
		go func() {
			time.Sleep(time.Second)
			listed, err := h.registry.ConnectionsOf(context.Background(), "7", "", 10)
			for _, c := range listed {
				if err == nil && c.Connection != other.hello.Connection {
					h.post(command.Command{Type: command.Kick, Connection: c.Connection, Reason: "spam"})
				}
			}
		}()
		events, err := h.connect("/sse/CommentStream/item:42").end()
		require.NoError(t, err)
		require.Len(t, events, 1)
		require.Equal(t, "sse.closed", events[0].Type)
		require.JSONEq(t, `{"reason":"kicked","detail":"spam"}`, events[0].Data)
		other.close()
		synctest.Wait()
		require.Zero(t, h.gateway.Open())
		require.Zero(t, h.tail.Followed(), "nor is the mailbox read any more")
	})
}

package gateway_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/command"
	"github.com/runnel-sse/runnel/pkg/eventlog"
	"github.com/runnel-sse/runnel/pkg/gateway"
	"github.com/runnel-sse/runnel/pkg/memory"
)

// meter is a log that remembers what it was asked.
type meter struct {
	eventlog.Log
	mu      sync.Mutex
	heads   [][]channel.Name
	reads   int
	appends int
}

func (m *meter) Heads(ctx context.Context, chs []channel.Name) (map[channel.Name]eventlog.Position, error) {
	m.mu.Lock()
	m.heads = append(m.heads, slices.Clone(chs))
	m.mu.Unlock()
	return m.Log.Heads(ctx, chs)
}

func (m *meter) Read(ctx context.Context, ch channel.Name, after eventlog.Position, limit int) ([]eventlog.Record, error) {
	m.mu.Lock()
	m.reads++
	m.mu.Unlock()
	return m.Log.Read(ctx, ch, after, limit)
}

func (m *meter) Append(ctx context.Context, ch channel.Name, events []eventlog.Event) ([]eventlog.Position, error) {
	m.mu.Lock()
	m.appends++
	m.mu.Unlock()
	return m.Log.Append(ctx, ch, events)
}

// asked returns what was asked since the last time, and forgets it.
func (m *meter) asked() (heads [][]channel.Name, reads, appends int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	heads, reads, appends = m.heads, m.reads, m.appends
	m.heads, m.reads, m.appends = nil, 0, 0
	return heads, reads, appends
}

func openMetered(t *testing.T, adjust func(*gateway.Config)) (*house, *meter, *watched) {
	log := memory.NewLog(memory.LogOptions{Retention: func(string) time.Duration { return retention }})
	m := &meter{Log: log}
	var w *watched
	h := openOver(t, log, m, func(c *gateway.Config) {
		w = &watched{Registry: c.Registry.(*memory.Registry)}
		c.Registry, c.MaxLife = w, 24*time.Hour
		if adjust != nil {
			adjust(c)
		}
	})
	return h, m, w
}

// TestWhatAConnectionCosts pins the requests that go to the cloud.
func TestWhatAConnectionCosts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, m, w := openMetered(t, nil)
		time.Sleep(time.Hour)
		heads, reads, appends := m.asked()
		require.Zero(t, len(heads)+reads+appends, "a process without connections asks nothing")
		require.Zero(t, w.renews.Load()+w.joins.Load()+w.leaves.Load(), "and writes nothing")

		s := h.connect("/sse/CommentStream/item:42")
		s.idle()
		heads, reads, appends = m.asked()
		require.Equal(t, [][]channel.Name{{item}}, heads, "to begin: one look at the heads; nobody asks for a mailbox that is new")
		require.Zero(t, reads+appends)
		require.Equal(t, int64(1), w.joins.Load(), "one transaction")
		require.Equal(t, int64(1), w.renews.Load(), "and the process's lease, since it had none")

		var streams []*stream
		for range 99 { // of the same channel and of others, up to what one request takes
			s := h.connect(fmt.Sprintf("/sse/CommentStream/item:%d", len(streams)))
			s.idle()
			streams = append(streams, s)
		}
		require.Equal(t, int64(100), w.joins.Load())
		time.Sleep(time.Minute)
		m.asked()
		renews := w.renews.Load()
		time.Sleep(10 * time.Minute)
		heads, reads, appends = m.asked()
		require.Zero(t, reads+appends, "a quiet connection reads and writes nothing of its own")
		require.Equal(t, int64(100), w.joins.Load())
		require.Zero(t, w.leaves.Load())
		require.InDelta(t, 40, w.renews.Load()-renews, 1, "one lease write in 15 s for all")
		require.InDelta(t, 10*time.Minute/poll, len(heads), 2, "one request for the heads of everything")
		process, _ := command.ProcessOf(s.hello.Connection)
		for _, chs := range heads {
			require.Len(t, chs, 100)
			require.Contains(t, chs, command.Mailbox(process), "the mailbox included")
		}

		h.post(command.Command{Type: command.Goodbye, Connection: s.hello.Connection})
		time.Sleep(time.Second)
		_, reads, appends = m.asked()
		require.Equal(t, 2, reads, "a command: by the tail, and by who obeys")
		require.Zero(t, appends)
		require.Equal(t, int64(1), w.leaves.Load())
	})
}

// TestARenewalCosts one transaction for each of taking on and giving up, and
// none for a longer life.
func TestARenewalCosts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, m, w := openMetered(t, until(time.Hour, nil))
		s := h.connect(several)
		renew := func(add, remove []string) {
			m.asked()
			h.post(command.Command{
				Type: command.Renew, Connection: s.hello.Connection, Subject: "7", Expires: time.Now().Add(2 * time.Hour), Add: add, Remove: remove,
			})
			renewed(t, s)
		}
		renew(nil, nil)
		require.Equal(t, int64(1), w.joins.Load())
		renew([]string{"CommentStream:item:1", "CommentStream:item:2", user.String()}, nil)
		require.Equal(t, int64(2), w.joins.Load())
		renew(nil, []string{"CommentStream:item:1", "CommentStream:item:2"})
		require.Equal(t, int64(2), w.joins.Load())
		require.Equal(t, int64(1), w.leaves.Load())
		s.close()
		synctest.Wait()
		require.Equal(t, int64(2), w.leaves.Load())
		require.Zero(t, h.count()+h.countOn(user))
	})
}

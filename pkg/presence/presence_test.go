package presence_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/eventlog"
	"github.com/runnel-sse/runnel/pkg/memory"
	"github.com/runnel-sse/runnel/pkg/presence"
	"github.com/runnel-sse/runnel/pkg/subscriber"
	"github.com/runnel-sse/runnel/pkg/tail"
)

func TestAUserComesAndGoes(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHouse(t)
		s := h.sayer(h.log, h.registry)
		run(t, s)
		began := time.Now().UTC()
		s.Tell(t.Context(), h.join("ada", item))
		synctest.Wait()
		require.Equal(t, []string{"sse.joined ada"}, h.said(item), "at once")

		s.Tell(t.Context(), h.leave("ada", item))
		pass(grace - time.Millisecond)
		require.Len(t, h.said(item), 1, "not before the grace is over")
		pass(2*time.Second + time.Millisecond)
		require.Equal(t, []string{"sse.joined ada", "sse.left ada"}, h.said(item))
		h.empty()

		s.Tell(t.Context(), h.join("ada", item))
		synctest.Wait()
		require.Equal(t, []string{"sse.joined ada", "sse.left ada", "sse.joined ada"}, h.said(item), "a new arrival")

		records, err := h.log.Read(t.Context(), item, eventlog.Position{}, 10)
		require.NoError(t, err)
		require.JSONEq(t, fmt.Sprintf(`{"user":"ada","at":%q}`, began.Format(time.RFC3339Nano)), string(records[0].Data))
		require.JSONEq(t, fmt.Sprintf(`{"user":"ada","at":%q}`, began.Format(time.RFC3339Nano)), string(records[1].Data), "when it happened, not when it was said")
	})
}

// Nobody is running in the process that left: Lambda has frozen it.
func TestASweepSaysAllThatIsDue(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHouse(t)
		s := h.sayer(h.log, h.registry)
		const users = 250 // more than a page
		for i := range users {
			require.NoError(t, s.Say(t.Context(), h.join(fmt.Sprint(i), item)))
			h.leave(fmt.Sprint(i), item)
		}
		h.join("unsaid", item)
		n, err := s.Sweep(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, n, "whose grace is not over waits")
		pass(grace)
		n, err = s.Sweep(t.Context())
		require.NoError(t, err)
		require.Equal(t, users, n)
		require.Len(t, h.said(item), 2*users+1)
		h.empty()
		n, err = s.Sweep(t.Context())
		require.NoError(t, err)
		require.Zero(t, n)
	})
}

// A reader gets what is said as any event of the channel: with an id, and in an
// envelope where there are several channels.
func TestAReaderGetsPresenceAsAnEvent(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHouse(t)
		require.NoError(t, h.sayer(h.log, h.registry).Say(t.Context(), h.join("ada", item)))
		for envelope, want := range map[bool]string{
			false: "event: sse.joined\ndata: {\"user\":\"ada\",\"at\":\"2000-01-01T00:00:00Z\"}\n\n",
			true:  "event: sse.joined\ndata: {\"channel\":\"CommentStream:item:42\",\"data\":{\"user\":\"ada\",\"at\":\"2000-01-01T00:00:00Z\"}}\n\n",
		} {
			tl := tail.New(h.log, tail.Options{})
			heads, err := tl.Heads(t.Context(), []channel.Name{item})
			require.NoError(t, err)
			rd := tl.Follow([]tail.Start{{Channel: item, Head: heads[item]}}, envelope)
			frames, err := rd.Next(t.Context())
			require.NoError(t, err)
			require.Regexp(t, "^id: [^\n]+\n", string(frames))
			require.Contains(t, string(frames), want)
			rd.Close()
		}
	})
}

// lateOutbox has something happen after it said what is due.
type lateOutbox struct {
	subscriber.Outbox
	then func()
}

func (o lateOutbox) Due(ctx context.Context, now time.Time, limit int) ([]subscriber.News, error) {
	due, err := o.Outbox.Due(ctx, now, limit)
	o.then()
	return due, err
}

func TestWhoComesBackAtTheLastMomentHasNotLeft(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHouse(t)
		require.NoError(t, h.sayer(h.log, h.registry).Say(t.Context(), h.join("ada", item)))
		h.leave("ada", item)
		pass(grace)
		late := lateOutbox{h.registry, func() { h.join("ada", item) }}
		n, err := h.sayer(h.log, late).Sweep(t.Context())
		require.NoError(t, err)
		require.Zero(t, n)
		require.Equal(t, []string{"sse.joined ada"}, h.said(item))
	})
}

// stuckLog fails on one channel.
type stuckLog struct {
	presence.Log
	on channel.Name
}

func (l stuckLog) Append(ctx context.Context, ch channel.Name, events []eventlog.Event) ([]eventlog.Position, error) {
	if ch == l.on {
		return nil, eventlog.ErrUnavailable
	}
	return l.Log.Append(ctx, ch, events)
}

func TestAChannelThatFailsHoldsUpNoOther(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHouse(t)
		bad, good := channel.MustParse("S:bad"), channel.MustParse("S:good")
		for i := range 150 { // more than a page, and before the others
			h.join(fmt.Sprint(i), bad)
		}
		pass(time.Second)
		for i := range 150 {
			h.join(fmt.Sprint("g", i), good)
		}
		n, err := h.sayer(stuckLog{h.log, bad}, h.registry).Sweep(t.Context())
		require.ErrorIs(t, err, eventlog.ErrUnavailable)
		require.ErrorContains(t, err, "presence: say who is on S:bad: ")
		require.Equal(t, 150, n)
		require.Len(t, h.said(good), 150)

		n, err = h.sayer(h.log, h.registry).Sweep(t.Context())
		require.NoError(t, err)
		require.Equal(t, 150, n)
	})
}

// The log fails once, when the joining is said; the leaving is on a later page
// of the same sweep, and must not come first.
func TestAChannelThatFailedIsLeftAloneForTheRestOfASweep(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHouse(t)
		h.join("ada", item)
		h.leave("ada", item)
		pass(time.Second)
		for i := range 150 {
			h.join(fmt.Sprint(i), item)
		}
		pass(grace)
		log := &switchedLog{Log: h.log, off: true, once: true}
		s := h.sayer(log, h.registry)
		_, err := s.Sweep(t.Context())
		require.ErrorIs(t, err, eventlog.ErrUnavailable)
		require.Empty(t, h.said(item))
		n, err := s.Sweep(t.Context())
		require.NoError(t, err)
		require.Equal(t, 152, n)
		require.Equal(t, "sse.joined ada", h.said(item)[0])
	})
}

func TestNeedsALogAndAnOutbox(t *testing.T) {
	t.Parallel()
	_, err := presence.New(presence.Config{Outbox: memory.NewRegistry(memory.RegistryOptions{})})
	require.ErrorContains(t, err, "presence: Config.Log or Config.Outbox is missing")
}

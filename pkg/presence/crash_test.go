package presence_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/eventlog"
	"github.com/runnel-sse/runnel/pkg/memory"
	"github.com/runnel-sse/runnel/pkg/presence"
	"github.com/runnel-sse/runnel/pkg/subscriber"
)

var errCrash = errors.New("crashed")

// mortal is a log and an outbox of a process that dies at its nth call: before
// the call does anything, or after it has done all. Nothing works after it.
type mortal struct {
	presence.Log
	subscriber.Outbox
	calls int
	dies  int
	after bool
}

func (m *mortal) call(do func() error) error {
	m.calls++
	if m.calls > m.dies || m.calls == m.dies && !m.after {
		return errCrash
	}
	if err := do(); err != nil || m.calls < m.dies {
		return err
	}
	return errCrash
}

func (m *mortal) Append(ctx context.Context, ch channel.Name, events []eventlog.Event) (at []eventlog.Position, err error) {
	err = m.call(func() error {
		at, err = m.Log.Append(ctx, ch, events)
		return err
	})
	return at, err
}

func (m *mortal) Due(ctx context.Context, now time.Time, limit int) (due []subscriber.News, err error) {
	err = m.call(func() error {
		due, err = m.Outbox.Due(ctx, now, limit)
		return err
	})
	return due, err
}

func (m *mortal) Confirm(ctx context.Context, n subscriber.News) (holds bool, err error) {
	err = m.call(func() error {
		holds, err = m.Outbox.Confirm(ctx, n)
		return err
	})
	return holds, err
}

func (m *mortal) Said(ctx context.Context, n subscriber.News) error {
	return m.call(func() error { return m.Outbox.Said(ctx, n) })
}

// A process dies at each step of saying that a user has come and gone; the user
// comes back, or does not, before another process goes on.
func TestACrashBetweenAnyTwoStepsLosesAndDoublesNothing(t *testing.T) {
	t.Parallel()
	steps := 0
	for dies := 1; ; dies++ {
		crashed := false
		for _, after := range []bool{false, true} {
			for _, back := range []bool{false, true} {
				name := fmt.Sprintf("call %d, after it %v, back %v", dies, after, back)
				t.Run(name, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						crashed = crashAt(t, dies, after, back) || crashed
					})
				})
			}
		}
		if !crashed {
			break
		}
		steps = dies
	}
	require.GreaterOrEqual(t, steps, 8, "Due, Confirm, Append and Said, for the coming and the going")
}

// crashAt reports whether there was a call to die at.
func crashAt(t *testing.T, dies int, after, back bool) bool {
	t.Helper()
	h := newHouse(t)
	// The join's process could say nothing of it, and the user is gone by now.
	h.join("ada", item)
	h.leave("ada", item)
	pass(grace)
	m := &mortal{Log: h.log, Outbox: h.registry, dies: dies, after: after}
	_, err := h.sayer(m, m).Sweep(t.Context())
	if m.calls >= dies {
		require.ErrorIs(t, err, errCrash)
	} else {
		require.NoError(t, err)
	}

	other := h.sayer(h.log, h.registry)
	if back {
		require.NoError(t, other.Say(t.Context(), h.join("ada", item)))
	}
	pass(time.Second)
	_, err = other.Sweep(t.Context())
	require.NoError(t, err)

	got := strings.Join(h.said(item), ", ")
	gone := "sse.joined ada, sse.left ada"
	switch {
	case !back:
		require.Equal(t, gone, got)
	case got != "sse.joined ada": // the going was not confirmed yet: ada was never away
		require.Equal(t, gone+", sse.joined ada", got)
	}
	h.empty()
	return m.calls >= dies
}

// Many come and go, several processes say it at once, and both the log and the
// outbox throttle, and fail though they have done it.
func TestEachIsSaidOnceAndInOrder(t *testing.T) {
	t.Parallel()
	for seed := range uint64(10) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			bubble(t, func(t *testing.T) { comeAndGo(t, seed) })
		})
	}
}

func comeAndGo(t *testing.T, seed uint64) {
	t.Helper()
	h := newHouse(t)
	log := memory.Misbehave(h.log, memory.Faults{Seed: seed, LostRace: 0.1, Throttled: 0.2, LostAnswer: 0.3})
	outbox := memory.MisbehaveRegistry(h.registry, memory.Faults{Seed: seed, Throttled: 0.05, LostAnswer: 0.1})
	var sayers []*presence.Sayer
	for range 3 {
		s := h.sayer(log, outbox)
		run(t, s)
		sayers = append(sayers, s)
	}
	channels := []channel.Name{item, channel.MustParse("S:other")}
	r := rand.New(rand.NewPCG(seed, 0))
	there := map[string]bool{}
	for range 400 {
		user := fmt.Sprint("u", r.IntN(6))
		s := sayers[r.IntN(len(sayers))]
		var news []subscriber.News
		if there[user] {
			news = h.leave(user, channels...)
		} else {
			news = h.join(user, channels...)
		}
		there[user] = !there[user]
		if r.IntN(4) > 0 { // else the process died with it
			s.Tell(t.Context(), news)
		}
		time.Sleep(time.Duration(r.Int64N(int64(8 * time.Second)))) // in a bubble
		if r.IntN(10) == 0 {
			_, _ = sayers[0].Sweep(t.Context()) // what failed comes again
		}
	}
	pass(grace)
	settle(t, sayers)
	for _, ch := range channels {
		now := map[string]bool{}
		lines := h.said(ch)
		require.Greater(t, len(lines), 20)
		for _, line := range lines {
			kind, user, _ := strings.Cut(line, " ")
			require.Equal(t, kind == "sse.left", now[user], "%s: %v", line, lines)
			now[user] = !now[user]
		}
		for user, is := range there {
			require.Equal(t, is, now[user], "a reader knows who is there: %s", user)
		}
	}
	h.empty()
}

// settle has all of them sweep at once until nothing fails.
func settle(t *testing.T, sayers []*presence.Sayer) {
	t.Helper()
	for range 1000 {
		var wg sync.WaitGroup
		failed := make(chan error, len(sayers))
		for _, s := range sayers {
			wg.Go(func() {
				if _, err := s.Sweep(t.Context()); err != nil {
					failed <- err
				}
			})
		}
		wg.Wait()
		if len(failed) == 0 {
			return
		}
	}
	require.Fail(t, "never said all")
}

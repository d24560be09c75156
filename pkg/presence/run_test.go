package presence_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAReconnectSaysNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHouse(t)
		s := h.sayer(h.log, h.registry)
		run(t, s)
		s.Tell(t.Context(), h.join("ada", item))
		for range 5 {
			s.Tell(t.Context(), h.leave("ada", item))
			pass(grace - time.Second)
			s.Tell(t.Context(), h.join("ada", item))
		}
		pass(time.Minute)
		require.Equal(t, []string{"sse.joined ada"}, h.said(item))
		h.empty()
	})
}

func TestTellNeverWaits(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHouse(t)
		s := h.sayer(h.log, h.registry)
		const users = 3000 // more than the backlog, and nobody is running
		for i := range users {
			s.Tell(t.Context(), h.join(fmt.Sprint(i), item))
		}
		run(t, s)
		pass(3 * time.Second)
		require.Len(t, h.said(item), users, "what found no place was swept")
		h.empty()
	})
}

func TestRunTriesAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHouse(t)
		log := &switchedLog{Log: h.log, off: true}
		s := h.sayer(log, h.registry)
		run(t, s)
		s.Tell(t.Context(), h.join("ada", item))
		pass(5 * time.Minute)
		require.Empty(t, h.said(item))
		tries := log.calls()
		require.Less(t, tries, 20, "ever more seldom")
		log.set(false)
		pass(32 * time.Second)
		require.Equal(t, []string{"sse.joined ada"}, h.said(item))
		tries = log.calls()
		pass(time.Hour)
		require.Equal(t, tries, log.calls(), "and then it is quiet")
	})
}

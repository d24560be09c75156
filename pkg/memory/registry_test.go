package memory_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/memory"
	"github.com/runnel-sse/runnel/pkg/subscriber"
	"github.com/runnel-sse/runnel/pkg/subscriber/subscribertest"
)

func TestRegistry(t *testing.T) {
	t.Parallel()
	subscribertest.Run(t, func(_ *testing.T, o subscribertest.Options) subscribertest.Storage {
		r := memory.NewRegistry(memory.RegistryOptions{Now: o.Now})
		return subscribertest.Storage{Registry: func(f subscribertest.Faults) subscriber.Storage {
			return memory.MisbehaveRegistry(r, memory.Faults{Seed: f.Seed, Throttled: f.Throttled, LostAnswer: f.LostAnswer})
		}}
	})
}

// TestRegistryFaults: a throttled call does nothing, and one whose answer was
// lost has done it; both look alike.
func TestRegistryFaults(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		faults memory.Faults
		stored int
	}{
		"throttled":   {faults: memory.Faults{Throttled: 1}, stored: 0},
		"lost answer": {faults: memory.Faults{LostAnswer: 1}, stored: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plain, ch := memory.NewRegistry(memory.RegistryOptions{}), channel.MustParse("S:a")
			require.NoError(t, plain.Renew(t.Context(), "p", time.Now().Add(time.Hour)))
			c := subscriber.Connection{ID: "c", Process: "p", User: "ada", Seats: []subscriber.Seat{{Channel: ch, Presence: true}}}
			news, err := memory.MisbehaveRegistry(plain, tc.faults).Join(t.Context(), c, subscriber.Limits{})
			require.ErrorIs(t, err, subscriber.ErrUnavailable)
			require.Empty(t, news)
			n, err := plain.Count(t.Context(), ch)
			require.NoError(t, err)
			require.Equal(t, tc.stored, n)
		})
	}
}

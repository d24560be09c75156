package bolt_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/bolt"
	"github.com/runnel-sse/runnel/pkg/subscriber"
)

// meddler is a context that does something each time that it is asked.
type meddler struct {
	context.Context
	meddle func()
}

func (m meddler) Err() error {
	m.meddle()
	return m.Context.Err()
}

// TestMoveBesideReaper: a connection that moves to a living lease between the
// reaper's look and its hand stays.
func TestMoveBesideReaper(t *testing.T) {
	t.Parallel()
	now := time.Now()
	r := open(t, filepath.Join(t.TempDir(), "runnel.db"), bolt.Options{Now: func() time.Time { return now }}).Registry()
	c := subscriber.Connection{ID: "c", Process: "old", Seats: []subscriber.Seat{{Channel: killed}}}
	require.NoError(t, r.Renew(t.Context(), "old", now.Add(time.Minute)))
	_, err := r.Join(t.Context(), c, subscriber.Limits{})
	require.NoError(t, err)
	now = now.Add(time.Hour)
	require.NoError(t, r.Renew(t.Context(), "new", now.Add(time.Minute)))
	c.Process = "new"
	asked := 0
	_, err = r.Reap(meddler{t.Context(), func() {
		if asked++; asked == 2 { // the first is before the look, the second before the hand
			_, err := r.Join(t.Context(), c, subscriber.Limits{})
			require.NoError(t, err)
		}
	}})
	require.NoError(t, err)
	require.GreaterOrEqual(t, asked, 2)
	list, err := r.List(t.Context(), killed, "", 10)
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Equal(t, "new", list[0].Process)
}

// TestLapsedNamesAreForgottenAfterADay, so that they do not pile up.
func TestLapsedNamesAreForgottenAfterADay(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "runnel.db")
	now := time.Now()
	s, err := bolt.Open(path, bolt.Options{Now: func() time.Time { return now }})
	require.NoError(t, err)
	require.NoError(t, s.Registry().Renew(t.Context(), "p", now.Add(time.Minute)))
	for _, wait := range []time.Duration{time.Hour, 25 * time.Hour} {
		now = now.Add(wait)
		_, err := s.Registry().Reap(t.Context())
		require.NoError(t, err)
		if wait == time.Hour {
			require.ErrorIs(t, s.Registry().Renew(t.Context(), "p", now.Add(time.Minute)), subscriber.ErrLapsed)
		}
	}
	require.NoError(t, s.Close())
	require.Zero(t, keys(t, path)["leases"])
}

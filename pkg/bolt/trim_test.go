package bolt_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"

	"github.com/runnel-sse/runnel/pkg/bolt"
	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/eventlog"
)

func numbered(n int) []eventlog.Event {
	var events []eventlog.Event
	for i := range n {
		events = append(events, eventlog.Event{ID: fmt.Sprint("e", i), Type: "A", Data: []byte(strings.Repeat("x", 100))})
	}
	return events
}

// keys counts what a bucket of the file holds, by its own means.
func keys(t *testing.T, path string) map[string]int {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true})
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	n := map[string]int{}
	require.NoError(t, db.View(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(name []byte, b *bbolt.Bucket) error {
			return b.ForEach(func(_, _ []byte) error {
				n[string(name)]++
				return nil
			})
		})
	}))
	return n
}

func TestTrim(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "runnel.db")
	now := time.Now()
	o := bolt.Options{
		Now: func() time.Time { return now },
		Retention: func(stream string) time.Duration {
			return map[string]time.Duration{"Brief": time.Hour, "Long": 100 * time.Hour}[stream]
		},
	}
	s, err := bolt.Open(path, o)
	require.NoError(t, err)
	brief, long, ever := channel.MustParse("Brief:a"), channel.MustParse("Long:a"), channel.MustParse("Ever:a")
	const old = 640 // more batches than one transaction removes
	var first, last eventlog.Position
	var wg sync.WaitGroup
	for w := range 32 {
		wg.Go(func() {
			for i := w; i < old; i += 32 {
				at, err := s.Log().Append(t.Context(), brief, []eventlog.Event{{ID: fmt.Sprint("old", i), Type: "A"}})
				if err != nil {
					t.Error(err)
				} else if i == 0 {
					first = at[0]
				}
			}
		})
	}
	wg.Wait()
	last = eventlog.Position{Epoch: first.Epoch, Seq: old}
	for _, ch := range []channel.Name{long, ever} {
		_, err = s.Log().Append(t.Context(), ch, numbered(3))
		require.NoError(t, err)
	}
	n, err := s.Trim(t.Context())
	require.NoError(t, err)
	require.Zero(t, n, "nothing has expired")

	now = now.Add(2 * time.Hour)
	_, err = s.Log().Append(t.Context(), brief, numbered(2))
	require.NoError(t, err)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = s.Trim(gone)
	require.ErrorIs(t, err, context.Canceled)
	n, err = s.Trim(t.Context())
	require.NoError(t, err)
	require.Equal(t, old, n)
	records, err := s.Log().Read(t.Context(), brief, last, 10)
	require.NoError(t, err)
	require.Len(t, records, 2)
	_, err = s.Log().Read(t.Context(), brief, eventlog.Position{}, 10)
	var gap *eventlog.GapError
	require.ErrorAs(t, err, &gap)
	require.Equal(t, last, gap.Resume, "the gap is the same whether trimmed or not")
	at, err := s.Log().Append(t.Context(), brief, []eventlog.Event{{ID: "old0", Type: "A"}})
	require.NoError(t, err)
	require.Equal(t, first, at[0], "its id is known for a day")

	now = now.Add(23 * time.Hour) // past the window of the first ids
	at, err = s.Log().Append(t.Context(), brief, []eventlog.Event{{ID: "old7", Type: "A"}})
	require.NoError(t, err)
	require.EqualValues(t, old+3, at[0].Seq)
	_, err = s.Trim(t.Context())
	require.NoError(t, err)
	again, err := s.Log().Append(t.Context(), brief, []eventlog.Event{{ID: "old7", Type: "A"}})
	require.NoError(t, err)
	require.Equal(t, at, again, "an id that came again keeps its new place")
	require.NoError(t, s.Close())
	left := keys(t, path)
	require.Equal(t, 3, left["batches"], "old7 and the two kept channels")
	require.Equal(t, 3, left["ids"], "the two of brief from the second hour, and old7")
	require.Equal(t, left["ids"], left["forget"])
	require.Equal(t, 3, left["heads"])
}

// TestFileStopsGrowing: the pages of what was trimmed are used again.
func TestFileStopsGrowing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "runnel.db")
	now := time.Now()
	s := open(t, path, bolt.Options{
		Now:       func() time.Time { return now },
		Retention: func(string) time.Duration { return time.Hour },
	})
	var sizes []int64
	for day := range 10 {
		for i := range 8 {
			events := numbered(100)
			for j := range events {
				events[j].ID = fmt.Sprint(day, "-", i, "-", j)
			}
			_, err := s.Log().Append(t.Context(), killed, events)
			require.NoError(t, err)
		}
		now = now.Add(25 * time.Hour)
		_, err := s.Trim(t.Context())
		require.NoError(t, err)
		stat, err := os.Stat(path)
		require.NoError(t, err)
		sizes = append(sizes, stat.Size())
	}
	require.Equal(t, sizes[3], sizes[9], "%v", sizes)
}

// TestAllTrimmed: a channel of which nothing is left does not find the events
// of its neighbour in the file.
func TestAllTrimmed(t *testing.T) {
	t.Parallel()
	now := time.Now()
	s := open(t, filepath.Join(t.TempDir(), "runnel.db"), bolt.Options{
		Now:       func() time.Time { return now },
		Retention: func(string) time.Duration { return time.Hour },
	})
	ch, neighbour := channel.MustParse("S:item:1"), channel.MustParse("S:item:10")
	at, err := s.Log().Append(t.Context(), ch, numbered(5))
	require.NoError(t, err)
	now = now.Add(2 * time.Hour)
	_, err = s.Log().Append(t.Context(), neighbour, numbered(20))
	require.NoError(t, err)
	_, err = s.Trim(t.Context())
	require.NoError(t, err)
	_, err = s.Log().Read(t.Context(), ch, at[1], 10)
	var gap *eventlog.GapError
	require.ErrorAs(t, err, &gap)
	require.Equal(t, at[4], gap.Resume)
	records, err := s.Log().Read(t.Context(), ch, at[4], 10)
	require.NoError(t, err)
	require.Empty(t, records)
}

func TestClockThatGoesBack(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(1e12)
	s := open(t, filepath.Join(t.TempDir(), "runnel.db"), bolt.Options{
		Now:       func() time.Time { return now },
		Retention: func(string) time.Duration { return time.Hour },
	})
	for _, step := range []time.Duration{0, -30 * time.Minute, 0} {
		now = time.UnixMilli(1e12).Add(step)
		_, err := s.Log().Append(t.Context(), killed, []eventlog.Event{{Type: "A"}})
		require.NoError(t, err)
	}
	now = time.UnixMilli(1e12).Add(45 * time.Minute)
	records, err := s.Log().Read(t.Context(), killed, eventlog.Position{}, 10)
	require.NoError(t, err)
	require.Equal(t, records[0].At, records[1].At, "times never fall along a channel")
	records, err = s.Log().Read(t.Context(), killed, records[0].Position, 10)
	require.NoError(t, err, "the second must not expire before the first")
	require.Len(t, records, 2)
}

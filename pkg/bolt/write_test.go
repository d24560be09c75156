package bolt_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"

	"github.com/runnel-sse/runnel/pkg/bolt"
	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/eventlog"
)

// TestCancelledWriters: a writer that gives up has stored all of its batch or
// nothing, and holds up nobody.
func TestCancelledWriters(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "runnel.db"), bolt.Options{})
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	var wg sync.WaitGroup
	for w := range 16 {
		r := rand.New(rand.NewPCG(seed, uint64(w)))
		wg.Go(func() {
			for i := range 20 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(r.IntN(4000))*time.Microsecond)
				data := []byte("first")
				batch := []eventlog.Event{{ID: fmt.Sprint(w, "-", i, "a"), Type: "A", Data: data}, {ID: fmt.Sprint(w, "-", i, "b"), Type: "A"}}
				_, first := s.Log().Append(ctx, killed, batch)
				cancel()
				copy(data, "again") // a race, if somebody still looks at it
				at, err := s.Log().Append(t.Context(), killed, batch)
				if err != nil || at[1].Seq != at[0].Seq+1 {
					t.Errorf("%v, %v after %v", at, err, first)
				}
			}
		})
	}
	wg.Wait()
	records, err := s.Log().Read(t.Context(), killed, eventlog.Position{}, 10_000)
	require.NoError(t, err)
	require.Len(t, records, 16*20*2)
}

// TestDamagedChannelHarmsNoOther: writers share a commit, and not each other's faults.
func TestDamagedChannelHarmsNoOther(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "runnel.db")
	s, err := bolt.Open(path, bolt.Options{})
	require.NoError(t, err)
	bad := channel.MustParse("S:bad")
	_, err = s.Log().Append(t.Context(), bad, numbered(1))
	require.NoError(t, err)
	require.NoError(t, s.Close())
	db, err := bbolt.Open(path, 0o600, nil)
	require.NoError(t, err)
	require.NoError(t, db.Update(func(tx *bbolt.Tx) error { return tx.Bucket([]byte("heads")).Put([]byte("S:bad"), []byte("?")) }))
	require.NoError(t, db.Close())

	s = open(t, path, bolt.Options{})
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range 10 {
				if w%4 == 0 {
					if _, err := s.Log().Append(t.Context(), bad, numbered(1)); err == nil {
						t.Error("the damage was not noticed")
					}
					continue
				}
				if _, err := s.Log().Append(t.Context(), killed, []eventlog.Event{{ID: fmt.Sprint(w, "-", i), Type: "A"}}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	records, err := s.Log().Read(t.Context(), killed, eventlog.Position{}, 1000)
	require.NoError(t, err)
	require.Len(t, records, 60)
}

// BenchmarkAppend is one event of 256 bytes a call, each of them durable.
func BenchmarkAppend(b *testing.B) {
	for _, writers := range []int{1, 32} {
		b.Run(fmt.Sprint(writers, " writers"), func(b *testing.B) {
			s := open(b, filepath.Join(b.TempDir(), "runnel.db"), bolt.Options{})
			data := make([]byte, 256)
			b.ResetTimer()
			var wg sync.WaitGroup
			for w := range writers {
				wg.Go(func() {
					for i := range b.N / writers {
						e := eventlog.Event{ID: fmt.Sprint(w, "-", i), Type: "CommentAdded", Data: data}
						if _, err := s.Log().Append(b.Context(), killed, []eventlog.Event{e}); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N/writers*writers)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

func BenchmarkRead(b *testing.B) {
	for name, size := range map[string]int{"batches of 1": 1, "batches of 25": 25} {
		b.Run(name, func(b *testing.B) {
			s := open(b, filepath.Join(b.TempDir(), "runnel.db"), bolt.Options{})
			for i := range 200 / size {
				events := numbered(size)
				for j := range events {
					events[j].ID = fmt.Sprint(i, "-", j)
				}
				if _, err := s.Log().Append(b.Context(), killed, events); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportAllocs()
			for b.Loop() {
				records, err := s.Log().Read(b.Context(), killed, eventlog.Position{}, 100)
				if err != nil || len(records) != 100 {
					b.Fatal(len(records), err)
				}
			}
		})
	}
}

package logtest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/eventlog"
)

var concurrencyCases = map[string]func(*testing.T, fixture){
	"32 appenders at once":                      appenders,
	"readers beside appenders never see a hole": readersBesideAppenders,
	"first appenders agree on the epoch":        firstAppenders,
}

// appenders: 32 writers on one channel. Each batch is sent by two of them at
// once, as two deliveries of one SQS message are.
func appenders(t *testing.T, f fixture) {
	const pairs, batches, size = 16, 3, 3
	var (
		wg  sync.WaitGroup
		got [2 * pairs][batches][]eventlog.Position
	)
	batch := func(pair, b int) []eventlog.Event { return numbered(fmt.Sprintf("w%d-b%d-%%d", pair, b), size) }
	for w := range 2 * pairs {
		wg.Go(func() {
			for b := range batches {
				at, err := f.tryAppend(t.Context(), one, batch(w%pairs, b))
				if err != nil || len(at) != size {
					t.Errorf("append: %d positions, %v", len(at), err)
					return
				}
				got[w][b] = at
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		return
	}
	const total = pairs * batches * size
	records := f.read(t, one, eventlog.Position{}, total, 50)
	for w := range pairs {
		for b := range batches {
			at := got[w][b]
			require.Equal(t, at, got[w+pairs][b], "both senders of a batch are told the same positions")
			for i, e := range batch(w, b) {
				require.Equal(t, at[0].Seq+uint64(i), at[i].Seq, "a batch is stored in one piece, in order")
				r := records[at[i].Seq-1]
				require.Equal(t, e.ID, r.ID)
				require.Equal(t, at[i], r.Position)
			}
			if b > 0 {
				require.Greater(t, at[0].Seq, got[w][b-1][size-1].Seq, "one writer's batches keep their order")
			}
		}
	}
	f.head(t, one, records[total-1].Position)
}

func readersBesideAppenders(t *testing.T, f fixture) {
	const writers, batches, size, total = 3, 8, 4, 96
	var wg sync.WaitGroup
	ctx, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	for range 2 {
		wg.Go(func() {
			var after eventlog.Position
			for after.Seq < total {
				records, err := f.page(ctx, one, after, 5) // fails on a hole
				if err != nil {
					t.Errorf("read after %v: %v", after, err)
					return
				}
				if len(records) > 0 {
					after = records[len(records)-1].Position
				} else if !pause(ctx, time.Millisecond) {
					t.Errorf("read %d of %d events", after.Seq, total)
					return
				}
			}
		})
	}
	for w := range writers {
		wg.Go(func() {
			for b := range batches {
				if _, err := f.tryAppend(ctx, one, numbered(fmt.Sprintf("w%d-b%d-%%d", w, b), size)); err != nil {
					t.Errorf("append: %v", err)
					stop()
					return
				}
			}
		})
	}
	wg.Wait()
}

// firstAppenders make a channel's head at the same moment.
func firstAppenders(t *testing.T, f fixture) {
	for round := range 5 {
		ch := channel.MustParse(fmt.Sprint("CommentStream:item:", round))
		var wg sync.WaitGroup
		for w := range 8 {
			wg.Go(func() {
				if _, err := f.tryAppend(t.Context(), ch, events(fmt.Sprint("w", w))); err != nil {
					t.Errorf("append: %v", err)
				}
			})
		}
		wg.Wait()
		records := f.read(t, ch, eventlog.Position{}, 8, 100)
		for _, r := range records {
			require.Equal(t, records[0].Position.Epoch, r.Position.Epoch)
		}
	}
}

package memory_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/eventlog"
	"github.com/runnel-sse/runnel/pkg/memory"
)

func BenchmarkAppend(b *testing.B) {
	ch, data := channel.MustParse("CommentStream:item:1"), make([]byte, 256)
	for name, tc := range map[string]struct {
		size int
		ids  bool
	}{
		"1": {size: 1}, "1 with id": {size: 1, ids: true}, "25": {size: 25}, "25 with ids": {size: 25, ids: true},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			log := memory.NewLog(memory.LogOptions{MaxRecords: 100_000})
			events := make([]eventlog.Event, tc.size)
			n := 0
			begin := time.Now()
			for b.Loop() {
				for i := range events {
					events[i] = eventlog.Event{Type: "CommentAdded", Data: data}
					if n++; tc.ids {
						events[i].ID = strconv.Itoa(n)
					}
				}
				if _, err := log.Append(b.Context(), ch, events); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(n)/time.Since(begin).Seconds(), "events/s")
		})
	}
}

func BenchmarkRead(b *testing.B) {
	ch, log := channel.MustParse("CommentStream:item:1"), memory.NewLog(memory.LogOptions{})
	for range 1000 {
		if _, err := log.Append(b.Context(), ch, []eventlog.Event{{Type: "CommentAdded", Data: make([]byte, 256)}}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := log.Read(b.Context(), ch, eventlog.Position{}, 100); err != nil {
			b.Fatal(err)
		}
	}
}

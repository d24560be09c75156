package batch_test

import (
	"bytes"
	"compress/flate"
	"fmt"
	"testing"

	"github.com/runnel-sse/runnel/pkg/eventlog"
	"github.com/runnel-sse/runnel/pkg/eventlog/batch"
)

func BenchmarkEncode(b *testing.B) {
	for name, events := range map[string][]eventlog.Event{"JSON": realistic(25), "noise": noisy(25, 300), "one": realistic(1)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			var buf []byte
			for b.Loop() {
				buf = batch.Encode(buf[:0], first, at, events)
			}
			b.ReportMetric(float64(len(buf)), "bytes")
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	for name, events := range map[string][]eventlog.Event{"JSON": realistic(25), "noise": noisy(25, 300), "one": realistic(1)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			buf := batch.Encode(nil, first, at, events)
			for b.Loop() {
				if _, err := batch.Decode(buf); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkLevel is why the level is what it is.
func BenchmarkLevel(b *testing.B) {
	var raw []byte
	for _, e := range realistic(25) {
		raw = append(append(raw, e.ID...), e.Data...)
	}
	for _, level := range []int{flate.HuffmanOnly, 1, 2, 3, 5, 6, 9} {
		b.Run(fmt.Sprint(level), func(b *testing.B) {
			var out bytes.Buffer
			w, err := flate.NewWriter(&out, level)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				out.Reset()
				w.Reset(&out)
				_, _ = w.Write(raw)
				_ = w.Close()
			}
			b.ReportMetric(float64(len(raw)), "raw-bytes")
			b.ReportMetric(float64(out.Len()), "bytes")
		})
	}
}

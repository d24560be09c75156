package load

import (
	"math"
	"math/bits"
	"time"
)

// Buckets of a histogram: each power of two of microseconds has 64, so a value
// is known to 1.6 %.
const (
	fineBits = 6
	fine     = 1 << fineBits
	buckets  = (64 - fineBits + 1) * fine
)

// Histogram counts durations, to the microsecond and to 1.6 %. The zero
// Histogram is empty and ready.
type Histogram struct {
	counts [buckets]uint64
	total  uint64
	max    time.Duration
}

// Add counts n times d. A negative d counts as 0.
func (h *Histogram) Add(d time.Duration, n uint64) {
	d = max(d, 0)
	h.counts[bucket(uint64(d/time.Microsecond))] += n
	h.total += n
	h.max = max(h.max, d)
}

// Count is how many durations were added.
func (h *Histogram) Count() uint64 { return h.total }

// Max is the longest duration, exactly; 0 when there is none.
func (h *Histogram) Max() time.Duration { return h.max }

// Quantile is the smallest duration that the share q (0 to 1) of all durations
// does not exceed: the upper end of its bucket, at most Max.
func (h *Histogram) Quantile(q float64) time.Duration {
	want := uint64(q * float64(h.total))
	if float64(want) < q*float64(h.total) {
		want++
	}
	want = max(want, 1)
	var seen uint64
	for i, n := range h.counts {
		if seen += n; seen >= want {
			return min(upper(i), h.max)
		}
	}
	return h.max
}

// bucket is the index of the bucket that holds v.
func bucket(v uint64) int {
	if v < fine {
		return int(v)
	}
	shift := bits.Len64(v) - fineBits - 1
	return (shift+1)*fine + int(v>>shift) - fine
}

// upper is the largest value of a bucket.
func upper(i int) time.Duration {
	if i < fine {
		return time.Duration(i) * time.Microsecond
	}
	shift := i/fine - 1
	v := uint64(i%fine+fine+1)<<shift - 1
	return time.Duration(min(v, math.MaxInt64/1000)) * time.Microsecond
}

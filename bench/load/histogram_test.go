package load

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestQuantilesOfSmallValuesAreExact(t *testing.T) {
	t.Parallel()
	var h Histogram
	for i := range 50 {
		h.Add(time.Duration(i+1)*time.Microsecond, 1)
	}
	require.Equal(t, uint64(50), h.Count())
	require.Equal(t, time.Microsecond, h.Quantile(0))
	require.Equal(t, 25*time.Microsecond, h.Quantile(0.5))
	require.Equal(t, 26*time.Microsecond, h.Quantile(0.501))
	require.Equal(t, 50*time.Microsecond, h.Quantile(0.99))
	require.Equal(t, 50*time.Microsecond, h.Quantile(1))
}

func TestQuantilesAreNearTheSortedTruth(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	var h Histogram
	var all []time.Duration
	for range 20_000 {
		d := time.Duration(math.Exp(random.Float64()*16)) * time.Microsecond // 1 µs to 9 s
		all = append(all, d)
		h.Add(d, 1)
	}
	slices.Sort(all)
	for _, q := range []float64{0.001, 0.1, 0.5, 0.9, 0.99, 0.999} {
		truth := all[int(math.Ceil(q*float64(len(all))))-1]
		got := h.Quantile(q)
		require.GreaterOrEqual(t, got, truth, "q %v", q)
		require.LessOrEqual(t, float64(got), float64(truth)*1.016+float64(time.Microsecond), "q %v", q)
	}
	require.Equal(t, all[len(all)-1], h.Max())
	require.Equal(t, h.Max(), h.Quantile(1))
}

func TestAHistogramTakesAnyDuration(t *testing.T) {
	t.Parallel()
	var h Histogram
	require.Zero(t, h.Quantile(0.99))
	h.Add(-time.Second, 1)
	require.Zero(t, h.Max())
	h.Add(math.MaxInt64, 3)
	require.Equal(t, uint64(4), h.Count())
	require.Equal(t, time.Duration(math.MaxInt64), h.Max())
	require.InEpsilon(t, float64(math.MaxInt64), float64(h.Quantile(0.99)), 0.016)
}

func TestEveryValueLiesInItsBucket(t *testing.T) {
	t.Parallel()
	for _, v := range []uint64{0, 1, 63, 64, 65, 127, 128, 129, 130, 1000, 1 << 20, 1<<20 + 1, 1 << 40} {
		i := bucket(v)
		require.LessOrEqual(t, v, uint64(upper(i)/time.Microsecond), "value %d", v)
		if i > 0 {
			require.Greater(t, v, uint64(upper(i-1)/time.Microsecond), "value %d", v)
		}
	}
}

package obs

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"sync"
	"time"
)

// Namespace is where CloudWatch keeps the numbers.
const Namespace = "Runnel"

// maxValues is how many values of a metric CloudWatch takes in one line.
const maxValues = 100

// EMF is a Metrics that writes CloudWatch's embedded metric format: a log line
// that CloudWatch also counts. It gathers until Flush, so that a busy process
// pays for a line a period and not for one an event. It has one dimension, the program.
type EMF struct {
	w       io.Writer
	program string
	now     func() time.Time

	writing sync.Mutex // one line at a time

	mu     sync.Mutex           // guards what follows, not w
	counts map[Metric]int       // since the last Flush
	values map[Metric][]float64 // since the last Flush
	gauges map[Metric]float64   // the last value of each, for ever
}

// NewEMF returns an EMF that writes its lines to w.
func NewEMF(w io.Writer, program string, now func() time.Time) *EMF {
	return &EMF{
		w: w, program: program, now: now,
		counts: map[Metric]int{}, values: map[Metric][]float64{}, gauges: map[Metric]float64{},
	}
}

// Add counts n more of m.
func (e *EMF) Add(m Metric, n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.counts[m] += n
}

// Observe notes one value of m. When a line's room for values is full, what has
// gathered is written first.
func (e *EMF) Observe(m Metric, value float64) {
	e.mu.Lock()
	e.values[m] = append(e.values[m], value)
	full := len(e.values[m]) >= maxValues
	e.mu.Unlock()
	if full {
		e.Flush()
	}
}

// Set says how many of m there are now.
func (e *EMF) Set(m Metric, value float64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.gauges[m] = value
}

// Flush writes what has gathered since the last one as one line, or nothing.
func (e *EMF) Flush() {
	e.writing.Lock()
	defer e.writing.Unlock()
	line := e.take()
	if line == nil {
		return
	}
	// A line that cannot be written is lost, as every log line would be.
	_, _ = e.w.Write(line)
}

// Run flushes every period, and once more when ctx is done.
func (e *EMF) Run(ctx context.Context, period time.Duration) {
	tick := time.NewTicker(period)
	defer tick.Stop()
	defer e.Flush()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			e.Flush()
		}
	}
}

// take returns the line and forgets what is in it.
func (e *EMF) take() []byte {
	e.mu.Lock()
	defer e.mu.Unlock()
	fields := map[string]any{"program": e.program}
	for m, n := range e.counts {
		fields[string(m)] = n
	}
	for m, v := range e.values {
		fields[string(m)] = v[:min(len(v), maxValues)]
	}
	for m, v := range e.gauges {
		fields[string(m)] = v
	}
	if len(fields) == 1 {
		return nil
	}
	clear(e.counts)
	for m, v := range e.values {
		if len(v) > maxValues { // others observed while we were on our way here
			e.values[m] = v[maxValues:]
		} else {
			delete(e.values, m)
		}
	}

	type definition struct{ Name, Unit string }
	var metrics []definition
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if unit, ok := units[Metric(name)]; ok {
			metrics = append(metrics, definition{name, unit})
		}
	}
	fields["_aws"] = map[string]any{
		"Timestamp": e.now().UnixMilli(),
		"CloudWatchMetrics": []any{map[string]any{
			"Namespace": Namespace, "Dimensions": [][]string{{"program"}}, "Metrics": metrics,
		}},
	}
	line, err := json.Marshal(fields)
	if err != nil { // a NaN or an infinity: no number that anyone could count
		return nil
	}
	return append(line, '\n')
}

package gateway_test

import (
	"slices"
	"sync"

	"github.com/runnel-sse/runnel/pkg/obs"
)

// numbersOf remembers every number.
type numbersOf struct {
	mu     sync.Mutex
	counts map[obs.Metric]int
	values map[obs.Metric][]float64
}

func (n *numbersOf) Add(m obs.Metric, by int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.counts == nil {
		n.counts = map[obs.Metric]int{}
	}
	n.counts[m] += by
}

func (n *numbersOf) Observe(m obs.Metric, value float64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.values == nil {
		n.values = map[obs.Metric][]float64{}
	}
	n.values[m] = append(n.values[m], value)
}

func (n *numbersOf) Set(m obs.Metric, value float64) { n.Observe(m, value) }

func (n *numbersOf) count(m obs.Metric) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.counts[m]
}

func (n *numbersOf) of(m obs.Metric) []float64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.values[m])
}

package dynamo

import (
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Consumed is what calls of DynamoDB cost.
type Consumed struct {
	Requests int
	WRU      float64 // write request units
	RRU      float64 // read request units
}

// Meter adds up what a log or a registry consumes. The nil Meter counts nothing.
type Meter struct {
	mu  sync.Mutex
	sum Consumed
}

// Take returns what was consumed since the last Take.
func (m *Meter) Take() Consumed {
	m.mu.Lock()
	defer m.mu.Unlock()
	sum := m.sum
	m.sum = Consumed{}
	return sum
}

func (m *Meter) write(all ...types.ConsumedCapacity) {
	m.add(func(c types.ConsumedCapacity) { m.sum.WRU += *c.CapacityUnits }, all)
}

func (m *Meter) read(all ...types.ConsumedCapacity) {
	m.add(func(c types.ConsumedCapacity) { m.sum.RRU += *c.CapacityUnits }, all)
}

func (m *Meter) add(count func(types.ConsumedCapacity), all []types.ConsumedCapacity) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sum.Requests++
	for _, c := range all {
		if c.CapacityUnits != nil {
			count(c)
		}
	}
}

// one is the list of an answer's single figure.
func one(c *types.ConsumedCapacity) []types.ConsumedCapacity {
	if c == nil {
		return nil
	}
	return []types.ConsumedCapacity{*c}
}

// Package languages has one stream in Go and one in Rust, with every kind of type
// in each.
package languages

import "time"

// OrderStream tells a customer what becomes of an order.
//
//sse:channel tenant:{tenant}:{order}
//sse:policy owner tenant org
//sse:function orders memory 512 concurrency 50 lease 60s

// OrderPlaced says that an order was placed.
type OrderPlaced struct {
	Tenant   Tenant            `json:"tenant"`
	Order    uint64            `json:"order"`
	Lines    []Line            `json:"lines"`
	Labels   map[string]string `json:"labels"`
	Note     *string           `json:"note"`
	Due      time.Time         `json:"due,omitzero"`
	Receipt  []byte            `json:"receipt"`
	Paid     bool              `json:"paid"`
	Discount float32           `json:"discount,omitempty"`
}

// OrderShipped says that an order is on its way.
type OrderShipped struct {
	Tenant Tenant `json:"tenant"`
	Order  uint64 `json:"order"`
	At     int64  `json:"at"` // Unix seconds
}

// Line is one of an order.
type Line struct {
	Article string  `json:"article"`
	Count   int8    `json:"count"`
	Price   float64 `json:"price"`
}

// Tenant is who sells.
type Tenant string

// The tenants.
const (
	North Tenant = "north"
	South Tenant = "south"
)

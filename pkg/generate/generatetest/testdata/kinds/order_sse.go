package kinds

import "time"

// OrderStream has a field of every kind.
//
//sse:channel shop:{shop_id}:{line_no}:{state}
//sse:policy owner shop_id org
//sse:retention 48h
//sse:limit 100
//sse:limit user 5
//sse:limit address 20
//sse:presence grace 200s
//sse:economy open 25s closed 60s
//sse:budget 500h

// OrderPlaced has them all.
type OrderPlaced struct {
	ShopID  string  `json:"shop_id"`
	LineNo  uint64  `json:"line_no"`
	State   State   `json:"state"`
	Paid    bool    `json:"paid"`
	Small   int8    `json:"small"`
	Wide    uint32  `json:"wide"`
	Exact   int64   `json:"exact"` // of the smallest unit
	Rate    float32 `json:"rate"`
	Sum     float64 `json:"sum"`
	Receipt []byte  `json:"receipt"`
	// When it was placed,
	// by the shop's clock.
	At       time.Time            `json:"at"`
	Note     *string              `json:"note"`
	Lines    []Line               `json:"lines"`
	Votes    map[string]uint64    `json:"votes,omitempty"`
	Holes    []*int64             `json:"holes"`
	Deep     map[string][]Address `json:"deep"`
	Address  *Address             `json:"address"`
	Previous *State               `json:"previous"`
}

// OrderGone has nothing but its key.
type OrderGone struct {
	ShopID string `json:"shop_id"`
	LineNo uint64 `json:"line_no"`
	State  State  `json:"state"`
}

// Line is one thing that was ordered.
type Line struct {
	Amount  int64    `json:"amount"`
	Price   float64  `json:"price"`
	Address *Address `json:"address"`
}

// Address is where it goes.
type Address struct {
	Street string `json:"street"`
	Number *int32 `json:"number"`
}

// State is how far it has come.
type State string

// The states.
const (
	StateOpen State = "open"
	StateSent State = "sent"
)

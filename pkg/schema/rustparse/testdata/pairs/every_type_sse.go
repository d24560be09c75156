package events

import "time"

//sse:channel all

type Every struct {
	S     string            `json:"s"`
	B     bool              `json:"b"`
	I8    int8              `json:"i8"`
	I16   int16             `json:"i16"`
	I32   int32             `json:"i32"`
	I64   int64             `json:"i64"`
	U8    uint8             `json:"u8"`
	U16   uint16            `json:"u16"`
	U32   uint32            `json:"u32"`
	U64   uint64            `json:"u64"`
	F32   float32           `json:"f32"`
	F64   float64           `json:"f64"`
	Bytes []byte            `json:"bytes"`
	At    time.Time         `json:"at"`
	Maybe *string           `json:"maybe"`
	Empty []string          `json:"empty,omitempty"`
	Skip  int               `json:"-"`
	List  []*Part           `json:"list"`
	Map   map[string][]Part `json:"map"`
	Level Level             `json:"level"`
	Type  Alias             `json:"type"`
}

// Part is a part.
type Part struct {
	InnerPart Inner `json:"innerPart"`
}

type Inner struct {
	Up time.Time `json:"UP"`
}

type Alias = int32

type Level string

const (
	Low     Level = "low"
	VeryLow Level = "very_low"
	Worse   Level = "bad/worse"
)

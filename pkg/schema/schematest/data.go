package schematest

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"

	"github.com/runnel-sse/runnel/pkg/schema"
)

// Data returns data that the event's definition allows, a JSON object. Numbers
// are often at the ends of their range.
func Data(seed uint64, e *schema.Event) []byte {
	r := &random{Rand: rand.New(rand.NewPCG(seed, 0x64617461))}
	text, _ := json.Marshal(r.object(e.Fields)) // plain values: cannot fail
	return text
}

func (r *random) object(fields []schema.Field) map[string]any {
	o := map[string]any{}
	for i := range fields {
		if fields[i].Type.Kind == schema.Optional && r.IntN(3) == 0 {
			continue
		}
		o[fields[i].JSON] = r.value(&fields[i].Type)
	}
	return o
}

func (r *random) value(t *schema.Type) any {
	switch t.Kind {
	case schema.String:
		return r.one("", "x", "é😀", "<\"\\\n", "42")
	case schema.Bool:
		return r.maybe()
	case schema.Int:
		return json.Number(r.integer(t))
	case schema.Float:
		most := math.MaxFloat32
		if t.Bits == 64 {
			most = math.MaxFloat64
		}
		return []float64{0, -1.5, 1e-7, most, -most}[r.IntN(5)]
	case schema.Bytes:
		return []byte(r.one("", "a", "\x00\xff\xfe"))
	case schema.Time:
		return r.one("2026-01-31T15:04:05Z", "2026-01-31T15:04:05.123456789+01:00")
	case schema.Optional:
		if r.maybe() {
			return nil
		}
		return r.value(t.Elem)
	case schema.List:
		list := []any{}
		for range r.IntN(3) {
			list = append(list, r.value(t.Elem))
		}
		return list
	case schema.Map:
		object := map[string]any{}
		for i := range r.IntN(3) {
			object[fmt.Sprintf("%s%d", r.one("", "k", "é"), i)] = r.value(t.Elem)
		}
		return object
	case schema.Enum:
		return t.Named.Values[r.IntN(len(t.Named.Values))]
	default:
		return r.object(t.Named.Fields)
	}
}

// integer is a value of the type, written out.
func (r *random) integer(t *schema.Type) string {
	if t.Unsigned {
		most := ^uint64(0) >> (64 - t.Bits)
		return strconv.FormatUint([]uint64{0, most, r.Uint64() & most}[r.IntN(3)], 10)
	}
	most := int64(^uint64(0) >> (65 - t.Bits))
	return strconv.FormatInt([]int64{-most - 1, most, int64(r.Uint64()) >> (64 - t.Bits)}[r.IntN(3)], 10)
}

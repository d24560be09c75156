package diff_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/schema"
	"github.com/runnel-sse/runnel/pkg/schema/diff"
	"github.com/runnel-sse/runnel/pkg/schema/schematest"
)

// mutate changes one field, or one event, of the stream.
func mutate(r *rand.Rand, s *schema.Stream, other []schema.Field) {
	e := &s.Events[r.IntN(len(s.Events))]
	fields := &e.Fields
	if types := structs(s); len(types) > 0 && r.IntN(3) == 0 {
		fields = &types[r.IntN(len(types))].Fields
	}
	if len(*fields) == 0 {
		return
	}
	f := &(*fields)[r.IntN(len(*fields))]
	foreign := other[r.IntN(len(other))]
	switch r.IntN(7) {
	case 0:
		*fields = slices.DeleteFunc(slices.Clone(*fields), func(g schema.Field) bool { return g.JSON == f.JSON })
	case 1:
		foreign.JSON = "foreign"
		*fields = append(*fields, foreign)
	case 2:
		f.JSON += "_new"
	case 3:
		f.Type = foreign.Type
	case 4:
		if inner := f.Type; inner.Kind == schema.Optional {
			f.Type = *inner.Elem
		} else {
			f.Type = schema.Type{Kind: schema.Optional, Elem: &inner}
		}
	case 5:
		for t := &f.Type; t != nil; t = t.Elem {
			switch t.Kind {
			case schema.Int:
				t.Bits, t.Unsigned = 8<<r.IntN(4), r.IntN(2) == 0
			case schema.Float:
				t.Bits = 96 - t.Bits
			case schema.Enum:
				t.Named.Values = append(slices.Clone(t.Named.Values[r.IntN(len(t.Named.Values)):]), "new")
			}
		}
	case 6:
		e.Name += "X"
	}
}

func structs(s *schema.Stream) []*schema.Named {
	var list []*schema.Named
	for i := range s.Events {
		for j := range s.Events[i].Fields {
			for t := &s.Events[i].Fields[j].Type; t != nil; t = t.Elem {
				if t.Kind == schema.Struct {
					list = append(list, t.Named)
				}
			}
		}
	}
	return list
}

// What is said to be safe is: the gate of the one form takes any data of the other.
func TestWhatIsSafeGoesThroughTheGate(t *testing.T) {
	t.Parallel()
	var readers, kept int
	for seed := range uint64(1000) {
		before := schematest.Random(seed)
		after := &schema.Catalog{Streams: schematest.Shape(before.Streams...)}
		r := rand.New(rand.NewPCG(seed, 1))
		other := schematest.Random(seed + 1_000_000).Streams[0].Events[0].Fields
		if len(other) == 0 {
			continue
		}
		for i := range after.Streams {
			mutate(r, &after.Streams[i], other)
		}
		changes := diff.Catalogs(before, after)
		all := func(safe func(diff.Change) bool) bool {
			return !slices.ContainsFunc(changes, func(c diff.Change) bool { return !safe(c) })
		}
		if all(func(c diff.Change) bool { return c.Readers.Safe }) {
			readers += passes(t, seed, after, before)
		}
		if all(func(c diff.Change) bool { return c.Log.Safe && c.Publishers.Safe }) {
			kept += passes(t, seed, before, after)
		}
	}
	require.Greater(t, min(readers, kept), 1000, "the changes are of every kind")
}

// passes sends data of each event of one catalog through the gate of another.
func passes(t *testing.T, seed uint64, from, through *schema.Catalog) int {
	t.Helper()
	n := 0
	for _, s := range from.Streams {
		gate, ok := through.Stream(s.Name)
		require.True(t, ok)
		for i := range s.Events {
			if _, known := gate.Event(s.Events[i].Name); !known {
				continue // which a client ignores
			}
			for more := range uint64(3) {
				data := schematest.Data(seed+more, &s.Events[i])
				require.NoError(t, through.Check(s.Name, s.Events[i].Name, data), "seed %d: %s", seed, data)
				n++
			}
		}
	}
	return n
}

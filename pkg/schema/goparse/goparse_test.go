package goparse_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/schema"
	"github.com/runnel-sse/runnel/pkg/schema/goparse"
)

const everything = `package events

import (
	"fmt"
	"time"
	clock "time"
)

// AllStream has everything.
// Really.
//
//sse:channel a:{item_id}:{n}
//sse:policy claim
//sse:retention 90m
//sse:limit 100
//sse:limit user 5
//sse:limit address  20
//sse:presence
//sse:budget 500h

// One is an event.
type One struct {
	// ItemID is whose it is.
	ItemID string ` + "`json:\"item_id\"`" + `
	N      uint16 ` + "`json:\"n\"`" + ` // how many
	B      bool
	R      rune
	I      int
	F      float32
	Raw    []byte
	At     clock.Time
	Note   *string
	Maybe  []string ` + "`json:\"maybe,omitempty\"`" + `
	Skip   chan int ` + "`json:\"-\"`" + `
	Lists  [][]int64
	Map    map[Key]Part
	Level  Level
	X, Y   int8
}

type Key string

// Part is no event: One consists of it.
type Part struct{ Inner inner; At time.Time }

type inner struct{ V alias }

type alias = uint8

// Level is how bad it is.
type Level string

const (
	LevelLow  Level = "low"
	LevelHigh Level = "high"
	other = 7
)

type unused struct{ f func() }

func (Part) Method() {}
`

func TestReadsWhatADefinitionSays(t *testing.T) {
	t.Parallel()
	d, err := goparse.File("events/all_sse.go", []byte(everything))
	require.NoError(t, err)
	s := d.Stream
	require.Equal(t, "AllStream", s.Name)
	require.Equal(t, "AllStream has everything.\nReally.", s.Doc)
	require.Equal(t, "a:{item_id}:{n}", s.Template.String())
	require.Equal(t, schema.PolicyClaim, s.Policy)
	require.Equal(t, 90*time.Minute, s.Retention)
	require.Equal(t, []int{100, 5, 20}, []int{s.Limit, s.UserLimit, s.AddressLimit})
	require.True(t, s.Presence)
	require.Equal(t, 500*time.Hour, s.Budget)
	require.Nil(t, s.Economy)
	require.False(t, d.Derived)
	require.Len(t, s.Events, 1)
	require.Equal(t, "One is an event.", s.Events[0].Doc)

	var got []string
	for _, f := range s.Events[0].Fields {
		got = append(got, f.JSON+" "+f.Type.String())
	}
	require.Equal(t, []string{
		"item_id string", "n uint16", "B bool", "R int32", "I int64", "F float32", "Raw base64 string", "At RFC 3339 time",
		"Note optional string", "maybe optional list of string", "Lists list of list of int64", "Map map of Part", "Level Level", "X int8", "Y int8",
	}, got)
	require.Equal(t, "ItemID is whose it is.", s.Events[0].Fields[0].Doc)
	require.Equal(t, "how many", s.Events[0].Fields[1].Doc)

	var types []string
	for _, n := range s.Types {
		types = append(types, n.Name)
	}
	require.Equal(t, []string{"inner", "Part", "Level"}, types, "what a type consists of comes before it")
	require.Equal(t, []string{"low", "high"}, s.Types[2].Values)
	require.Equal(t, "uint8", s.Types[0].Fields[0].Type.String())
}

func TestRefusesWithPlaceAndRemedy(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ src, want string }{
		"syntax":             {"type A struct{", "x_sse.go:2:16: expected '}', found 'EOF'; write Go that gofmt accepts"},
		"no event":           {"type a struct{}", "x_sse.go:1:1: the definition has no event; declare a public struct for each event"},
		"generic":            {"type A[T any] struct{ F T }", "x_sse.go:2:6: event A is generic, which JSON is not; write a struct for each kind of data"},
		"generic field":      {"type A struct{ F List[int] }", "x_sse.go:2:18: a generic type; write the type out"},
		"alias to nowhere":   {"type A struct{ F B }; type B = C", "x_sse.go:2:32: type C is not declared in this file; declare it in this file, or correct its name"},
		"alias of a struct":  {"type A = B; type B struct{}", "A is another name for a type, and an event is a struct"},
		"twice":              {"type A struct{}\ntype A struct{}", "x_sse.go:3:6: type A is declared twice"},
		"itself":             {"type A struct{ F B }; type B struct { G []B }", "x_sse.go:2:43: type B contains itself; refer to it by an id"},
		"itself by alias":    {"type A struct{ F B }; type B = C; type C = B", "contains itself"},
		"an event of itself": {"type A struct{ F []A }", "x_sse.go:2:20: type A contains itself; refer to it by an id"},
		"a ring of types":    {"type A struct{}; type B struct{ F []C }; type C struct { F []B }", "x_sse.go:2:23: type B contains itself; refer to it by an id\nx_sse.go:2:47: type C contains itself"},
		"embedded":           {"type A struct{ B }; type B struct{}", "x_sse.go:2:16: an embedded field; write its fields out"},
		"unexported field":   {"type A struct{ f string }", "x_sse.go:2:16: field f is unexported, so it is never sent; begin it with a capital letter, or delete it"},
		"interface":          {"type A struct{ F any }", "x_sse.go:2:18: type any has no JSON type; write a type that JSON has"},
		"channel":            {"type A struct{ F chan int }", "a type that JSON does not have"},
		"function":           {"type A struct{ F func() }", "a type that JSON does not have"},
		"array":              {"type A struct{ F [3]int }", "an array of a fixed length; write a list, such as []string"},
		"map key":            {"type A struct{ F map[int]string }", "x_sse.go:2:22: a map whose key is int64, and JSON has strings only"},
		"duration":           {"import \"time\"\ntype A struct{ F time.Duration }", "a time.Duration is a number without a unit in JSON; write an int64 whose name has the unit, such as duration_ms"},
		"foreign type":       {"import \"x/y\"\ntype A struct{ F y.Z }", "type y.Z is of another package"},
		"time not imported":  {"type A struct{ F time.Time }", "type time.Time is of another package"},
		"nameless struct":    {"type A struct{ F struct{ G int } }", "a struct without a name; declare a type with a name for it"},
		"optional twice":     {"type A struct{ F **int }", "an optional of an optional"},
		"same JSON name":     {"type A struct{ F int `json:\"x\"`; G int `json:\"x\"` }", `field G has the JSON name "x", as F has`},
		"odd JSON name":      {"type A struct{ F int `json:\"a-b\"` }", `the JSON name "a-b" is not made of letters`},
		"string option":      {"type A struct{ F int `json:\"f,string\"` }", `the json option "string" has no type of its own here; delete the option`},
		"never empty":        {"import \"time\"\ntype A struct{ F time.Time `json:\",omitempty\"` }", "x_sse.go:3:28: omitempty leaves no RFC 3339 time out: to encoding/json a struct is never empty; write omitzero, or a pointer"},
		"no empty struct":    {"type A struct{ F B `json:\",omitempty\"` }; type B struct{}", "omitempty leaves no B out"},
		"broken tag":         {"type A struct{ F int `json: \"f\"` }", "a json tag that encoding/json does not read"},
		"enum of a number":   {"type A struct{ F B }; type B string; const C B = 7", "a value of B is no string literal"},
		"long name":          {"type A" + strings.Repeat("a", 64) + " struct{}", "the event's name has 65 bytes; shorten it to 64 bytes"},
		"a tower of lists":   {"type A struct{ F " + strings.Repeat("[]", 40) + "int }", "a type is nested more than 32 deep"},
		"all of them, in row": {
			"type A struct{ F any }\ntype B struct{ g int; H func() }",
			"x_sse.go:2:18: type any has no JSON type; write a type that JSON has: string, bool, a number, list, map, struct or time.Time\n" +
				"x_sse.go:3:16: field g is unexported, so it is never sent; begin it with a capital letter, or delete it\nx_sse.go:3:25: ",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := goparse.File("x_sse.go", []byte("package events\n"+tc.src+"\n"))
			require.ErrorContains(t, err, tc.want)
		})
	}
}

func TestAFileOfAnotherNameIsNoDefinition(t *testing.T) {
	t.Parallel()
	_, err := goparse.File("comment.go", []byte("package events"))
	require.ErrorContains(t, err, "comment.go:1:1: comment.go is no name of a definition")
}

// A tower of types in which each stands twice in the next takes no exponential time.
func TestATowerOfTypesIsReadInNoTime(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("package events\ntype A struct{ F T0 }\n")
	for i := range 30 {
		fmt.Fprintf(&b, "type T%d map[T%d]T%d\n", i, i+1, i+1)
	}
	b.WriteString("type T30 struct{ X int }\n")
	_, err := goparse.File("x_sse.go", []byte(b.String()))
	require.ErrorContains(t, err, "a type is nested more than 32 deep")
	require.NotContains(t, err.Error(), "\n", "one way through the tower was looked at")
}

func FuzzFile(f *testing.F) {
	f.Add([]byte(everything))
	f.Add([]byte("package x\ntype A[T any] struct{ B; c int `json:\"x,string\"`; D map[E]E }\ntype E = []E\n"))
	f.Add([]byte("package x\n//sse:channel {\n// sse:limit\n//sse:retention 1h\ntype A struct{ F struct{}; G <-chan int }\nconst X A = 1"))
	files, err := filepath.Glob("../../../events/*_sse.go")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		src, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		d, err := goparse.File("fuzz_sse.go", src)
		if err != nil {
			require.Contains(t, err.Error(), "fuzz_sse.go:")
			return
		}
		require.NotEmpty(t, d.Stream.Events)
		require.NotEmpty(t, d.Stream.Template.String())
	})
}

package rustparse_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/schema"
	"github.com/runnel-sse/runnel/pkg/schema/rustparse"
)

// said is the fields of an event or a type, a line each.
func said(fields []schema.Field) []string {
	var list []string
	for _, f := range fields {
		list = append(list, f.JSON+" "+f.Type.String())
	}
	return list
}

func TestReadsWhatADefinitionSays(t *testing.T) {
	t.Parallel()
	d, err := rustparse.File("events/all_sse.rs", read(t, "testdata/accepted/all_sse.rs"))
	require.NoError(t, err)
	s := d.Stream
	require.Equal(t, "AllStream", s.Name)
	require.Equal(t, "AllStream has everything.\n\nReally.", s.Doc)
	require.Equal(t, "a:{item_id}:{n}", s.Template.String())
	require.Equal(t, schema.PolicyClaim, s.Policy)
	require.Equal(t, 90*time.Minute, s.Retention)
	require.Equal(t, []int{100, 5, 20}, []int{s.Limit, s.UserLimit, s.AddressLimit})
	require.True(t, s.Presence)
	require.Equal(t, 500*time.Hour, s.Budget)
	require.False(t, d.Derived)
	require.Len(t, s.Events, 1, "neither parts nor tests are events")
	require.Equal(t, "One is an event.", s.Events[0].Doc)
	require.Equal(t, []string{
		"item_id string", "n uint16", "b bool", "r int32", "f float32", "raw base64 string", "maybe_raw optional base64 string",
		"at RFC 3339 time", "there RFC 3339 time", "ms int64", "s optional int64", "note optional string", "quiet optional float64",
		"maybe optional list of string", "lists list of list of int64", "map map of Part", "other map of list of optional Part",
		"level Level", "type int8", "y_Y uint64",
	}, said(s.Events[0].Fields))
	require.Equal(t, "ItemID is\nwhose it is.", s.Events[0].Fields[0].Doc)
	require.Equal(t, "how many", s.Events[0].Fields[1].Doc)
	require.Equal(t, "type", s.Events[0].Fields[18].Name)

	var types []string
	for _, n := range s.Types {
		types = append(types, n.Name)
	}
	require.Equal(t, []string{"Inner", "Part", "Level"}, types, "what a type consists of comes before it")
	require.Equal(t, []string{"innerPart optional Inner", "WHEN optional RFC 3339 time"}, said(s.Types[1].Fields))
	require.Equal(t, []string{"bad/worse", "very-low", "Ünder"}, s.Types[2].Values)
}

func TestTheWordsAroundADirectiveAreTheStreams(t *testing.T) {
	t.Parallel()
	d, err := rustparse.File("price_tick_sse.rs", read(t, "testdata/accepted/price_tick_sse.rs"))
	require.NoError(t, err)
	require.Equal(t, "PriceTickStream has words around its directive,\non both sides.", d.Stream.Doc)
	require.Equal(t, []string{"BUY", "Sell", "Short_sale"}, d.Stream.Types[0].Values)

	d, err = rustparse.File("ping_sse.rs", read(t, "testdata/accepted/ping_sse.rs"))
	require.NoError(t, err)
	require.Empty(t, d.Stream.Doc)
	require.Equal(t, "Pong\n\nanswers.", d.Stream.Events[1].Doc, "lines may end as on Windows")
}

// The names are those of serde's own tests.
func TestNamesChangeAsSerdeChangesThem(t *testing.T) {
	t.Parallel()
	for rule, want := range map[string][]string{
		"lowercase":            {"outcome", "very_tasty", "a", "z42", "outcome", "verytasty", "a", "z42"},
		"UPPERCASE":            {"OUTCOME", "VERY_TASTY", "A", "Z42", "OUTCOME", "VERYTASTY", "A", "Z42"},
		"PascalCase":           {"Outcome", "VeryTasty", "A", "Z42", "Outcome", "VeryTasty", "A", "Z42"},
		"camelCase":            {"outcome", "veryTasty", "a", "z42", "outcome", "veryTasty", "a", "z42"},
		"snake_case":           {"outcome", "very_tasty", "a", "z42", "outcome", "very_tasty", "a", "z42"},
		"SCREAMING_SNAKE_CASE": {"OUTCOME", "VERY_TASTY", "A", "Z42", "OUTCOME", "VERY_TASTY", "A", "Z42"},
		"kebab-case":           {"", "", "", "", "outcome", "very-tasty", "a", "z42"},
		"SCREAMING-KEBAB-CASE": {"", "", "", "", "OUTCOME", "VERY-TASTY", "A", "Z42"},
	} {
		fields := "pub outcome: u8, pub very_tasty: u8, pub a: u8, pub z42: u8, "
		if want[0] == "" { // such names are no fields, and refused
			fields = ""
		}
		src := fmt.Sprintf("#[serde(rename_all = %q)]\npub struct E { %spub e: L }\n#[serde(rename_all = %q)]\nenum L { Outcome, VeryTasty, A, Z42 }\n", rule, fields, rule)
		d, err := rustparse.File("x_sse.rs", []byte(src))
		require.NoError(t, err)
		for i, f := range d.Stream.Events[0].Fields {
			if f.Type.Kind == schema.Int {
				require.Equal(t, want[i], f.JSON, rule)
			}
		}
		require.Equal(t, want[4:], d.Stream.Types[0].Values, rule)
	}
}

func TestAFileOfAnotherNameIsNoDefinition(t *testing.T) {
	t.Parallel()
	_, err := rustparse.File("comment.rs", []byte("pub struct A {}"))
	require.ErrorContains(t, err, "comment.rs:1:1: comment.rs is no name of a definition")
}

// A tower of types in which each stands twice in the next takes no exponential time.
func TestATowerOfTypesIsReadInNoTime(t *testing.T) {
	t.Parallel()
	var maps, structs strings.Builder
	maps.WriteString("use std::collections::BTreeMap;\npub struct A { pub f: T0 }\n")
	structs.WriteString("pub struct A { pub f: T0 }\n")
	for i := range 40 {
		fmt.Fprintf(&maps, "type T%d = BTreeMap<T%d, T%d>;\n", i, i+1, i+1)
		fmt.Fprintf(&structs, "pub struct T%d { pub a: T%d, pub b: T%d }\n", i, i+1, i+1)
	}
	for _, src := range []string{maps.String() + "type T40 = String;", structs.String() + "struct T40 {}"} {
		_, err := rustparse.File("x_sse.rs", []byte(src))
		require.ErrorContains(t, err, "a type is nested more than 32 deep")
	}
	long := "use " + strings.Repeat("a::", 200_000) + "b;\npub struct A { pub f: " + strings.Repeat("Vec<", 200_000) + "u8 }"
	_, err := rustparse.File("x_sse.rs", []byte(long))
	require.ErrorContains(t, err, "expected a shorter path")
	require.ErrorContains(t, err, "a type is nested more than 64 deep")
}

func FuzzFile(f *testing.F) {
	for _, pattern := range []string{"testdata/*/*.rs", "../../../events/*_sse.rs"} {
		files, err := filepath.Glob(pattern)
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
	}
	for _, tc := range refused {
		f.Add([]byte(tc.src))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		d, err := rustparse.File("fuzz_sse.rs", src)
		if err != nil {
			require.Contains(t, err.Error(), "fuzz_sse.rs:")
			return
		}
		require.NotEmpty(t, d.Stream.Events)
		require.NotEmpty(t, d.Stream.Template.String())
	})
}

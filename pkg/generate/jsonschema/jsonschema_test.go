package jsonschema_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/generate/generatetest"
	"github.com/runnel-sse/runnel/pkg/generate/jsonschema"
	"github.com/runnel-sse/runnel/pkg/schema"
	"github.com/runnel-sse/runnel/pkg/schema/sample"
	"github.com/runnel-sse/runnel/pkg/schema/schematest"
)

func files(t *testing.T, c *schema.Catalog) map[string][]byte {
	t.Helper()
	out, err := jsonschema.Files(c)
	require.NoError(t, err)
	return out
}

func TestGolden(t *testing.T) {
	t.Parallel()
	for name, c := range generatetest.Catalogs(t) {
		generatetest.Golden(t, filepath.Join("testdata", name), files(t, c))
	}
}

// judged is a schema and what is held against it.
type judged struct {
	Schema string   `json:"schema"`
	Data   []string `json:"data"`
}

// verdicts are what ajv says of each of the data, once the meta-schema has taken
// the schemas.
func verdicts(t *testing.T, cases []judged) [][]bool {
	t.Helper()
	input, err := json.Marshal(cases)
	require.NoError(t, err)
	out, err := generatetest.Node(t, input, "jsonschema.mjs")
	require.NoError(t, err)
	var all [][]bool
	require.NoError(t, json.Unmarshal(out, &all))
	require.Len(t, all, len(cases))
	return all
}

// The schema of every event takes what Check takes and refuses what it refuses:
// data that fits, and the same with something wrong in it.
func TestTheSchemaSaysWhatCheckSays(t *testing.T) {
	t.Parallel()
	var cases []judged
	var want [][]bool
	refused := 0
	add := func(seed uint64, c *schema.Catalog) {
		texts := files(t, c)
		for i := range c.Streams {
			s := &c.Streams[i]
			for j := range s.Events {
				e := &s.Events[j]
				data := []string{string(sample.Data(s, e))}
				for n := range uint64(4) {
					fits := schematest.Data(seed+n, e)
					data = append(data, string(fits), string(spoil(seed+n, fits)), string(spoil(seed+n+100, fits)))
				}
				var says []bool
				for _, d := range data {
					ok := c.Check(s.Name, e.Name, []byte(d)) == nil
					says = append(says, ok)
					if !ok {
						refused++
					}
				}
				cases = append(cases, judged{string(texts["jsonschema/"+s.Name+"/"+e.Name+".json"]), data})
				want = append(want, says)
			}
		}
	}
	for _, c := range generatetest.Catalogs(t) {
		add(1, c)
	}
	for seed := range uint64(30) {
		add(seed, schematest.Random(seed))
	}
	require.Greater(t, refused, 200)
	for i, got := range verdicts(t, cases) {
		for j := range got {
			require.Equal(t, want[i][j], got[j], "%s\n%s", cases[i].Schema, cases[i].Data[j])
		}
	}
}

// spoil changes something in a JSON object: a member goes, or has another value.
// Numbers stay within what float64 holds, since the validator counts in it.
func spoil(seed uint64, data []byte) []byte {
	r := rand.New(rand.NewPCG(seed, 0x73706f696c))
	var o map[string]json.RawMessage
	_ = json.Unmarshal(data, &o) // it is what schematest made
	for key := range o {         // any one: what is asked is whether two agree
		if r.IntN(3) == 0 {
			delete(o, key)
		} else {
			values := []string{`null`, `true`, `"x"`, `"AA=="`, `[]`, `{}`, `1.5`, `-1`, `300`, `70000`, `[null]`, `{"a":null}`, `1e39`, `"low0"`}
			o[key] = json.RawMessage(values[r.IntN(len(values))])
		}
		break
	}
	text, _ := json.Marshal(o)
	return text
}

type kind struct {
	of      schema.Type
	yes, no []string
}

// What a value of each kind may be, at its bounds and beyond.
func TestKindsAtTheirBounds(t *testing.T) {
	t.Parallel()
	integer := func(bits int) schema.Type { return schema.Type{Kind: schema.Int, Bits: bits} }
	unsigned := func(bits int) schema.Type { return schema.Type{Kind: schema.Int, Bits: bits, Unsigned: true} }
	enum := &schema.Named{Name: "Enum", Values: []string{"a", "\" \\", "é"}}
	moment, bytes := schema.Type{Kind: schema.Time}, schema.Type{Kind: schema.Bytes}
	null := schema.Type{Kind: schema.Optional, Elem: &moment}
	kinds := map[string]kind{
		"int8":   {integer(8), []string{"-128", "127", "0", "-0"}, []string{"-129", "128", "1.5", `"1"`, "null"}},
		"int16":  {integer(16), []string{"-32768", "32767"}, []string{"-32769", "32768"}},
		"int32":  {integer(32), []string{"-2147483648", "2147483647"}, []string{"-2147483649", "2147483648"}},
		"int64":  {integer(64), []string{"-9223372036854775808", "9223372036854775807"}, []string{"-9223372036854779904", "9223372036854779904"}},
		"uint8":  {unsigned(8), []string{"0", "255"}, []string{"-1", "256"}},
		"uint64": {unsigned(64), []string{"0", "18446744073709551615"}, []string{"-1", "18446744073709559808"}},
		"float32": {
			schema.Type{Kind: schema.Float, Bits: 32},
			[]string{"3.4028234663852886e38", "-3.4028234663852886e38", "3.4028235677973362e38", "1e-60", "7"},
			[]string{"340282356779733661637539395458142568448", "-340282356779733661637539395458142568448", "1e39", `"1"`},
		},
		"float64": {schema.Type{Kind: schema.Float, Bits: 64}, []string{"1.7976931348623157e308", "5e-324", "1e-999"}, []string{"1e309", "-1e309"}},
		"bytes": {
			bytes,
			[]string{`""`, `"AA=="`, `"AAA="`, `"AAAA"`, `"+/8="`, `"AB=="`},
			[]string{`"A"`, `"AA"`, `"A\nA=="`, `"AA==\r\n"`, `"AA="`, `"A==="`, `"-_8="`, `"AA== "`, `"AA==AA=="`, `"AAAAA"`, `1`},
		},
		"time": {
			moment,
			[]string{`"2026-01-31T15:04:05Z"`, `"2024-02-29T00:00:00.123456789+23:59"`, `"0000-01-01T00:00:00-00:00"`},
			[]string{
				`"2026-01-31t15:04:05z"`, `"2026-01-31 15:04:05Z"`, `"2026-02-30T15:04:05Z"`, `"2026-01-31T15:04:05"`, `"2026-01-31T15:04:05,1Z"`,
				`"2026-01-31T23:59:60Z"`, `"2026-01-31T24:00:00Z"`, `"2026-01-31T15:04:05+24:00"`, `"2026-13-01T15:04:05Z"`, `"20260131T150405Z"`, `""`, `0`,
			},
		},
		"enum":     {schema.Type{Kind: schema.Enum, Named: enum}, []string{`"a"`, `"\u0022 \\"`, `"\u00e9"`}, []string{`"b"`, `"A"`, `""`, `0`}},
		"optional": {null, []string{`null`, `"2026-01-31T15:04:05Z"`}, []string{`""`, `0`}},
		"list":     {schema.Type{Kind: schema.List, Elem: &null}, []string{`[]`, `[null]`}, []string{`null`, `{}`, `[1]`}},
		"map":      {schema.Type{Kind: schema.Map, Elem: &bytes}, []string{`{}`, `{"":"","\u0000":"AA=="}`}, []string{`[]`, `{"a":null}`}},
	}
	names := slices.Sorted(maps.Keys(kinds))
	var cases []judged
	for _, name := range names {
		kind := kinds[name]
		c := &schema.Catalog{Streams: []schema.Stream{{Name: "AStream", Template: channel.MustParseTemplate("all"), Events: []schema.Event{
			{Name: "A", Fields: []schema.Field{{JSON: "of", Type: kind.of}}},
		}}}}
		j := judged{Schema: string(files(t, c)["jsonschema/AStream/A.json"])}
		for i, value := range slices.Concat(kind.yes, kind.no) {
			data := fmt.Sprintf(`{"of":%s,"another":[1]}`, value)
			require.Equal(t, i < len(kind.yes), c.Check("AStream", "A", []byte(data)) == nil, data)
			j.Data = append(j.Data, data)
		}
		cases = append(cases, j)
	}
	for i, got := range verdicts(t, cases) {
		for j, data := range cases[i].Data {
			require.Equal(t, j < len(kinds[names[i]].yes), got[j], data)
		}
	}
}

// Where the text is what is wrong, a schema cannot tell.
func TestWhatOnlyTheTextShows(t *testing.T) {
	t.Parallel()
	c := generatetest.Catalogs(t)["seed"]
	text := files(t, c)["jsonschema/NotificationStream/TaskProgress.json"]
	data := []string{`{"user_id":"1","task_id":"2","done":1.0,"total":1e3}`, `{"user_id":"1","user_id":"2","task_id":"2","done":1,"total":1}`}
	require.Equal(t, [][]bool{{true, true}}, verdicts(t, []judged{{string(text), data}}))
	for _, d := range data {
		require.ErrorIs(t, c.Check("NotificationStream", "TaskProgress", []byte(d)), schema.ErrData)
	}
}

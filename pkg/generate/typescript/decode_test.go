package typescript_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/generate/generatetest"
	"github.com/runnel-sse/runnel/pkg/generate/typescript"
	"github.com/runnel-sse/runnel/pkg/schema"
	"github.com/runnel-sse/runnel/pkg/schema/schematest"
)

type text struct {
	Stream string `json:"stream"`
	Event  string `json:"event"`
	Text   string `json:"text"`
}

// decode is what the client library makes of the texts, by the descriptors.
func decode(t *testing.T, c *schema.Catalog, int64 string, cases []text) []string {
	t.Helper()
	source := string(files(t, c, int64)[typescript.File])
	input, err := json.Marshal(map[string]any{"streams": source, "cases": cases})
	require.NoError(t, err)
	out, err := generatetest.Node(t, input, "decode.mjs")
	require.NoError(t, err)
	var got []string
	require.NoError(t, json.Unmarshal(out, &got))
	require.Len(t, got, len(cases))
	return got
}

// Wherever a 64-bit integer stands, it comes exact or not at all.
func TestNo64BitIntegerIsRounded(t *testing.T) {
	t.Parallel()
	c := generatetest.Catalogs(t)["kinds"]
	const base = `{"shop_id":"a","line_no":1,"state":"open","paid":true,"small":1,"wide":2,"exact":E,"rate":1,"sum":1,"receipt":"",` +
		`"at":"2026-01-31T15:04:05Z","lines":[{"amount":L,"price":1}],"votes":{"a.b":V},"holes":[null,H],"deep":{}}`
	var cases []text
	var integers []string
	add := func(n string, places ...string) {
		for _, place := range places {
			data := strings.NewReplacer(":"+place, ":"+n, ","+place+"]", ","+n+"]", ":E", ":1", ":L", ":1", ":V", ":1", ",H]", ",1]").Replace(base)
			require.NoError(t, c.Check("OrderStream", "OrderPlaced", []byte(data)), data)
			cases, integers = append(cases, text{"orders", "OrderPlaced", data}), append(integers, n)
		}
	}
	add("9007199254740991", "E", "L", "V", "H") // the last that a number of JavaScript holds for sure
	add("-9007199254740991", "E", "L", "H")
	safe := len(cases)
	for _, n := range []string{"9007199254740992", "9007199254740993", "9223372036854775807"} {
		add(n, "E", "L", "V", "H")
	}
	for _, n := range []string{"-9007199254740992", "-9007199254740993", "-9223372036854775808"} {
		add(n, "E", "L", "H")
	}
	add("18446744073709551615", "V")
	number, bigint := decode(t, c, typescript.Number, cases), decode(t, c, typescript.BigInt, cases)
	for i, n := range integers {
		require.Contains(t, bigint[i], fmt.Sprintf("%q", n+"n"), cases[i].Text)
		if i < safe {
			require.Contains(t, number[i], n)
		} else {
			require.Contains(t, number[i], "would be rounded", cases[i].Text)
		}
	}
}

// What the platform lets through has the shape that the descriptors say.
func TestShapesAreWhatTheDefinitionAllows(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		c := schematest.Random(seed)
		var cases []text
		for i := range c.Streams {
			for j := range c.Streams[i].Events {
				e := &c.Streams[i].Events[j]
				for n := range uint64(5) {
					cases = append(cases, text{schema.ClientName(c.Streams[i].Name), e.Name, string(schematest.Data(n, e))})
				}
			}
		}
		for i, got := range decode(t, c, typescript.BigInt, cases) {
			require.NotContains(t, got, "decode: ", "seed %d: %s", seed, cases[i].Text)
		}
	}
}

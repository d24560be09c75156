package jsonschema_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/generate/jsonschema"
	"github.com/runnel-sse/runnel/pkg/schema"
	"github.com/runnel-sse/runnel/pkg/schema/schematest"
)

var update = flag.Bool("update", false, "write the golden files")

// every is an event with a field of each kind.
func every() schema.Stream {
	level := &schema.Named{Name: "Level", Values: []string{"low", "high"}}
	leaf := &schema.Named{Name: "Leaf", Doc: "Leaf is a part.", Fields: []schema.Field{{Name: "On", JSON: "on", Type: schema.Type{Kind: schema.Bool}}}}
	tree := &schema.Named{Name: "Tree", Fields: []schema.Field{{Name: "Kids", JSON: "kids", Type: schema.Type{Kind: schema.List, Elem: &schema.Type{Kind: schema.Struct, Named: leaf}}}}}
	of := func(json string, t schema.Type) schema.Field { return schema.Field{Name: json, JSON: json, Type: t} }
	return schema.Stream{
		Name: "EveryStream", Template: channel.MustParseTemplate("all"), Policy: schema.PolicyPublic, Retention: time.Hour,
		Types: []*schema.Named{level, tree, leaf},
		Events: []schema.Event{{Name: "Every", Doc: "Every <kind> there is.", Fields: []schema.Field{
			of("text", schema.Type{Kind: schema.String}),
			of("yes", schema.Type{Kind: schema.Bool}),
			of("small", schema.Type{Kind: schema.Int, Bits: 8}),
			of("big", schema.Type{Kind: schema.Int, Bits: 64}),
			of("huge", schema.Type{Kind: schema.Int, Bits: 64, Unsigned: true}),
			of("real", schema.Type{Kind: schema.Float, Bits: 64}),
			of("single", schema.Type{Kind: schema.Float, Bits: 32}),
			of("raw", schema.Type{Kind: schema.Bytes}),
			of("at", schema.Type{Kind: schema.Time}),
			of("maybe", schema.Type{Kind: schema.Optional, Elem: &schema.Type{Kind: schema.String}}),
			of("many", schema.Type{Kind: schema.Map, Elem: &schema.Type{Kind: schema.List, Elem: &schema.Type{Kind: schema.Bool}}}),
			of("level", schema.Type{Kind: schema.Enum, Named: level}),
			of("tree", schema.Type{Kind: schema.Struct, Named: tree}),
		}}},
	}
}

const whole = `{"text":"a","yes":true,"small":-128,"big":9007199254740993,"huge":0,"real":1e3,"single":1.5,"raw":"aGk=","at":"2026-01-31T15:04:05.5Z",` +
	`"many":{"a":[true,false],"b":[]},"level":"low","tree":{"kids":[{"on":true}]},"unknown":{"is":"kept"}}`

func TestGolden(t *testing.T) {
	t.Parallel()
	s := every()
	got, err := jsonschema.Event(&s, &s.Events[0])
	require.NoError(t, err)
	const golden = "testdata/every.golden.json"
	if *update {
		require.NoError(t, os.WriteFile(golden, got, 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got), "run: go test ./pkg/generate/jsonschema -update")
}

// job is a schema and data for it.
type job struct {
	stream *schema.Stream
	event  *schema.Event
	Schema json.RawMessage `json:"schema"`
	Data   []string        `json:"data"`
}

// TestItAcceptsWhatThePlatformAccepts, as the validator ajv reads it, and the
// official meta-schema accepts every schema.
func TestItAcceptsWhatThePlatformAccepts(t *testing.T) {
	t.Parallel()
	clients, err := filepath.Abs("../../../e2e/clients")
	require.NoError(t, err)
	if _, err := os.Stat(filepath.Join(clients, "node_modules/ajv")); err != nil {
		require.Empty(t, os.Getenv("CI"), "in CI nothing may be missing")
		t.Skip("SKIPPED, NOT TESTED: no ajv; run `make e2e/deps` first")
	}
	s := every()
	jobs := []job{{stream: &s, event: &s.Events[0], Data: table()}}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seeds from %d", seed)
	for i := range uint64(30) {
		c := schematest.Random(seed + i)
		for j := range c.Streams {
			for k := range c.Streams[j].Events {
				e := &c.Streams[j].Events[k]
				one := job{stream: &c.Streams[j], event: e}
				for n := range uint64(5) {
					one.Data = append(one.Data, string(schematest.Data(seed+i+n, e)))
				}
				jobs = append(jobs, one)
			}
		}
	}
	for i := range jobs {
		jobs[i].Schema, err = jsonschema.Event(jobs[i].stream, jobs[i].event)
		require.NoError(t, err)
	}
	in, err := json.Marshal(jobs)
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), "node", "testdata/validate.cjs", clients)
	cmd.Stdin = bytes.NewReader(in)
	out, err := cmd.Output()
	require.NoError(t, err)
	var said []struct {
		Fault   string
		Accepts []bool
	}
	require.NoError(t, json.Unmarshal(out, &said))
	require.Len(t, said, len(jobs))
	for i, j := range jobs {
		require.Empty(t, said[i].Fault, "seed %d: %s", seed, j.Schema)
		for n, data := range j.Data {
			c := schema.Catalog{Streams: []schema.Stream{*j.stream}}
			err := c.Check(j.stream.Name, j.event.Name, []byte(data))
			require.Equal(t, err == nil, said[i].Accepts[n], "seed %d: %s: we say %v", seed, data, err)
		}
	}
}

// table is the whole, and the whole with one thing changed.
func table() []string {
	all := []string{whole, "[]", "null", "{}"}
	for field, values := range map[string][]string{
		"text": {`""`, `1`, `null`}, "yes": {`0`, `"true"`}, "small": {`127`, `128`, `-129`, `1.5`, `"1"`},
		"big": {`-9223372036854775808`, `1.5`, `null`}, "huge": {`-1`, `18446744073709551615`}, "real": {`"1"`, `0`, `1e300`}, "single": {`3e38`, `1e39`, `-1e39`},
		"raw": {`"a"`, `"aGk"`, `""`, `"a?=="`, `"aG\nk="`, `"aGk=\r\n"`}, "at": {`"2026-01-31"`, `"2026-01-31T15:04:05+01:00"`, `"now"`, `1`, `"2026-01-31t15:04:05z"`, `"2026-01-31 15:04:05Z"`},
		"maybe": {`null`, `"x"`, `1`}, "many": {`null`, `{}`, `{"a":true}`, `[]`}, "level": {`"high"`, `"LOW"`, `null`}, "tree": {`null`, `{}`, `{"kids":null}`, `{"kids":[{}]}`},
	} {
		var object map[string]json.RawMessage
		_ = json.Unmarshal([]byte(whole), &object) // it is one
		for _, v := range values {
			object[field] = json.RawMessage(v)
			text, _ := json.Marshal(object)
			all = append(all, string(text))
		}
		delete(object, field)
		text, _ := json.Marshal(object)
		all = append(all, string(text))
	}
	return all
}

package schema_test

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/schema"
)

// reading is an event as generated code has it.
type reading struct {
	Sensor string             `json:"sensor"`
	N      int64              `json:"n"`
	Value  float64            `json:"value"`
	Tags   []string           `json:"tags"`
	Marks  map[string][]int32 `json:"marks"`
	Raw    []byte             `json:"raw"`
	At     *time.Time         `json:"at,omitempty"`
}

func (reading) EventType() string   { return "Reading" }
func (reading) EventStream() string { return "SensorStream" }
func (r reading) EventChannel() (channel.Name, error) {
	return sensors.Channel("SensorStream", r.Sensor)
}

var sensors = schema.Catalog{Streams: []schema.Stream{{
	Name: "SensorStream", Template: channel.MustParseTemplate("sensor:{sensor}"),
	Events: []schema.Event{{Name: "Reading", Fields: []schema.Field{
		{JSON: "sensor", Type: schema.Type{Kind: schema.String}},
		{JSON: "n", Type: schema.Type{Kind: schema.Int, Bits: 64}},
		{JSON: "value", Type: schema.Type{Kind: schema.Float, Bits: 64}},
		{JSON: "tags", Type: schema.Type{Kind: schema.List, Elem: &schema.Type{Kind: schema.String}}},
		{JSON: "marks", Type: schema.Type{Kind: schema.Map, Elem: &schema.Type{Kind: schema.List, Elem: &schema.Type{Kind: schema.Int, Bits: 32}}}},
		{JSON: "raw", Type: schema.Type{Kind: schema.Bytes}},
		{JSON: "at", Type: schema.Type{Kind: schema.Optional, Elem: &schema.Type{Kind: schema.Time}}},
	}}},
}}}

func TestEncode(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		event   reading
		data    string
		channel string
		fault   string
	}{
		"nil is empty": {
			event: reading{Sensor: "a<b", N: math.MaxInt64, Value: 1.5}, fault: `'<' is not allowed`,
		},
		"exact, and unescaped": {
			event: reading{Sensor: "7", N: 1<<53 + 1, Value: 1.5, Tags: []string{"<&>"}, Marks: map[string][]int32{"x": nil}},
			data:  `{"sensor":"7","n":9007199254740993,"value":1.5,"tags":["<&>"],"marks":{"x":[]},"raw":""}`, channel: "SensorStream:sensor:7",
		},
		"nothing at all": {
			event: reading{Sensor: "7", N: math.MinInt64},
			data:  `{"sensor":"7","n":-9223372036854775808,"value":0,"tags":[],"marks":{},"raw":""}`, channel: "SensorStream:sensor:7",
		},
		"no number": {event: reading{Sensor: "7", Value: math.NaN()}, fault: "Reading.value: no JSON can say it: json: unsupported value: NaN"},
		"no key":    {event: reading{}, fault: "field sensor of template sensor:{sensor} is empty"},
		"no time":   {event: reading{Sensor: "7", At: new(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC))}, fault: "Reading.at: no JSON can say it: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ch, data, err := sensors.Encode(tc.event)
			if tc.fault != "" {
				require.ErrorContains(t, err, tc.fault)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tc.data, string(data))
			require.Equal(t, tc.channel, ch.String())
		})
	}
}

// What is typed by a service has to be a list; from elsewhere null is none.
func TestCheckTakesNoNullForAList(t *testing.T) {
	t.Parallel()
	err := sensors.Check("SensorStream", "Reading", []byte(`{"sensor":"7","n":1,"value":0,"tags":null,"marks":{},"raw":""}`))
	require.ErrorContains(t, err, "Reading.tags: want list of string, found null")
}

func TestDecode(t *testing.T) {
	t.Parallel()
	const good = `"n":9223372036854775807,"value":1e2,"tags":["a"],"marks":{"Sensor":[1]},"raw":"AA=="`
	r, err := schema.Decode[reading](&sensors, []byte(`{"later":{"sensor":1,"x":[{"n":null}]},"sensor":"7",`+good+`,"Sensor":"8","SENSOR":9}`))
	require.NoError(t, err, "unknown fields are allowed")
	require.Equal(t, reading{
		Sensor: "7", N: math.MaxInt64, Value: 100, Tags: []string{"a"}, Marks: map[string][]int32{"Sensor": {1}}, Raw: []byte{0},
	}, r, "a field that differs by its case is another field")

	for data, fault := range map[string]string{
		`{"sensor":7,` + good + `}`:   "Reading.sensor: want string, found number 7",
		`{"Sensor":"7",` + good + `}`: "Reading.sensor: missing",
		`[]`:                          "Reading: want an object, found a list",
	} {
		_, err := schema.Decode[reading](&sensors, []byte(data))
		require.ErrorContains(t, err, fault)
		require.ErrorIs(t, err, schema.ErrData)
	}
}

func TestChannelOfValues(t *testing.T) {
	t.Parallel()
	_, err := sensors.Channel("Nowhere", "7")
	require.ErrorIs(t, err, schema.ErrUnknownStream)
	_, err = sensors.Channel("SensorStream")
	require.ErrorContains(t, err, "SensorStream: 0 values for the channel sensor:{sensor}")
	_, err = sensors.Channel("SensorStream", "a:b")
	require.ErrorContains(t, err, "holds a colon")
}

// Leaving out what is unknown leaves JSON, wherever it stands.
func FuzzDecodeLeavesJSON(f *testing.F) {
	f.Add([]byte(`{"sensor":"7","n":1,"value":0,"tags":[],"marks":{},"raw":"","a":1}`))
	f.Add([]byte(`{"a":{"sensor":"7"},"sensor":"7","b":[],"n":1,"value":0,"tags":[],"c":null,"marks":{},"raw":""}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if sensors.Check("SensorStream", "Reading", data) != nil {
			return
		}
		r, err := schema.Decode[reading](&sensors, data)
		require.NoError(t, err)
		var all map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(data, &all))
		require.Equal(t, string(all["n"]), string(must(json.Marshal(r.N))))
	})
}

func must(data []byte, err error) []byte {
	if err != nil {
		return []byte(err.Error())
	}
	return data
}

package goparse_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/schema"
	"github.com/runnel-sse/runnel/pkg/schema/goparse"
)

// Each directive at its bounds, and what it means.
func TestDirectivesSayWhatTheyMean(t *testing.T) {
	t.Parallel()
	owner := func(field, claim string) schema.Stream {
		return schema.Stream{Policy: schema.PolicyOwner, Owner: schema.Owner{Field: field, Claim: claim}}
	}
	long := strings.Repeat("c", 128)
	for name, tc := range map[string]struct {
		directives string
		want       schema.Stream // what differs from nothing said
	}{
		"public":               {"//sse:policy public", schema.Stream{Policy: schema.PolicyPublic}},
		"claim":                {"//sse:policy claim", schema.Stream{Policy: schema.PolicyClaim}},
		"owner, the one field": {"//sse:policy owner\n//sse:channel user:{A}", owner("A", "sub")},
		"owner, derived":       {"//sse:policy owner", owner("u_id", "sub")},
		"owner, named":         {"//sse:channel a:{A}:{B}\n//sse:policy owner B", owner("B", "sub")},
		"owner, claim":         {"//sse:policy  owner  A  https://example.com/tenant\n//sse:channel a:{A}:{B}", owner("A", "https://example.com/tenant")},
		"owner, long claim":    {"//sse:channel a:{A}\n//sse:policy owner A " + long, owner("A", long)},
		"retention, least":     {"//sse:retention 1m", schema.Stream{Retention: time.Minute}},
		"retention, most":      {"//sse:retention 8760h", schema.Stream{Retention: 8760 * time.Hour}},
		"limit, least":         {"//sse:limit 1", schema.Stream{Limit: 1}},
		"limit, most":          {"//sse:limit 1000000", schema.Stream{Limit: 1_000_000}},
		"user limit":           {"//sse:limit user 1000000", schema.Stream{UserLimit: 1_000_000}},
		"address limit":        {"//sse:limit address 1", schema.Stream{AddressLimit: 1}},
		"all limits":           {"//sse:limit address 3\n//sse:limit 1\n//sse:limit user 2", schema.Stream{Limit: 1, UserLimit: 2, AddressLimit: 3}},
		"presence":             {"//sse:presence", schema.Stream{Presence: true, Grace: 10 * time.Second}},
		"grace, least":         {"//sse:presence grace 1s", schema.Stream{Presence: true, Grace: time.Second}},
		"grace, most":          {"//sse:presence grace 1h", schema.Stream{Presence: true, Grace: time.Hour}},
		"economy":              {"//sse:economy", schema.Stream{Economy: &schema.Economy{Open: 25 * time.Second, Closed: time.Minute}}},
		"economy, open":        {"//sse:economy open 5m", schema.Stream{Economy: &schema.Economy{Open: 5 * time.Minute, Closed: time.Minute}}},
		"economy, closed":      {"//sse:economy closed 15m", schema.Stream{Economy: &schema.Economy{Open: 25 * time.Second, Closed: 15 * time.Minute}}},
		"economy, least":       {"//sse:economy closed 5s open 5s", schema.Stream{Economy: &schema.Economy{Open: 5 * time.Second, Closed: 5 * time.Second}}},
		"economy, kept longer": {"//sse:economy closed 59s\n//sse:retention 1m", schema.Stream{Retention: time.Minute, Economy: &schema.Economy{Open: 25 * time.Second, Closed: 59 * time.Second}}},
		"budget, least":        {"//sse:budget 1h", schema.Stream{Budget: time.Hour}},
		"budget, most":         {"//sse:budget 1000000h", schema.Stream{Budget: 1_000_000 * time.Hour}},
		"function":             {"//sse:function a", schema.Stream{Function: &schema.Function{Name: "a"}}},
		"function, the one":    {"//sse:function stream memory 1024", schema.Stream{Function: &schema.Function{Name: "stream", Memory: 1024}}},
		"function, least":      {"//sse:function a-1 lease 10s concurrency 1 memory 128", schema.Stream{Function: &schema.Function{Name: "a-1", Memory: 128, Concurrency: 1, Lease: 10 * time.Second}}},
		"function, most": {
			"//sse:function " + long[:24] + "  memory 10240 concurrency 10000 lease 10m",
			schema.Stream{Function: &schema.Function{Name: long[:24], Memory: 10240, Concurrency: 10000, Lease: 10 * time.Minute}},
		},
		"grace over the parked time": {
			"//sse:presence\n//sse:economy open 10s closed 30s",
			schema.Stream{Presence: true, Grace: time.Minute, Economy: &schema.Economy{Open: 10 * time.Second, Closed: 30 * time.Second}},
		},
		"grace over a short parked time": {
			"//sse:economy closed 5s\n//sse:presence grace 10s",
			schema.Stream{Presence: true, Grace: 10 * time.Second, Economy: &schema.Economy{Open: 25 * time.Second, Closed: 5 * time.Second}},
		},
		"a budget is no reason for a longer grace": {
			"//sse:presence\n//sse:budget 500h", schema.Stream{Presence: true, Grace: 10 * time.Second, Budget: 500 * time.Hour},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, err := goparse.File("x_sse.go", []byte("package events\n"+tc.directives+"\n\ntype E struct { A, B string; U string `json:\"u_id\"` }\n"))
			require.NoError(t, err)
			got, want := d.Stream, tc.want
			if want.Policy == "" {
				want.Policy = schema.PolicyAuthenticated
			}
			if want.Retention == 0 {
				want.Retention = schema.DefaultRetention
			}
			want.Name, want.Template, want.Events = got.Name, got.Template, got.Events
			require.Equal(t, want, got)
		})
	}
}

func TestRefusesADirectiveWithPlaceAndRemedy(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ src, want string }{
		"unknown directive": {"//sse:chanel x\ntype A struct{}", "x_sse.go:2:1: unknown directive //sse:chanel; there are //sse:channel"},
		"directive, space":  {"// sse:policy public\ntype A struct{}", "x_sse.go:2:1: a directive has nothing between // and sse; write //sse:policy public"},
		"directive twice":   {"//sse:limit 1\n//sse:limit 2\ntype A struct{}", "x_sse.go:3:1: //sse:limit stands on line 2 already; delete one of them"},
		"bad template":      {"//sse:channel item:{}\ntype A struct{}", "x_sse.go:2:1: invalid channel template"},
		"no such field":     {"//sse:channel i:{id}\ntype A struct{}", "x_sse.go:3:6: event A has no field id, which the channel i:{id} (line 2) needs"},
		"optional key":      {"//sse:channel i:{F}\ntype A struct{ F *string }", "field F of event A is optional string, so the channel i:{F} cannot be made of it"},
		"bad policy":        {"//sse:policy all\ntype A struct{}", `unknown policy "all"; write public, authenticated, owner or claim`},
		"retention":         {"//sse:retention 2d\ntype A struct{}", `retention "2d"; write hours or minutes`},
		"retention, short":  {"//sse:retention 59s\ntype A struct{}", `retention "59s"`},
		"limit":             {"//sse:limit 0\ntype A struct{}", `limit "0"; write how many`},
		"limit, over":       {"//sse:limit 1000001\ntype A struct{}", `x_sse.go:2:1: limit "1000001"; write how many subscribers a channel may have, 1 to 1000000, such as //sse:limit 100`},
		"limit of what":     {"//sse:limit host 5\ntype A struct{}", `limit "host 5"; write how many subscribers a channel may have, 1 to 1000000, such as //sse:limit 100; or //sse:limit user 5, //sse:limit address 20`},
		"no limit":          {"//sse:limit\ntype A struct{}", `limit ""; write how many`},
		"user limit":        {"//sse:limit user 0\ntype A struct{}", `x_sse.go:2:1: limit "user 0"; write how many connections one user may have, 1 to 1000000, such as //sse:limit user 5`},
		"user limit, none":  {"//sse:limit user\ntype A struct{}", `limit "user"; write how many connections one user may have`},
		"address limit":     {"\n//sse:limit address 1000001\ntype A struct{}", `x_sse.go:3:1: limit "address 1000001"; write how many connections one address may have`},
		"user limit twice":  {"//sse:limit 1\n//sse:limit user 1\n//sse:limit user 2\ntype A struct{}", "x_sse.go:4:1: //sse:limit user stands on line 3 already; delete one of them"},
		"retention, long":   {"//sse:retention 8760h1s\ntype A struct{}", `retention "8760h1s"; write hours or minutes from 1m to 8760h`},
		"policy and more":   {"//sse:policy public A\ntype A struct{}", `unknown policy "public A"; write public, authenticated, owner or claim`},
		"no policy":         {"//sse:policy\ntype A struct{}", `unknown policy ""`},
		"owner of all":      {"//sse:policy owner\n//sse:channel all\ntype A struct{}", "x_sse.go:2:1: the channel all has no field that could be its owner; write a channel with a field, such as //sse:channel user:{user_id}, or another policy"},
		"owner not clear":   {"//sse:channel a:{F}:{G}\n//sse:policy owner\ntype A struct{ F, G string }", "x_sse.go:3:1: the owner is not clear: the channel a:{F}:{G} has the fields F, G; write //sse:policy owner F"},
		"owner not there":   {"//sse:channel a:{F}\n//sse:policy owner G\ntype A struct{ F, G string }", "x_sse.go:3:1: the channel a:{F} has no field G; write one of F"},
		"owner by expiry":   {"//sse:channel a:{F}\n//sse:policy owner F exp\ntype A struct{ F string }", `x_sse.go:3:1: policy "owner F exp"; write a field of the channel and the token's claim that it equals, such as //sse:policy owner user_id sub`},
		"owner, long claim": {"//sse:channel a:{F}\n//sse:policy owner F " + strings.Repeat("c", 129) + "\ntype A struct{ F string }", `policy "owner F ccc`},
		"owner, odd claim":  {"//sse:channel a:{F}\n//sse:policy owner F s\u00fcb\ntype A struct{ F string }", `policy "owner F s`},
		"owner and more":    {"//sse:channel a:{F}\n//sse:policy owner F sub or\ntype A struct{ F string }", `policy "owner F sub or"`},
		"grace, short":      {"//sse:presence grace 999ms\ntype A struct{}", `x_sse.go:2:1: presence "grace 999ms"; write //sse:presence alone, or how long a user may be away unsaid, 1s to 1h, such as //sse:presence grace 10s`},
		"grace, long":       {"//sse:presence grace 1h1s\ntype A struct{}", `presence "grace 1h1s"`},
		"grace, none":       {"//sse:presence grace\ntype A struct{}", `presence "grace"`},
		"grace twice":       {"//sse:presence grace 5s grace 6s\ntype A struct{}", `presence "grace 5s grace 6s"`},
		"presence of what":  {"//sse:presence 10s\ntype A struct{}", `presence "10s"`},
		"economy, short":    {"//sse:economy open 4s\ntype A struct{}", `x_sse.go:2:1: economy "open 4s"; write how long a reader is connected, 5s to 5m, and parked, 5s to 15m, such as //sse:economy open 25s closed 60s`},
		"economy, long":     {"//sse:economy open 5m1s\ntype A struct{}", `economy "open 5m1s"`},
		"parked, short":     {"//sse:economy closed 4s\ntype A struct{}", `economy "closed 4s"`},
		"parked, long":      {"//sse:economy closed 15m1s\ntype A struct{}", `economy "closed 15m1s"`},
		"economy of what":   {"//sse:economy shut 60s\ntype A struct{}", `economy "shut 60s"`},
		"budget, small":     {"//sse:budget 59m\ntype A struct{}", `x_sse.go:2:1: budget "59m"; write hours of connection a month, 1h to 1000000h, such as //sse:budget 500h`},
		"budget, large":     {"//sse:budget 1000001h\ntype A struct{}", `budget "1000001h"`},
		"budget, no unit":   {"//sse:budget 500\ntype A struct{}", `budget "500"`},
		"function, nothing": {"//sse:function\ntype A struct{}", `x_sse.go:2:1: function ""; write a name of small letters, digits and -, at most 24, and what it is given: memory 128 to 10240 megabytes, concurrency 1 to 10000, lease 10s to 10m, such as //sse:function prices memory 512 concurrency 50 lease 60s`},
		"function, capital": {"//sse:function Prices\ntype A struct{}", `function "Prices"; write a name`},
		"function, digit":   {"//sse:function 1a\ntype A struct{}", `function "1a"; write a name`},
		"function, dash":    {"//sse:function a-\ntype A struct{}", `function "a-"; write a name`},
		"function, long":    {"//sse:function aaaaaaaaaaaaaaaaaaaaaaaaa\ntype A struct{}", `function "aaaaaaaaaaaaaaaaaaaaaaaaa"`},
		"function, taken":   {"//sse:function ingest\ntype A struct{}", "there is a function ingest already, which serves no stream; take another name"},
		"memory, little":    {"//sse:function a memory 127\ntype A struct{}", `x_sse.go:2:1: function "memory 127"; write a name`},
		"memory, much":      {"//sse:function a memory 10241\ntype A struct{}", `function "memory 10241"`},
		"memory with unit":  {"//sse:function a memory 512MB\ntype A struct{}", `function "memory 512MB"`},
		"memory twice":      {"//sse:function a memory 512 memory 512\ntype A struct{}", `function "memory 512 memory 512"`},
		"concurrency, none": {"//sse:function a concurrency 0\ntype A struct{}", `function "concurrency 0"`},
		"concurrency, much": {"//sse:function a concurrency 10001\ntype A struct{}", `function "concurrency 10001"`},
		"lease, short":      {"//sse:function a lease 9s\ntype A struct{}", `function "lease 9s"`},
		"lease, long":       {"//sse:function a lease 10m1s\ntype A struct{}", `function "lease 10m1s"`},
		"function of what":  {"//sse:function a cpu 2\ntype A struct{}", `function "cpu 2"`},
		"parked too long":   {"//sse:economy\n//sse:retention 1m\ntype A struct{}", "x_sse.go:2:1: readers are parked for 1m0s and events are kept for 1m0s, so they would miss some; park them shorter, or keep events longer with //sse:retention"},
		"grace and parking": {"//sse:economy closed 60s\n//sse:presence grace 119s\ntype A struct{}", "x_sse.go:3:1: presence says after 1m59s that a user has left, and //sse:economy parks readers for 1m0s; write //sse:presence grace 2m0s, or longer"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := goparse.File("x_sse.go", []byte("package events\n"+tc.src+"\n"))
			require.ErrorContains(t, err, tc.want)
			require.NotContains(t, err.Error(), "\n", "one fault is said once")
		})
	}
}

package diff_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/schema"
	"github.com/runnel-sse/runnel/pkg/schema/diff"
	"github.com/runnel-sse/runnel/pkg/schema/goparse"
)

func parse(t *testing.T, src string) *schema.Catalog {
	t.Helper()
	d, err := goparse.File("x_sse.go", []byte("package events\nimport \"time\"\nvar _ time.Time\n"+src+"\n"))
	require.NoError(t, err)
	return &schema.Catalog{Streams: []schema.Stream{d.Stream}}
}

// broken names those for whom the change breaks something: old clients (r),
// kept events (l), publishers (p).
func broken(c diff.Change) string {
	var text strings.Builder
	for _, e := range []struct {
		name string
		diff.Effect
	}{{"r", c.Readers}, {"l", c.Log}, {"p", c.Publishers}} {
		if !e.Safe {
			text.WriteString(e.name)
		}
	}
	return text.String()
}

// Each change of a field, with data of the old form and of the new one: the
// gate takes what is said to be safe, and refuses what is not.
func TestChangesOfFields(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		before, after      string
		where, what, broke string // broke: "unseen" after it if the gate cannot tell
		oldData, newData   string
	}{
		"added, optional":     {"A string", "A string; B *int8", "B", "the field is new, and optional", "", `{"A":"x"}`, `{"A":"x","B":7}`},
		"added, omitempty":    {"A string", "A string; B int8 `json:\",omitempty\"`", "B", "the field is new, and optional", "", `{"A":"x"}`, `{"A":"x","B":7}`},
		"added, required":     {"A string", "A string; B int8", "B", "the field is new, and required", "lp", `{"A":"x"}`, `{"A":"x","B":7}`},
		"removed":             {"A string; B int8", "A string", "B", "the field is gone", "r", `{"A":"x","B":7}`, `{"A":"x"}`},
		"removed, optional":   {"A string; B *int8", "A string", "B", "the field is gone", "", `{"A":"x","B":7}`, `{"A":"x"}`},
		"renamed":             {"A string; B int8", "A string; C int8", "B", "the field is named C now", "rlp", `{"A":"x","B":7}`, `{"A":"x","C":7}`},
		"renamed, optional":   {"A string; B *int8", "A string; C *int8", "B", "the field is named C now", "rlp unseen", "", ""},
		"widened":             {"A int32", "A int64", "A", "int32 became int64", "r", `{"A":2147483647}`, `{"A":2147483648}`},
		"narrowed":            {"A int64", "A int32", "A", "int64 became int32", "lp", `{"A":2147483648}`, `{"A":2147483647}`},
		"unsigned":            {"A int32", "A uint32", "A", "int32 became uint32", "rlp", `{"A":-1}`, `{"A":4294967295}`},
		"unsigned in signed":  {"A uint32", "A int64", "A", "uint32 became int64", "r", `{"A":4294967295}`, `{"A":-1}`},
		"integer to float":    {"A int32", "A float64", "A", "int32 became float64", "r", `{"A":7}`, `{"A":1.5}`},
		"rounded":             {"A int64", "A float64", "A", "int64 became float64", "rlp unseen", "", ""},
		"rounded, 32 bits":    {"A int32", "A float32", "A", "int32 became float32", "rlp unseen", "", ""},
		"exact, 32 bits":      {"A int16", "A float32", "A", "int16 became float32", "r", `{"A":-32768}`, `{"A":1.5}`},
		"float widened":       {"A float32", "A float64", "A", "float32 became float64", "r", `{"A":1e30}`, `{"A":1e300}`},
		"float narrowed":      {"A float64", "A float32", "A", "float64 became float32", "lp", `{"A":1e300}`, `{"A":1e30}`},
		"another type":        {"A int64", "A string", "A", "int64 became string", "rlp", `{"A":7}`, `{"A":"7"}`},
		"time to text":        {"A time.Time", "A string", "A", "RFC 3339 time became string", "r", `{"A":"2026-01-31T15:04:05Z"}`, `{"A":"x"}`},
		"text to bytes":       {"A string", "A []byte", "A", "string became base64 string", "lp", `{"A":"x"}`, `{"A":"eA=="}`},
		"to optional":         {"A string", "A *string", "A", "string became optional string", "r", `{"A":"x"}`, `{"A":null}`},
		"to required":         {"A *string", "A string", "A", "optional string became string", "lp", `{}`, `{"A":"x"}`},
		"in an optional":      {"A *int8", "A *int16", "A", "int8 became int16", "r", `{"A":null}`, `{"A":128}`},
		"in a list":           {"A []int8", "A []int16", "A[]", "int8 became int16", "r", `{"A":[7]}`, `{"A":[128]}`},
		"in a map":            {"A map[string][]int16", "A map[string][]int8", "A[*][]", "int16 became int8", "lp", `{"A":{"k":[128]}}`, `{"A":{"k":[7]}}`},
		"list to map":         {"A []int8", "A map[string]int8", "A", "list of int8 became map of int8", "rlp", `{"A":[]}`, `{"A":{}}`},
		"in a part":           {"A []P }; type P struct { B string", "A []P }; type P struct { B string; C int8", "A[].C", "the field is new, and required", "lp", `{"A":[{"B":"x"}]}`, `{"A":[{"B":"x","C":7}]}`},
		"struct to optional":  {"A P }; type P struct { B int8", "A *P }; type P struct { B int16", "A", "P became optional P", "r", `{"A":{"B":7}}`, `{"A":{"B":128}}`},
		"value added":         {"A P }; type P string; const (X P = \"x\"; Y P = \"y\"); type Z struct {", "A P }; type P string; const (X P = \"x\"; Y P = \"y\"; W P = \"w\"); type Z struct {", "A", `the value "w" is new`, "r", `{"A":"x"}`, `{"A":"w"}`},
		"value removed":       {"A P }; type P string; const (X P = \"x\"; Y P = \"y\"); type Z struct {", "A P }; type P string; const (X P = \"x\"); type Z struct {", "A", `the value "y" is gone`, "lp", `{"A":"y"}`, `{"A":"x"}`},
		"enum to text":        {"A P }; type P string; const X P = \"x\"; type Z struct {", "A P }; type P string; type Z struct {", "A", "P became string", "r", `{"A":"x"}`, `{"A":"w"}`},
		"text to enum":        {"A P }; type P string; type Z struct {", "A P }; type P string; const X P = \"x\"; type Z struct {", "A", "string became P", "lp", `{"A":"w"}`, `{"A":"x"}`},
		"enum to wider, opt.": {"A P }; type P string; const X P = \"x\"; type Z struct {", "A *P }; type P string; const (X P = \"x\"; Y P = \"y\"); type Z struct {", "A", "P became optional P", "r", `{"A":"x"}`, `{"A":"y"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before, after := parse(t, "type E struct { "+tc.before+" }"), parse(t, "type E struct { "+tc.after+" }")
			changes := diff.Catalogs(before, after)
			require.Len(t, changes, 1)
			c := changes[0]
			broke, seen := strings.CutSuffix(tc.broke, " unseen")
			require.Equal(t, []string{"XStream.E." + tc.where, tc.what, broke}, []string{c.Where, c.What, broken(c)})
			require.Equal(t, broke != "", c.Instead != "", "what breaks something has a way out")
			require.Equal(t, c.Log.Safe, c.Publishers.Safe)
			if !seen {
				require.Equal(t, c.Readers.Safe, before.Check("XStream", "E", []byte(tc.newData)) == nil, "old clients meet a new event")
				require.Equal(t, c.Log.Safe, after.Check("XStream", "E", []byte(tc.oldData)) == nil, "new clients meet an old event in a replay")
				require.NoError(t, before.Check("XStream", "E", []byte(tc.oldData)))
				require.NoError(t, after.Check("XStream", "E", []byte(tc.newData)))
			}
		})
	}
}

func TestChangesOfEventsAndStreams(t *testing.T) {
	t.Parallel()
	const e = "\n\ntype E struct { A_id string; B_id string }"
	for name, tc := range map[string]struct{ before, after, where, what, broke string }{
		"event added":         {"type E struct { F int8 }", "type E struct { F int8 }; type G struct { F *string }", "G", "the event is new; old clients ignore it", ""},
		"event removed":       {"type E struct { F int8 }; type G struct { F string }", "type E struct { F int8 }", "G", "the event is gone", "lp"},
		"event renamed":       {"type E struct { F int8 }; type G struct { F string }", "type E struct { F int8 }; type H struct { F string }", "G", "the event is named H now", "rlp"},
		"channel":             {"//sse:channel a:{A_id}" + e, "//sse:channel b:{A_id}" + e, "channel", "a:{A_id} became b:{A_id}", "rlp"},
		"channel of another":  {"//sse:channel a:{A_id}" + e, "//sse:channel a:{B_id}" + e, "channel", "a:{A_id} became a:{B_id}", "rlp"},
		"policy tightened":    {"//sse:channel all\n//sse:policy public" + e, "//sse:channel all\n//sse:policy authenticated" + e, "policy", "public became authenticated", "r"},
		"policy loosened":     {"//sse:channel a:{A_id}\n//sse:policy owner" + e, "//sse:channel a:{A_id}\n//sse:policy public" + e, "policy", "owner A_id sub became public", "l"},
		"policy for others":   {"//sse:channel a:{A_id}\n//sse:policy owner" + e, "//sse:channel a:{A_id}\n//sse:policy claim" + e, "policy", "owner A_id sub became claim", "rl"},
		"another owner":       {"//sse:channel a:{A_id}\n//sse:policy owner" + e, "//sse:channel a:{A_id}\n//sse:policy owner A_id org" + e, "policy", "owner A_id sub became owner A_id org", "rl"},
		"retention shortened": {"//sse:channel all" + e, "//sse:channel all\n//sse:retention 1h" + e, "retention", "24h0m0s became 1h0m0s", "l"},
		"retention longer":    {"//sse:channel all" + e, "//sse:channel all\n//sse:retention 25h" + e, "retention", "24h0m0s became 25h0m0s", ""},
		"limit new":           {"//sse:channel all" + e, "//sse:channel all\n//sse:limit 5" + e, "limit", "no limit became 5 subscribers of a channel", "r"},
		"limit lowered":       {"//sse:channel all\n//sse:limit user 5" + e, "//sse:channel all\n//sse:limit user 4" + e, "limit user", "5 became 4 connections of a user", "r"},
		"limit raised":        {"//sse:channel all\n//sse:limit address 5" + e, "//sse:channel all\n//sse:limit address 6" + e, "limit address", "5 became 6 connections of an address", ""},
		"limit gone":          {"//sse:channel all\n//sse:limit 5" + e, "//sse:channel all" + e, "limit", "5 became no limit subscribers of a channel", ""},
		"presence on":         {"//sse:channel all" + e, "//sse:channel all\n//sse:presence" + e, "presence", "presence is on; old clients ignore sse.joined and sse.left", ""},
		"presence off":        {"//sse:channel all\n//sse:presence" + e, "//sse:channel all" + e, "presence", "presence is off", "r"},
		"grace":               {"//sse:channel all\n//sse:presence" + e, "//sse:channel all\n//sse:presence grace 5s" + e, "presence", "grace 10s became 5s", ""},
		"economy":             {"//sse:channel all" + e, "//sse:channel all\n//sse:economy" + e, "economy", "none became open 25s closed 1m0s; events may wait as long", ""},
		"budget":              {"//sse:channel all\n//sse:budget 5h" + e, "//sse:channel all" + e, "budget", "5h0m0s became none", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			changes := diff.Catalogs(parse(t, tc.before), parse(t, tc.after))
			require.Len(t, changes, 1)
			c := changes[0]
			require.Equal(t, []string{"XStream." + tc.where, tc.what, tc.broke}, []string{c.Where, c.What, broken(c)})
			require.Equal(t, tc.broke != "", c.Instead != "")
			require.Equal(t, tc.broke != "", c.Breaking())
		})
	}
}

func TestStreamsComeAndGo(t *testing.T) {
	t.Parallel()
	c := parse(t, "type E struct { F int8 }")
	gone := diff.Catalogs(c, &schema.Catalog{})
	require.Len(t, gone, 1)
	require.Equal(t, "rlp", broken(gone[0]))
	require.Equal(t, "breaking  XStream: the stream is gone (old clients: their connections are refused; kept events: nobody can read them any more; "+
		"publishers: what they send is refused); keep it until no client follows it and no service sends to it", gone[0].String())
	added := diff.Catalogs(&schema.Catalog{}, c)
	require.Len(t, added, 1)
	require.Equal(t, "safe      XStream: the stream is new", added[0].String())
	text, err := json.Marshal(added[0])
	require.NoError(t, err)
	require.JSONEq(t, `{"where":"XStream","what":"the stream is new","readers":{"safe":true},"log":{"safe":true},"publishers":{"safe":true}}`, string(text))
}

// Where several new events could be the old one under another name, none is said to be.
func TestARenamedEventIsNoGuess(t *testing.T) {
	t.Parallel()
	changes := diff.Catalogs(parse(t, "type E struct { F int8 }"), parse(t, "type G struct { F int8 }; type H struct { F int8 }"))
	require.Len(t, changes, 3)
	require.Equal(t, "the event is gone", changes[0].What)
}

// What is said in words, or only in the source, changes nothing on the wire.
func TestWordsAndOrderAreNoChange(t *testing.T) {
	t.Parallel()
	require.Empty(t, diff.Catalogs(
		parse(t, "// S.\n//\n//sse:channel all\n\n// E is.\ntype E struct { A string; B P `json:\"b\"` }; type P struct { C Q }; type Q struct { D int8 }; type F struct {}"),
		parse(t, "// T.\n//\n//sse:channel all\n\ntype F struct{}; // E was.\ntype E struct { X R `json:\"b\"`; A string }; type R struct { C Q }; type Q struct { D int8 }"),
	))
}

// A change inside a part is said once in each event that has it.
func TestAPartIsComparedOnceInAnEvent(t *testing.T) {
	t.Parallel()
	tower := func(last string) string {
		var b strings.Builder
		b.WriteString("type E struct { A, B P0 }\ntype F struct { C P0 }\n")
		for i := range 25 {
			b.WriteString(strings.NewReplacer("#", string(rune('a'+i)), "@", string(rune('a'+i+1))).Replace("type P# struct { L, R P@ }\n"))
		}
		return strings.ReplaceAll(b.String(), "P0", "Pa") + "type Pz struct { X " + last + " }"
	}
	changes := diff.Catalogs(parse(t, tower("int8")), parse(t, tower("int16")))
	require.Len(t, changes, 2)
	require.True(t, strings.HasPrefix(changes[0].Where, "XStream.E.A.L.L."))
	require.True(t, strings.HasPrefix(changes[1].Where, "XStream.F.C.L.L."))
}

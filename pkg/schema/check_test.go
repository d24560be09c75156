package schema_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/schema"
)

func field(name string, t schema.Type) schema.Field {
	return schema.Field{Name: name, JSON: name, Type: t}
}

func list(t schema.Type) schema.Type     { return schema.Type{Kind: schema.List, Elem: &t} }
func mapOf(t schema.Type) schema.Type    { return schema.Type{Kind: schema.Map, Elem: &t} }
func optional(t schema.Type) schema.Type { return schema.Type{Kind: schema.Optional, Elem: &t} }
func integer(bits int) schema.Type       { return schema.Type{Kind: schema.Int, Bits: bits} }
func unsigned(bits int) schema.Type {
	return schema.Type{Kind: schema.Int, Bits: bits, Unsigned: true}
}

var str = schema.Type{Kind: schema.String}

// one is a catalog whose event E has one field f, of the type.
func one(t schema.Type) *schema.Catalog {
	return &schema.Catalog{Streams: []schema.Stream{{
		Name: "TestStream", Events: []schema.Event{{Name: "E", Fields: []schema.Field{field("f", t)}}},
	}}}
}

var comments = &schema.Catalog{Streams: []schema.Stream{{
	Name: "CommentStream", Template: channel.MustParseTemplate("item:{item_id}"),
	Events: []schema.Event{{Name: "CommentAdded", Fields: []schema.Field{
		field("comment_id", str), field("item_id", str), field("author_name", str), field("text", str), field("timestamp", integer(64)),
	}}},
}}}

const added = `{"comment_id":"7","item_id":"42","author_name":"Ada Lovelace","text":"The engine weaves algebraic patterns, as the loom weaves flowers.","timestamp":1763900000}`

func TestCheckAcceptsValuesOfTheType(t *testing.T) {
	t.Parallel()
	point := &schema.Named{Name: "Point", Fields: []schema.Field{field("x", integer(8)), field("note", optional(str))}}
	severity := &schema.Named{Name: "Severity", Values: []string{"info", "bad/worse"}}
	for name, tc := range map[string]struct {
		typ   schema.Type
		value string
	}{
		"string":             {str, `"a\u00e9\ud83d\ude00é😀"`},
		"lone surrogate":     {str, `"\ud83d"`},
		"bool":               {schema.Type{Kind: schema.Bool}, `false`},
		"int8 low":           {integer(8), `-128`},
		"int8 high":          {integer(8), `127`},
		"int64 low":          {integer(64), `-9223372036854775808`},
		"int64 high":         {integer(64), `9223372036854775807`},
		"over 2^53":          {integer(64), `9007199254740993`},
		"minus zero":         {integer(64), `-0`},
		"uint64 high":        {unsigned(64), `18446744073709551615`},
		"uint8 high":         {unsigned(8), `255`},
		"float":              {schema.Type{Kind: schema.Float, Bits: 64}, `-1.5e300`},
		"float, whole":       {schema.Type{Kind: schema.Float, Bits: 32}, `3`},
		"bytes":              {schema.Type{Kind: schema.Bytes}, `"+\/8="`},
		"time":               {schema.Type{Kind: schema.Time}, `"2026-01-31T15:04:05.123+01:00"`},
		"optional null":      {optional(str), `null`},
		"optional value":     {optional(str), `"x"`},
		"empty list":         {list(str), `[]`},
		"list":               {list(integer(8)), `[1,2]`},
		"map":                {mapOf(list(str)), `{"a":["b"],"":[]}`},
		"struct":             {schema.Type{Kind: schema.Struct, Named: point}, `{"x":1,"more":[{"deep":null}]}`},
		"enum":               {schema.Type{Kind: schema.Enum, Named: severity}, `"info"`},
		"enum, escaped":      {schema.Type{Kind: schema.Enum, Named: severity}, `"bad\/worse"`},
		"as deep as allowed": {list(str), `["a"],"z":` + strings.Repeat("[", schema.MaxDepth-1) + strings.Repeat("]", schema.MaxDepth-1)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := `{"f":` + tc.value + `}`
			require.NoError(t, one(tc.typ).Check("TestStream", "E", []byte(data)))
			got, err := one(tc.typ).Compact("TestStream", "E", []byte(" \n"+strings.NewReplacer(`":`, "\" :\r\n\t", `,`, " , ").Replace(data)+" "))
			require.NoError(t, err)
			var want bytes.Buffer
			require.NoError(t, json.Compact(&want, []byte(data)))
			require.Equal(t, want.String(), string(got))
		})
	}
}

func TestCheckRefusesWithThePath(t *testing.T) {
	t.Parallel()
	point := &schema.Named{Name: "Point", Fields: []schema.Field{field("x", integer(8))}}
	severity := &schema.Named{Name: "Severity", Values: []string{"info"}}
	for name, tc := range map[string]struct {
		typ  schema.Type
		data string
		want string
	}{
		"not an object":    {str, `[1]`, `E: want an object, found a list`},
		"null":             {str, `null`, `E: want an object, found null`},
		"empty":            {str, ``, `E: not JSON: it ends early`},
		"words":            {str, `hello`, `E: not JSON: byte 1: want a JSON value`},
		"ends early":       {str, `{"f":"x"`, `E: not JSON: it ends early`},
		"something after":  {str, `{"f":"x"} {}`, `E: not JSON: byte 11: something follows the value`},
		"NUL after":        {str, "{\"f\":\"x\"}\x00", `E: not JSON: byte 10: something follows the value`},
		"comma":            {str, `{"f":"x",}`, `E: not JSON: byte 10: want a string`},
		"missing":          {str, `{"g":"x"}`, `E.f: missing, want string`},
		"missing, by case": {str, `{"F":"x"}`, `E.f: missing, want string`},
		"null string":      {str, `{"f":null}`, `E.f: want string, found null`},
		"string for int":   {integer(64), `{"f":"x"}`, `E.f: want int64, found string "x"`},
		"fraction":         {integer(64), `{"f":1.0}`, `E.f: want int64 without fraction or exponent, found number 1.0`},
		"exponent":         {integer(64), `{"f":1e3}`, `E.f: want int64 without fraction or exponent, found number 1e3`},
		"int8 over":        {integer(8), `{"f":128}`, `E.f: want int8 (-128 to 127), found number 128`},
		"int8 under":       {integer(8), `{"f":-129}`, `found number -129`},
		"int64 over":       {integer(64), `{"f":9223372036854775808}`, `(-9223372036854775808 to 9223372036854775807), found number 9223372036854775808`},
		"int64 under":      {integer(64), `{"f":-9223372036854775809}`, `found number`},
		"uint64 over":      {unsigned(64), `{"f":18446744073709551616}`, `(0 to 18446744073709551615), found number 18446744073709551616`},
		"uint negative":    {unsigned(8), `{"f":-1}`, `E.f: want uint8 (0 to 255), found number -1`},
		"leading zero":     {integer(64), `{"f":01}`, `not JSON`},
		"plus":             {integer(64), `{"f":+1}`, `not JSON`},
		"float over":       {schema.Type{Kind: schema.Float, Bits: 64}, `{"f":1e999}`, `E.f: want float64, found a number out of its range: 1e999`},
		"float32 over":     {schema.Type{Kind: schema.Float, Bits: 32}, `{"f":1e39}`, `want float32`},
		"NaN":              {schema.Type{Kind: schema.Float, Bits: 64}, `{"f":NaN}`, `not JSON`},
		"base64 in lines":  {schema.Type{Kind: schema.Bytes}, `{"f":"aG\nk="}`, "E.f: want base64 with padding"},
		"base64":           {schema.Type{Kind: schema.Bytes}, `{"f":"a"}`, `E.f: want base64 with padding, found string "a"`},
		"time":             {schema.Type{Kind: schema.Time}, `{"f":"2026-1-31"}`, `E.f: want a time such as`},
		"time, comma":      {schema.Type{Kind: schema.Time}, `{"f":"2026-01-31T15:04:05,1Z"}`, `E.f: want a time such as`},
		"time, offset":     {schema.Type{Kind: schema.Time}, `{"f":"2026-01-31T15:04:05-24:00"}`, `E.f: want a time such as`},
		"enum":             {schema.Type{Kind: schema.Enum, Named: severity}, `{"f":"bad"}`, `E.f: want one of ["info"], found string "bad"`},
		"null list":        {list(str), `{"f":null}`, `E.f: want list of string, found null`},
		"in a list":        {list(schema.Type{Kind: schema.Struct, Named: point}), `{"f":[{"x":1},{"x":true}]}`, `E.f[1].x: want int8, found true`},
		"in a map":         {mapOf(integer(8)), `{"f":{"secret":"y"}}`, `E.f[*]: want int8, found string "y"`},
		"in an optional":   {optional(integer(8)), `{"f":"y"}`, `E.f: want int8, found string "y"`},
		"twice":            {str, `{"f":"x","f":"y"}`, `E: a key stands twice: f`},
		"twice, escaped":   {str, `{"f":"x","\u0066":"y"}`, `E: a key stands twice: f`},
		"twice, unknown":   {str, `{"f":"x","g":{"h":1,"h":2}}`, `a key stands twice: h`},
		"too deep":         {str, `{"f":"x","g":` + strings.Repeat("[", schema.MaxDepth) + strings.Repeat("]", schema.MaxDepth) + `}`, `nested more than 64 deep`},
		"not UTF-8":        {str, "{\"f\":\"\xff\"}", `a string is not UTF-8`},
		"not UTF-8 beside": {str, "{\"f\":\"x\",\"g\":\"\xc3\"}", `a string is not UTF-8`},
		"line feed":        {str, "{\"f\":\"a\nb\"}", `a control character in a string`},
		"escape":           {str, `{"f":"\x"}`, `an escape that JSON does not have`},
		"short escape":     {str, `{"f":"\u12"}`, `an escape that JSON does not have`},
		"long value":       {integer(8), `{"f":"` + strings.Repeat("é", 100) + `"}`, `found string "ééééééééééééééééééé…`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := one(tc.typ).Check("TestStream", "E", []byte(tc.data))
			require.ErrorIs(t, err, schema.ErrData)
			require.ErrorContains(t, err, tc.want)
			_, err = one(tc.typ).Compact("TestStream", "E", []byte(tc.data))
			require.ErrorContains(t, err, tc.want, "both ways say the same")
		})
	}
}

func TestManyKeysAreStillTold(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString(`{"f":"x"`)
	for i := range 5000 {
		b.WriteString(`,"k` + strings.Repeat("k", i%7) + string(rune('a'+i%26)) + strings.Repeat("0", i/182) + `":0`)
	}
	unique := b.String() + `}`
	require.NoError(t, one(str).Check("TestStream", "E", []byte(unique)))
	err := one(str).Check("TestStream", "E", []byte(b.String()+`,"ka":1}`))
	require.ErrorContains(t, err, "a key stands twice: ka")
}

func TestCheckNamesWhatIsThere(t *testing.T) {
	t.Parallel()
	err := comments.Check("CommentsStream", "CommentAdded", []byte(added))
	require.ErrorIs(t, err, schema.ErrUnknownStream)
	require.ErrorContains(t, err, "there are CommentStream")
	err = comments.Check("CommentStream", "commentAdded", []byte(added))
	require.ErrorIs(t, err, schema.ErrUnknownEvent)
	require.ErrorContains(t, err, "there are CommentAdded")
}

func TestReasonShowsNothingOfTheData(t *testing.T) {
	t.Parallel()
	for _, data := range []string{
		`{"f":"secret"}`, `{"f":1,"secret":1,"secret":2}`, `{"f":{"secret":1}}`, `{"f":99999999999999999999}`, `{"f":secret}`,
	} {
		err := one(integer(8)).Check("TestStream", "E", []byte(data))
		var fe *schema.FieldError
		require.ErrorAs(t, err, &fe)
		require.NotContains(t, fe.Reason(), "secret")
		require.NotContains(t, fe.Reason(), "99999")
	}
}

func TestChannelOf(t *testing.T) {
	t.Parallel()
	s := schema.Stream{Name: "S", Template: channel.MustParseTemplate("a:{x}:{n}")}
	for name, tc := range map[string]struct{ data, want, fault string }{
		"string and integer": {data: `{"x":"u\u0031","n":-7,"more":{}}`, want: "S:a:u1:-7"},
		"missing":            {data: `{"x":"u"}`, fault: "S.n: missing"},
		"fraction":           {data: `{"x":"u","n":1.5}`, fault: "want a string or an integer for the channel, found 1.5"},
		"null":               {data: `{"x":null,"n":1}`, fault: "want a string or an integer"},
		"empty":              {data: `{"x":"","n":1}`, fault: "field x of template a:{x}:{n} is empty"},
		"colon":              {data: `{"x":"a:b","n":1}`, fault: "holds a colon"},
		"space":              {data: `{"x":"a b","n":1}`, fault: `' ' is not allowed`},
		"no object":          {data: `7`, fault: "not a JSON object"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := s.ChannelOf([]byte(tc.data))
			if tc.fault != "" {
				require.ErrorContains(t, err, tc.fault)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tc.want, got.String())
		})
	}
}

// everyKind has a field of each kind, for the fuzzer.
func everyKind() *schema.Catalog {
	point := &schema.Named{Name: "Point", Fields: []schema.Field{field("x", integer(8))}}
	enum := &schema.Named{Name: "Enum", Values: []string{"a", "b"}}
	return &schema.Catalog{Streams: []schema.Stream{{Name: "S", Template: channel.MustParseTemplate("s:{s}"), Events: []schema.Event{{Name: "E", Fields: []schema.Field{
		field("s", str), field("b", schema.Type{Kind: schema.Bool}), field("i", integer(64)), field("u", unsigned(16)),
		field("f", optional(schema.Type{Kind: schema.Float, Bits: 32})), field("y", optional(schema.Type{Kind: schema.Bytes})),
		field("t", optional(schema.Type{Kind: schema.Time})), field("l", list(mapOf(schema.Type{Kind: schema.Struct, Named: point}))),
		field("e", schema.Type{Kind: schema.Enum, Named: enum}),
	}}}}}}
}

func FuzzCheck(f *testing.F) {
	f.Add([]byte(`{"s":"x","b":true,"i":1,"u":2,"f":1.5,"y":"AA==","t":"2026-01-31T15:04:05Z","l":[{"k":{"x":3}}],"e":"a"}`))
	f.Add([]byte(`{"s":"\ud83d","b":false,"i":-9223372036854775808,"u":65535,"l":[],"e":"b","z":[1e5,null,{"\u0000":"\/"}]}`))
	f.Add([]byte(added))
	c := everyKind()
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := c.Compact("S", "E", data)
		require.Equal(t, err == nil, c.Check("S", "E", data) == nil)
		if err != nil {
			require.True(t, utf8.ValidString(err.Error()) || !utf8.Valid(data))
			return
		}
		// What passes is JSON to encoding/json too, the same, and on one line.
		require.True(t, json.Valid(data))
		require.True(t, utf8.Valid(got))
		require.NotContains(t, string(got), "\n")
		require.NotContains(t, string(got), "\r")
		var want bytes.Buffer
		require.NoError(t, json.Compact(&want, data))
		require.Equal(t, want.String(), string(got))
		again, err := c.Compact("S", "E", got)
		require.NoError(t, err)
		require.Equal(t, string(got), string(again))
		_, _ = c.Streams[0].ChannelOf(got)
	})
}

func BenchmarkCheck(b *testing.B) {
	data := []byte(added)
	for name, f := range map[string]func() error{
		"check":   func() error { return comments.Check("CommentStream", "CommentAdded", data) },
		"compact": func() error { _, err := comments.Compact("CommentStream", "CommentAdded", data); return err },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := f(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

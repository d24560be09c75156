package channel_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/channel"
)

func TestParseTemplate(t *testing.T) {
	t.Parallel()
	longest := strings.Repeat("f", channel.MaxStream)
	for name, tc := range map[string]struct {
		in     string
		fields []string // want, when accepted
		fault  string   // want, a part of the message, when refused
	}{
		"fixed":             {in: "all"},
		"one field":         {in: "{id}", fields: []string{"id"}},
		"fixed and field":   {in: "item:{item_id}", fields: []string{"item_id"}},
		"two fields":        {in: "org:{org}:user:{user_id}", fields: []string{"org", "user_id"}},
		"same text twice":   {in: "id:{id}:id", fields: []string{"id"}},
		"underscore first":  {in: "{_id}", fields: []string{"_id"}},
		"marks":             {in: "-._~@+=|"},
		"longest field":     {in: "{" + longest + "}", fields: []string{longest}},
		"longest fixed":     {in: strings.Repeat("k", channel.MaxKey)},
		"longest possible":  {in: strings.Repeat("k", channel.MaxKey-2) + ":{id}", fields: []string{"id"}},
		"field too long":    {in: "{" + longest + "f}", fault: "the name of a field has 65 bytes, at most 64 are allowed"},
		"fixed too long":    {in: strings.Repeat("k", channel.MaxKey+1), fault: "every key would have more than 128 bytes"},
		"never short":       {in: strings.Repeat("k", channel.MaxKey-1) + ":{id}", fault: "every key would have more than 128 bytes"},
		"65 parts":          {in: strings.Repeat("k:", 64) + "k", fault: "every key would have more than 128 bytes"},
		"empty":             {in: "", fault: `invalid channel template "": a part is empty`},
		"empty part":        {in: "item::{id}", fault: `template "item::{id}": a part is empty`},
		"empty last part":   {in: "item:", fault: "a part is empty"},
		"empty field":       {in: "item:{}", fault: "a field has no name"},
		"digit first":       {in: "{1st}", fault: `field "1st" must not begin with a digit`},
		"dash in field":     {in: "{item-id}", fault: `field "item-id": '-' is not allowed, only letters, digits and _ are`},
		"two in one part":   {in: "{a}{b}", fault: `field "a}{b": '}' is not allowed`},
		"non-ASCII field":   {in: "{\u00e9}", fault: "'é' is not allowed"},
		"mixed":             {in: "item-{id}", fault: `part "item-{id}" must be fixed or one whole field such as {item_id}`},
		"mixed behind":      {in: "{id}-item", fault: "must be fixed or one whole field"},
		"never closed":      {in: "{id", fault: "must be fixed or one whole field"},
		"never opened":      {in: "id}", fault: "must be fixed or one whole field"},
		"closed elsewhere":  {in: "{a:b}", fault: `part "{a" must be fixed or one whole field`},
		"field twice":       {in: "{id}:{id}", fault: "field id stands twice"},
		"line feed":         {in: "a\nb", fault: `part "a\nb": '\n' is not allowed, only letters, digits and -._~@+=| are`},
		"line feed in name": {in: "{a\nb}", fault: `'\n' is not allowed`},
		"non-ASCII":         {in: "caf\u00e9", fault: "'é' is not allowed"},
		"pattern":           {in: "item:*", fault: `'*' is not allowed`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			template, err := channel.ParseTemplate(tc.in)
			if tc.fault != "" {
				require.ErrorIs(t, err, channel.ErrInvalid)
				require.ErrorContains(t, err, tc.fault)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tc.in, template.String())
			require.Equal(t, tc.fields, template.Fields())
		})
	}
}

func TestTemplateMatch(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		template, key string
		want          map[string]string // nil: no match
	}{
		"fixed":          {template: "all", key: "all", want: map[string]string{}},
		"another fixed":  {template: "all", key: "alle"},
		"case counts":    {template: "all", key: "All"},
		"field":          {template: "item:{item_id}", key: "item:42", want: map[string]string{"item_id": "42"}},
		"two fields":     {template: "{a}:x:{b}", key: "1:x:2", want: map[string]string{"a": "1", "b": "2"}},
		"fixed differs":  {template: "item:{item_id}", key: "user:42"},
		"a part fewer":   {template: "item:{item_id}", key: "item"},
		"a part more":    {template: "item:{item_id}", key: "item:42:7"},
		"empty field":    {template: "item:{item_id}", key: "item:"},
		"empty key":      {template: "{id}", key: ""},
		"braces as data": {template: "{id}", key: "{id}", want: map[string]string{"id": "{id}"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fields, ok := channel.MustParseTemplate(tc.template).Match(tc.key)
			require.Equal(t, tc.want != nil, ok)
			require.Equal(t, tc.want, fields)
		})
	}
}

func TestTemplateExpand(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		template, value string
		want, fault     string
	}{
		"fixed":         {template: "all", want: "all"},
		"field":         {template: "item:{id}", value: "42", want: "item:42"},
		"both fields":   {template: "{a}:{b}", value: "v", want: "v:v"},
		"longest":       {template: "item:{id}", value: strings.Repeat("v", channel.MaxKey-5), want: "item:" + strings.Repeat("v", channel.MaxKey-5)},
		"too long":      {template: "item:{id}", value: strings.Repeat("v", channel.MaxKey-4), fault: "the key has 129 bytes, at most 128 are allowed"},
		"empty":         {template: "item:{id}", value: "", fault: "field id of template item:{id} is empty"},
		"colon":         {template: "item:{id}", value: "42:admin", fault: `field id of template item:{id} holds a colon: "42:admin"`},
		"line feed":     {template: "item:{id}", value: "4\n2", fault: `'\n' is not allowed`},
		"space":         {template: "item:{id}", value: "4 2", fault: `' ' is not allowed`},
		"non-ASCII":     {template: "item:{id}", value: "\u00e9", fault: `'é' is not allowed`},
		"invalid UTF-8": {template: "item:{id}", value: "\xc3", fault: "is not allowed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			key, err := channel.MustParseTemplate(tc.template).Expand(func(string) string { return tc.value })
			if tc.fault != "" {
				require.ErrorIs(t, err, channel.ErrInvalid)
				require.ErrorContains(t, err, tc.fault)
				require.Empty(t, key)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tc.want, key)
		})
	}
}

func TestZeroTemplateMatchesNothing(t *testing.T) {
	t.Parallel()
	var zero channel.Template
	for _, key := range []string{"", "all", ":"} {
		_, ok := zero.Match(key)
		require.False(t, ok, "%q", key)
	}
	_, err := zero.Expand(func(string) string { return "x" })
	require.ErrorIs(t, err, channel.ErrInvalid)
	require.Panics(t, func() { channel.MustParseTemplate("") })
}

func FuzzTemplate(f *testing.F) {
	f.Add("item:{item_id}", "item:42")
	f.Add("{a}:{b}", "1:2")
	f.Add("all", "all")
	f.Add("{id}", "{id}")
	f.Add("a:{b}:c", "a::c")
	f.Fuzz(func(t *testing.T, text, key string) {
		template, err := channel.ParseTemplate(text)
		if err != nil {
			require.ErrorIs(t, err, channel.ErrInvalid)
			return
		}
		require.Equal(t, text, template.String())

		// Whatever values go in come out again, or are refused.
		made, err := template.Expand(func(string) string { return key })
		if err == nil {
			fields, ok := template.Match(made)
			require.True(t, ok, made)
			require.Len(t, fields, len(template.Fields()))
			for _, field := range template.Fields() {
				require.Equal(t, key, fields[field])
			}
			_, err = channel.New("S", made)
			require.NoError(t, err)
		}

		// A key that matches is made of its fields again.
		if fields, ok := template.Match(key); ok {
			if _, err := channel.New("S", key); err == nil {
				again, err := template.Expand(func(field string) string { return fields[field] })
				require.NoError(t, err)
				require.Equal(t, key, again)
			}
		}
	})
}

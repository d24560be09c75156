package channel_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/channel"
)

func TestParsePattern(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ in, fault string }{
		"one channel":       {in: "CommentStream:item:42"},
		"one part":          {in: "CommentStream:item:*"},
		"the rest":          {in: "CommentStream:**"},
		"both":              {in: "S:*:x:*:**"},
		"marks":             {in: "S:-._~@+=|"},
		"longest":           {in: "S:" + strings.Repeat("k", channel.MaxKey)},
		"one too long":      {in: "S:" + strings.Repeat("k", channel.MaxKey+1), fault: "129 bytes, at most 128"},
		"empty":             {in: "", fault: "want Stream:key"},
		"no key":            {in: "CommentStream", fault: "want Stream:key"},
		"star alone":        {in: "*", fault: "want Stream:key"},
		"any stream":        {in: "*:x", fault: "the stream may not be a wildcard"},
		"any stream, deep":  {in: "**:x", fault: "the stream may not be a wildcard"},
		"a piece of stream": {in: "Comment*:x", fault: "the stream may not be a wildcard"},
		"wrong stream":      {in: "1:x", fault: "must begin with a letter"},
		"empty stream":      {in: ":x", fault: "the stream is empty"},
		"empty key":         {in: "S:", fault: "a part is empty"},
		"empty part":        {in: "S:a::b", fault: "a part is empty"},
		"empty last part":   {in: "S:a:", fault: "a part is empty"},
		"** not last":       {in: "S:**:x", fault: "** must be the last part"},
		"** twice":          {in: "S:**:**", fault: "** must be the last part"},
		"three stars":       {in: "S:***", fault: "a wildcard is a whole part"},
		"a piece of a part": {in: "S:item:4*", fault: `part "4*": a wildcard is a whole part`},
		"NUL":               {in: "S:a\x00", fault: `'\x00' is not allowed`},
		"lookalike star":    {in: "S:\u2217", fault: "'∗' is not allowed"},
		"invalid UTF-8":     {in: "S:\xff", fault: "is not allowed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := channel.ParsePattern(tc.in)
			if tc.fault != "" {
				require.ErrorIs(t, err, channel.ErrInvalid)
				require.ErrorContains(t, err, tc.fault)
				require.Zero(t, p)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tc.in, p.String())
		})
	}
}

func TestPatternMatch(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		pattern string
		yes, no []string
	}{
		"one channel": {"S:item:42", []string{"S:item:42"}, []string{"S:item:4", "S:item:421", "S:item", "S:item:42:x", "T:item:42", "s:item:42"}},
		"one part":    {"S:item:*", []string{"S:item:42", "S:item:x"}, []string{"S:item", "S:item:4:2", "S:user:42", "T:item:42"}},
		"first part":  {"S:*:42", []string{"S:item:42", "S:user:42"}, []string{"S:42", "S:item:43", "S:a:b:42"}},
		"one star":    {"S:*", []string{"S:all"}, []string{"S:item:42", "T:all"}},
		"the rest":    {"S:item:**", []string{"S:item:42", "S:item:4:2"}, []string{"S:item", "S:user:42", "T:item:42"}},
		"everything":  {"S:**", []string{"S:a", "S:a:b:c"}, []string{"T:a", "SS:a"}},
		"mixed":       {"S:*:x:**", []string{"S:a:x:b", "S:a:x:b:c"}, []string{"S:a:x", "S:a:y:b", "S:x:a:b"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := channel.ParsePattern(tc.pattern)
			require.NoError(t, err)
			for _, n := range tc.yes {
				require.True(t, p.Match(channel.MustParse(n)), n)
			}
			for _, n := range tc.no {
				require.False(t, p.Match(channel.MustParse(n)), n)
			}
			require.False(t, p.Match(channel.Name{}))
			require.False(t, channel.Pattern{}.Match(channel.MustParse(tc.yes[0])))
		})
	}
}

// matchSlowly is Match by its words: part by part, from lists.
func matchSlowly(pattern, name string) bool {
	want, got := strings.Split(pattern, ":"), strings.Split(name, ":")
	if want[len(want)-1] == "**" {
		if len(got) < len(want) {
			return false
		}
		want, got = want[:len(want)-1], got[:len(want)-1]
	}
	if len(want) != len(got) {
		return false
	}
	for i := range want {
		if want[i] != "*" && want[i] != got[i] {
			return false
		}
	}
	return true
}

func FuzzPattern(f *testing.F) {
	for _, p := range []string{"S:**", "S:*", "S:item:*", "S:*:x:**", "S:a", "*:x", "S:**:x", "S::x"} {
		f.Add(p, "S:item:42")
		f.Add(p, p)
	}
	f.Fuzz(func(t *testing.T, pattern, name string) {
		p, err := channel.ParsePattern(pattern)
		if err != nil {
			require.ErrorIs(t, err, channel.ErrInvalid)
			require.Zero(t, p)
			return
		}
		require.Equal(t, pattern, p.String())
		n, err := channel.Parse(name)
		if err != nil {
			return
		}
		require.Equal(t, matchSlowly(pattern, name), p.Match(n))
		if p.Match(n) {
			stream, _, _ := strings.Cut(pattern, ":")
			require.Equal(t, stream, n.Stream())
		}
		// A name is a pattern too, of itself alone.
		own, err := channel.ParsePattern(name)
		require.NoError(t, err)
		require.True(t, own.Match(n))
	})
}

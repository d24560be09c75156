package channel_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/channel"
)

func TestParse(t *testing.T) {
	t.Parallel()
	longStream := strings.Repeat("S", channel.MaxStream)
	longKey := strings.Repeat("k", channel.MaxKey)
	for name, tc := range map[string]struct {
		in          string
		stream, key string // want, when accepted
		fault       string // want, a part of the message, when refused
	}{
		"one part":            {in: "SystemStream:all", stream: "SystemStream", key: "all"},
		"two parts":           {in: "CommentStream:item:42", stream: "CommentStream", key: "item:42"},
		"five parts":          {in: "S:a:b:c:d:e", stream: "S", key: "a:b:c:d:e"},
		"lower case stream":   {in: "comments2:1", stream: "comments2", key: "1"},
		"UUID":                {in: "S:8f14e45f-ceea-467f-a0e6-2b1f0a9d1c3e", stream: "S", key: "8f14e45f-ceea-467f-a0e6-2b1f0a9d1c3e"},
		"e-mail address":      {in: "S:user:ann+x@example.org", stream: "S", key: "user:ann+x@example.org"},
		"every mark":          {in: "S:-._~@+=|", stream: "S", key: "-._~@+=|"},
		"dots only":           {in: "S:..", stream: "S", key: ".."},
		"longest stream":      {in: longStream + ":k", stream: longStream, key: "k"},
		"longest key":         {in: "S:" + longKey, stream: "S", key: longKey},
		"longest of both":     {in: longStream + ":" + longKey, stream: longStream, key: longKey},
		"stream one too long": {in: longStream + "S:k", fault: "the stream has 65 bytes, at most 64 are allowed"},
		"key one too long":    {in: "S:" + longKey + "k", fault: "the key has 129 bytes, at most 128 are allowed"},
		"a megabyte":          {in: "S:" + strings.Repeat("k", 1<<20), fault: "the key has 1048576 bytes"},

		"empty":            {in: "", fault: `"": want Stream:key, such as CommentStream:item:42`},
		"no key":           {in: "CommentStream", fault: "want Stream:key"},
		"a long non-name":  {in: strings.Repeat("x", 41), fault: `"` + strings.Repeat("x", 40) + `"…: want Stream:key`},
		"empty stream":     {in: ":item:42", fault: "the stream is empty"},
		"empty key":        {in: "S:", fault: "the key is empty"},
		"empty first part": {in: "S::42", fault: `key ":42" has an empty part`},
		"empty mid part":   {in: "S:item::42", fault: `key "item::42" has an empty part`},
		"empty last part":  {in: "S:item:", fault: `key "item:" has an empty part`},
		"colons only":      {in: "::::", fault: "the stream is empty"},

		"digit first":         {in: "2S:k", fault: `stream "2S" must begin with a letter`},
		"underscore first":    {in: "_S:k", fault: "must begin with a letter"},
		"non-ASCII first":     {in: "Éa:k", fault: "must begin with a letter"},
		"dash in stream":      {in: "a-b:k", fault: `stream "a-b": '-' is not allowed, only letters and digits are`},
		"non-ASCII stream":    {in: "Caf\u00e9:k", fault: `'é' is not allowed`},
		"look-alike stream":   {in: "C\u043emments:k", fault: `'о' is not allowed`}, // Cyrillic о
		"line feed in stream": {in: "S\nid: 1:k", fault: `'\n' is not allowed`},

		"space":            {in: "S:a b", fault: `key "a b": ' ' is not allowed, only letters, digits and -._~@+=| are, with : between parts`},
		"header injection": {in: "S:a\r\nid: 9", fault: `'\r' is not allowed`},
		"line feed":        {in: "S:a\nb", fault: `'\n' is not allowed`},
		"tab":              {in: "S:a\tb", fault: `'\t' is not allowed`},
		"NUL":              {in: "S:a\x00", fault: `'\x00' is not allowed`},
		"escape":           {in: "S:a\x1b[31m", fault: `'\x1b' is not allowed`},
		"DEL":              {in: "S:a\x7f", fault: `'\x7f' is not allowed`},
		"C1 control":       {in: "S:a\u0085", fault: `'\u0085' is not allowed`},
		"line separator":   {in: "S:a\u2028", fault: `'\u2028' is not allowed`},
		"bidi override":    {in: "S:a\u202eb", fault: `'\u202e' is not allowed`},
		"byte order mark":  {in: "S:\ufeffa", fault: `'\ufeff' is not allowed`},
		"emoji":            {in: "S:a😀", fault: `'😀' is not allowed`},
		"invalid UTF-8":    {in: "S:a\xff", fault: `key "a\xff": '�' is not allowed`},
		"slash":            {in: "S:../../etc", fault: `'/' is not allowed`},
		"percent":          {in: "S:%41", fault: `'%' is not allowed`},
		"table key mark":   {in: "S:a#b", fault: `'#' is not allowed`},
		"pattern":          {in: "S:*", fault: `'*' is not allowed`},
		"template":         {in: "S:{id}", fault: `'{' is not allowed`},
		"quote":            {in: `S:a"b`, fault: `'"' is not allowed`},
		"markup":           {in: "S:<b>", fault: `'<' is not allowed`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ch, err := channel.Parse(tc.in)
			if tc.fault != "" {
				require.ErrorIs(t, err, channel.ErrInvalid)
				require.ErrorContains(t, err, tc.fault)
				require.Less(t, len(err.Error()), 300, "a message is never long")
				require.True(t, ch.IsZero())
				return
			}
			require.NoError(t, err)
			require.Equal(t, tc.stream, ch.Stream())
			require.Equal(t, tc.key, ch.Key())
			require.Equal(t, tc.in, ch.String())
			require.False(t, ch.IsZero())

			same, err := channel.New(tc.stream, tc.key)
			require.NoError(t, err)
			require.True(t, ch == same, "names compare with ==")
		})
	}
}

func TestNewTakesNoColonInTheStream(t *testing.T) {
	t.Parallel()
	_, err := channel.New("Comment:Stream", "k")
	require.ErrorIs(t, err, channel.ErrInvalid)
	require.ErrorContains(t, err, `':' is not allowed`)
}

func TestZeroNameIsNoChannel(t *testing.T) {
	t.Parallel()
	var ch channel.Name
	require.True(t, ch.IsZero())
	require.Empty(t, ch.String())
	require.Empty(t, ch.Stream())
	require.Empty(t, ch.Key())
}

func TestMustParse(t *testing.T) {
	t.Parallel()
	require.Equal(t, "S:k", channel.MustParse("S:k").String())
	require.PanicsWithError(t, `invalid channel "S": want Stream:key, such as CommentStream:item:42`, func() { channel.MustParse("S") })
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"", ":", "S:k", "CommentStream:item:42", "S:a::b", "S:\r\n", "S:\xff", "é:k", "S:{id}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		ch, err := channel.Parse(in)
		if err != nil {
			require.ErrorIs(t, err, channel.ErrInvalid)
			require.True(t, ch.IsZero())
			return
		}
		require.Equal(t, in, ch.String())
		require.Equal(t, in, ch.Stream()+":"+ch.Key())
		require.LessOrEqual(t, len(in), channel.MaxStream+1+channel.MaxKey)
		for _, b := range []byte(in) {
			require.True(t, b > ' ' && b < 0x7f && !strings.ContainsRune(`"#%&'()*,/<>?[\]^{}`+"`", rune(b)), "byte %q", b)
		}
	})
}

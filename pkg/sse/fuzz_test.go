package sse_test

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/sse"
)

// cutter reads its text in pieces whose sizes the bytes of cuts say.
type cutter struct {
	text string
	cuts []byte
}

func (c *cutter) Read(p []byte) (int, error) {
	if c.text == "" {
		return 0, io.EOF
	}
	size := len(c.text)
	if len(c.cuts) > 0 {
		size, c.cuts = min(size, 1+int(c.cuts[0])), c.cuts[1:]
	}
	n := copy(p, c.text[:size])
	c.text = c.text[n:]
	return n, nil
}

func FuzzReader(f *testing.F) {
	for _, tc := range cases {
		f.Add([]byte(tc.in), []byte{3, 0, 1}, 40)
	}
	f.Fuzz(func(t *testing.T, in, cuts []byte, most int) {
		bound := sse.MaxEvent(max(0, min(most, 1<<20)))
		whole := read(bytes.NewReader(in), bound)
		require.Equal(t, whole, read(&cutter{text: string(in), cuts: cuts}, bound))
		for _, e := range whole.events {
			require.True(t, utf8.ValidString(e.ID+e.Type+e.Data))
			require.NotContains(t, e.Data, "\r")
			require.NotContains(t, e.ID, "\x00")
			require.NotEmpty(t, e.Type)
		}
	})
}

func FuzzWriterReader(f *testing.F) {
	f.Add("1", "CommentAdded", []byte("{}"), 2600)
	f.Add("", "", []byte(""), 0)
	f.Add("a b", " x", []byte("a\r\nb\rc\nd\n"), -1)
	f.Add("1\x00", "", []byte("\x00"), 1)
	f.Add("1\n2", "", []byte("a"), 1)
	f.Add("1", "x\ry", []byte("a"), 1)
	f.Add("…😀", "é", []byte("\u2028\u2029\u0085\ufeff😀"), 1)
	f.Add("\xff", "\xf0\x9f", []byte("\xe2\x82\r\xed\xa0\x80"), 1)
	f.Add("", "message", []byte("\nid: 2\n\ndata: x\n\n"), 1)
	f.Fuzz(func(t *testing.T, id, kind string, data []byte, ms int) {
		frame := sse.Frame{Retry: time.Duration(ms%1e9) * time.Millisecond, ID: id, Type: kind, Data: append([]byte{}, data...)}
		out, err := frame.Append(nil)
		if strings.ContainsAny(id, "\r\n\x00") || strings.ContainsAny(kind, "\r\n") {
			require.ErrorIs(t, err, sse.ErrField)
			require.Empty(t, out)
			return
		}
		require.NoError(t, err)

		// Twice, so that what one frame leaves behind would show in the next.
		got := read(strings.NewReader(string(out) + sse.Heartbeat + string(out)))
		lines := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(data))
		want := sse.Event{ID: decode(id), HasID: id != "", Type: decode(kind), Data: decode(lines)}
		if want.Type == "" {
			want.Type = "message"
		}
		require.Equal(t, []sse.Event{want, want}, got.events)
		require.Equal(t, want.ID, got.lastID)
		require.Equal(t, frame.Retry > 0, got.hasTry)
		if got.hasTry {
			require.Equal(t, frame.Retry, got.retry)
		}
	})
}

// decode is the UTF-8 decoder of the WHATWG Encoding standard, step by step as
// it is written there: the oracle for the reader's own.
func decode(s string) string {
	var out strings.Builder
	var point rune
	var needed, seen int
	low, high := byte(0x80), byte(0xbf)
	for i := 0; i <= len(s); i++ {
		if i == len(s) {
			if needed > 0 {
				out.WriteRune('\ufffd')
			}
			break
		}
		b := s[i]
		if needed == 0 {
			switch {
			case b <= 0x7f:
				out.WriteByte(b)
			case 0xc2 <= b && b <= 0xdf:
				needed, point = 1, rune(b&0x1f)
			case 0xe0 <= b && b <= 0xef:
				if b == 0xe0 {
					low = 0xa0
				}
				if b == 0xed {
					high = 0x9f
				}
				needed, point = 2, rune(b&0xf)
			case 0xf0 <= b && b <= 0xf4:
				if b == 0xf0 {
					low = 0x90
				}
				if b == 0xf4 {
					high = 0x8f
				}
				needed, point = 3, rune(b&0x7)
			default:
				out.WriteRune('\ufffd')
			}
			continue
		}
		if b < low || high < b {
			point, needed, seen, low, high = 0, 0, 0, 0x80, 0xbf
			out.WriteRune('\ufffd')
			i-- // the byte is looked at again
			continue
		}
		low, high = 0x80, 0xbf
		point = point<<6 | rune(b&0x3f)
		if seen++; seen == needed {
			out.WriteRune(point)
			point, needed, seen = 0, 0, 0
		}
	}
	return out.String()
}

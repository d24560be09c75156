package sse_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/sse"
)

func TestFrame(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		frame sse.Frame
		want  string
	}{
		"all":               {frame: sse.Frame{Retry: 2600 * time.Millisecond, ID: "1", Type: "x", Data: []byte("a")}, want: "retry: 2600\nid: 1\nevent: x\ndata: a\n\n"},
		"data alone":        {frame: sse.Frame{Data: []byte("a")}, want: "data: a\n\n"},
		"empty data":        {frame: sse.Frame{Data: []byte{}}, want: "data: \n\n"},
		"retry alone":       {frame: sse.Frame{Retry: time.Second}, want: "retry: 1000\n\n"},
		"retry never 0":     {frame: sse.Frame{Retry: time.Nanosecond}, want: "retry: 1\n\n"},
		"negative retry":    {frame: sse.Frame{Retry: -time.Second, Data: []byte("a")}, want: "data: a\n\n"},
		"LF":                {frame: sse.Frame{Data: []byte("a\nb")}, want: "data: a\ndata: b\n\n"},
		"CR":                {frame: sse.Frame{Data: []byte("a\rb")}, want: "data: a\ndata: b\n\n"},
		"CRLF":              {frame: sse.Frame{Data: []byte("a\r\nb")}, want: "data: a\ndata: b\n\n"},
		"LFCR is two":       {frame: sse.Frame{Data: []byte("a\n\rb")}, want: "data: a\ndata: \ndata: b\n\n"},
		"line end last":     {frame: sse.Frame{Data: []byte("a\n")}, want: "data: a\ndata: \n\n"},
		"CR last":           {frame: sse.Frame{Data: []byte("a\r")}, want: "data: a\ndata: \n\n"},
		"look-alike":        {frame: sse.Frame{Data: []byte("\nid: 9\n\nevent: x")}, want: "data: \ndata: id: 9\ndata: \ndata: event: x\n\n"},
		"leading space":     {frame: sse.Frame{Data: []byte(" a"), ID: " 1"}, want: "id:  1\ndata:  a\n\n"},
		"line separator":    {frame: sse.Frame{Data: []byte("a\u2028b")}, want: "data: a\u2028b\n\n"},
		"NUL in type, data": {frame: sse.Frame{Type: "\x00", Data: []byte("\x00")}, want: "event: \x00\ndata: \x00\n\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := tc.frame.Append([]byte("before\n"))
			require.NoError(t, err)
			require.Equal(t, "before\n"+tc.want, string(got))
		})
	}
}

func TestFrameRefusesWhatWouldForgeALine(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		frame sse.Frame
		fault string
	}{
		"LF in id":     {frame: sse.Frame{ID: "1\n"}, fault: `a line end or NUL in id "1\n"`},
		"CR in id":     {frame: sse.Frame{ID: "1\rdata: x"}, fault: "a line end or NUL in id"},
		"NUL in id":    {frame: sse.Frame{ID: "1\x00"}, fault: "a line end or NUL in id"},
		"LF in type":   {frame: sse.Frame{Type: "x\n\nevent: y"}, fault: `a line end in type "x\n\nevent: y"`},
		"CR in type":   {frame: sse.Frame{Type: "\r"}, fault: "a line end in type"},
		"CRLF in type": {frame: sse.Frame{Type: "x\r\n"}, fault: "a line end in type"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := tc.frame.Append([]byte("before\n"))
			require.ErrorIs(t, err, sse.ErrField)
			require.ErrorContains(t, err, tc.fault)
			require.Equal(t, "before\n", string(got), "dst as it was")
		})
	}
}

// A heartbeat is no event and no part of one, wherever between frames it stands.
func TestHeartbeatIsSilent(t *testing.T) {
	t.Parallel()
	frame, err := sse.Frame{ID: "1", Data: []byte("a")}.Append(nil)
	require.NoError(t, err)
	got := read(strings.NewReader(sse.Heartbeat + string(frame) + sse.Heartbeat + sse.Heartbeat + string(frame)))
	require.Equal(t, []string{"message|1|a", "message|1|a"}, show(got.events))
}

func BenchmarkFrameAppend(b *testing.B) {
	frame := sse.Frame{ID: "UQECAwQFBgcICQoL", Type: "CommentAdded", Data: []byte(strings.Repeat("x", 256))}
	buf, err := frame.Append(nil)
	require.NoError(b, err)
	b.SetBytes(int64(len(buf)))
	b.ReportAllocs()
	for b.Loop() {
		buf, _ = frame.Append(buf[:0])
	}
}

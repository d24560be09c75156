package sse_test

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/sse"
)

// told is all that a reader says of a stream.
type told struct {
	events []sse.Event
	lastID string
	retry  time.Duration
	hasTry bool
	err    error
}

func read(src io.Reader, options ...sse.Option) told {
	var all told
	r := sse.NewReader(src, options...)
	for {
		e, err := r.Next()
		if err != nil {
			all.err = err
			break
		}
		all.events = append(all.events, e)
	}
	all.lastID = r.LastEventID()
	all.retry, all.hasTry = r.Retry()
	return all
}

// line shows an event as "type|id|data".
func show(events []sse.Event) []string {
	var lines []string
	for _, e := range events {
		lines = append(lines, e.Type+"|"+e.ID+"|"+e.Data)
	}
	return lines
}

// The table is in cases_test.go. Every case is read whole, byte by byte, and cut
// into two at each place: any split gives the same events.
func TestReader(t *testing.T) {
	t.Parallel()
	require.Greater(t, len(cases), 100)
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			whole := read(strings.NewReader(tc.in))
			require.Equal(t, io.EOF, whole.err)
			require.Equal(t, tc.want, show(whole.events))
			if tc.lastID != "" {
				require.Equal(t, tc.lastID, whole.lastID)
			}
			if tc.retry != unset {
				require.True(t, whole.hasTry)
				require.Equal(t, tc.retry-1, whole.retry.Milliseconds())
			} else {
				require.False(t, whole.hasTry)
			}
			require.Equal(t, whole, read(iotest.OneByteReader(strings.NewReader(tc.in))), "byte by byte")
			require.Equal(t, whole, read(iotest.DataErrReader(strings.NewReader(tc.in))), "the end together with the last bytes")
			for cut := range len(tc.in) {
				parts := io.MultiReader(strings.NewReader(tc.in[:cut]), strings.NewReader(tc.in[cut:]))
				require.Equal(t, whole, read(parts), "cut at %d", cut)
			}
		})
	}
}

func TestReaderWaitsForNothingMoreThanTheLineEnd(t *testing.T) {
	t.Parallel()
	for _, end := range []string{"\n\n", "\r\r", "\r\n\r\n", "\r\n\r", "\n\r"} {
		r := sse.NewReader(io.MultiReader(
			strings.NewReader("data: now"+end),
			iotest.ErrReader(errors.New("read on before the event was given")),
		))
		e, err := r.Next()
		require.NoError(t, err, "%q", end)
		require.Equal(t, "now", e.Data)
	}
}

func TestReaderSaysWhoNamedTheID(t *testing.T) {
	t.Parallel()
	got := read(strings.NewReader("id: 1\ndata: a\n\ndata: b\n\nid: 2\n\ndata: c\n\nid\ndata: d\n\n"))
	require.Equal(t, []sse.Event{
		{ID: "1", HasID: true, Type: "message", Data: "a"},
		{ID: "1", Type: "message", Data: "b"},
		{ID: "2", Type: "message", Data: "c"},
		{ID: "", HasID: true, Type: "message", Data: "d"},
	}, got.events)
}

func TestReaderCarriesTheIDOverReconnects(t *testing.T) {
	t.Parallel()
	got := read(strings.NewReader("data: a\n\nid: 8\ndata: unfinished"), sse.LastEventID("7"))
	require.Equal(t, []string{"message|7|a"}, show(got.events))
	require.Equal(t, "7", got.lastID)
	require.Equal(t, "7", read(strings.NewReader(""), sse.LastEventID("7")).lastID, "a stream cut before its first event")
	require.Empty(t, read(strings.NewReader("id\n\n"), sse.LastEventID("7")).lastID, "an empty id resets it")
}

func TestReaderReportsComments(t *testing.T) {
	t.Parallel()
	var heard []string
	got := read(strings.NewReader(":\n: beat\r\ndata: a\n:in\xff\r\n\n:end"), sse.OnComment(func(text string) { heard = append(heard, text) }))
	require.Equal(t, []string{"message||a"}, show(got.events))
	require.Equal(t, []string{"", " beat", "in\ufffd"}, heard, "the last line is not finished")
}

func TestReaderGivesTheErrorOfTheSourceAfterWhatCameBefore(t *testing.T) {
	t.Parallel()
	cut := errors.New("connection reset")
	r := sse.NewReader(io.MultiReader(strings.NewReader("data: a\n\ndata: b\n"), iotest.ErrReader(cut)))
	e, err := r.Next()
	require.NoError(t, err)
	require.Equal(t, "a", e.Data)
	for range 3 {
		_, err = r.Next()
		require.ErrorIs(t, err, cut)
	}
}

func TestRetryBeyondADurationIsTheLongestOne(t *testing.T) {
	t.Parallel()
	got := read(strings.NewReader("retry: 99999999999999999999999999\n"))
	require.True(t, got.hasTry)
	require.Equal(t, time.Duration(math.MaxInt64).Truncate(time.Millisecond), got.retry)
}

func TestReaderBoundsAnEvent(t *testing.T) {
	t.Parallel()
	const most = 100
	text := strings.Repeat("x", most)
	for name, tc := range map[string]struct {
		in    string
		fault string
	}{
		"at the bound":          {in: "data: " + text + "\n\n"},
		"one over":              {in: "data: " + text + "x\n\n", fault: "more than 100 bytes of data"},
		"two lines, bound":      {in: "data: " + text[:49] + "\ndata: " + text[:50] + "\n\n"},
		"two lines, over":       {in: "data: " + text[:50] + "\ndata: " + text[:50] + "\n\n", fault: "more than 100 bytes of data"},
		"empty lines":           {in: strings.Repeat("data\n", 102) + "\n", fault: "more than 100 bytes of data"},
		"grown by replacement":  {in: "data: " + strings.Repeat("\xff", 34) + "\n\n", fault: "more than 100 bytes of data"},
		"comment at the bound":  {in: ":" + strings.Repeat("c", 115) + "\n"},
		"comment over":          {in: ":" + strings.Repeat("c", 116) + "\n", fault: "a line of more than 116 bytes"},
		"id over":               {in: "id:" + strings.Repeat("c", 114) + "\n\n", fault: "a line of more than 116 bytes"},
		"a line without end":    {in: strings.Repeat("c", 1<<20), fault: "a line of more than 116 bytes"},
		"many events are many":  {in: strings.Repeat("data: "+text+"\n\n", 50)},
		"many comments, no end": {in: strings.Repeat(":"+text+"\n", 50)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := "data: before\n\n" + tc.in
			got := read(strings.NewReader(in), sse.MaxEvent(most))
			require.Equal(t, "message||before", show(got.events)[0])
			if tc.fault == "" {
				require.Equal(t, io.EOF, got.err)
			} else {
				require.ErrorIs(t, got.err, sse.ErrTooLarge)
				require.ErrorContains(t, got.err, tc.fault)
				require.Len(t, got.events, 1)
			}
			bytewise := read(iotest.OneByteReader(strings.NewReader(in)), sse.MaxEvent(most))
			require.Equal(t, got, bytewise)
		})
	}
}

func TestAfterTooLargeThereIsNothing(t *testing.T) {
	t.Parallel()
	r := sse.NewReader(strings.NewReader("data: 0123456789\n\ndata: a\n\n"), sse.MaxEvent(5))
	for range 3 {
		_, err := r.Next()
		require.ErrorIs(t, err, sse.ErrTooLarge)
	}
}

// 24 MB in chunks of 100 bytes: a second or so in linear time, and many minutes
// where each chunk has the line looked at again.
func TestGiantLinesTakeLinearTime(t *testing.T) {
	t.Parallel()
	const size = 24 << 20
	for name, in := range map[string]string{
		"one line":   "data: " + strings.Repeat("x", size) + "\n\n",
		"CR lines":   strings.Repeat("data: x\r", size/8) + "\r",
		"comment":    ":" + strings.Repeat("x", size) + "\ndata: x\n\n",
		"many bytes": strings.Repeat("data: \xff\n\n", size/72),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			src := &small{strings.NewReader(in)}
			r := sse.NewReader(src, sse.MaxEvent(size))
			total, began := 0, time.Now()
			for {
				e, err := r.Next()
				if err != nil {
					require.Equal(t, io.EOF, err)
					break
				}
				total += 1 + len(e.Data)
				require.Less(t, time.Since(began), time.Minute)
			}
			require.Equal(t, map[string]int{
				"one line": size + 1, "CR lines": size / 4, "comment": 2, "many bytes": size / 72 * 4,
			}[name], total)
		})
	}
	require.ErrorIs(t, read(strings.NewReader("data: "+strings.Repeat("x", size)+"\n\n")).err, sse.ErrTooLarge, "unless it is asked for")
}

// small reads in small chunks.
type small struct{ src io.Reader }

func (s *small) Read(p []byte) (int, error) { return s.src.Read(p[:min(len(p), 100)]) }

func BenchmarkReader(b *testing.B) {
	for _, size := range []int{64, 256, 4096, 1 << 20} {
		frame, err := sse.Frame{ID: "UQECAwQFBgcICQoL", Type: "CommentAdded", Data: []byte(strings.Repeat("x", size))}.Append(nil)
		require.NoError(b, err)
		stream := strings.Repeat(string(frame), max(1, 1<<20/len(frame)))
		b.Run(fmt.Sprintf("data=%d", size), func(b *testing.B) {
			b.SetBytes(int64(len(stream)))
			b.ReportAllocs()
			for b.Loop() {
				r := sse.NewReader(strings.NewReader(stream))
				for {
					if _, err := r.Next(); err != nil {
						break
					}
				}
			}
		})
	}
}

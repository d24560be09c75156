package load

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const okHead = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"

// body is a stream's body with n events, as a server would frame them.
func body(t *testing.T, n int) (b []byte, want []word) {
	t.Helper()
	b = append(b, "retry: 2000\nid: a@b@@due\ndata: {\"type\":\"connected\",\"user\":\"me@example.org\"}\n\n"...)
	for i := range n {
		w := newWord(time.Duration(i)*time.Second, i)
		var event struct {
			Data json.RawMessage `json:"data"`
		}
		require.NoError(t, json.Unmarshal(appendEvent(nil, i, w), &event))
		b = fmt.Appendf(b, "id: %d\nevent: CommentAdded\ndata: %s\n\n:\n", i, event.Data)
		want = append(want, w)
	}
	return b, want
}

// chunked cuts the body into chunks of random sizes.
func chunked(random *rand.Rand, b []byte) []byte {
	var out []byte
	for len(b) > 0 {
		n := min(len(b), 1+random.IntN(700))
		extension := ""
		if random.IntN(5) == 0 {
			extension = ";a=b"
		}
		out = fmt.Appendf(out, "%x%s\r\n%s\r\n", n, extension, b[:n])
		b = b[n:]
	}
	return out
}

// feedCut feeds the response in pieces of random sizes.
func feedCut(t *testing.T, random *rand.Rand, response []byte, most int) []word {
	t.Helper()
	var s stream
	var got []word
	for len(response) > 0 {
		n := min(len(response), 1+random.IntN(most))
		var err error
		got, err = s.feed(response[:n], got)
		require.NoError(t, err)
		response = response[n:]
	}
	return got
}

func TestEveryEventIsFoundHoweverTheResponseIsCut(t *testing.T) {
	t.Parallel()
	b, want := body(t, 40)
	for name, most := range map[string]int{"bytes": 1, "crumbs": 30, "pieces": 2000, "whole": 1 << 20} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(3, uint64(most)))
			for range 20 {
				plain := append([]byte(okHead+"\r\n"), b...)
				require.Equal(t, want, feedCut(t, random, plain, most))
				inChunks := append([]byte(okHead+"Transfer-Encoding: chunked\r\n\r\n"), chunked(random, b)...)
				require.Equal(t, want, feedCut(t, random, inChunks, most))
			}
		})
	}
}

func TestARecordAfterAFalseBeginningIsFound(t *testing.T) {
	t.Parallel()
	w := newWord(5*time.Second, 7)
	record := fmt.Sprintf("%s%016x", marker, uint64(w))
	for split := range len(record) {
		var s stream
		_, err := s.feed([]byte(okHead+"\r\nab@due@"+record[:split]), nil)
		require.NoError(t, err)
		got, err := s.feed([]byte(record[split:]+" and more"), nil)
		require.NoError(t, err)
		if split < len(record) {
			require.Equal(t, []word{w}, got, "split at %d", split)
		}
	}
}

func TestAStreamSaysWhyItStops(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		response string
		want     string
	}{
		"refused":         {"HTTP/1.1 429 Too Many Requests\r\n\r\n", "429 Too Many Requests"},
		"last chunk":      {okHead + "Transfer-Encoding: chunked\r\n\r\n3\r\n:\n\n\r\n0\r\n\r\n", errEnded.Error()},
		"no size":         {okHead + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n", `'x' in the size`},
		"damaged record":  {okHead + "\r\ndata: " + marker + "0123456789abcdeg", errDamage.Error()},
		"endless head":    {"HTTP/1.1 200 OK\r\n" + string(bytes.Repeat([]byte("a"), maxHead)), "no end of the head"},
		"enormous chunks": {okHead + "Transfer-Encoding: chunked\r\n\r\nffffffffffff\r\n", "in the size"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var s stream
			_, err := s.feed([]byte(tc.response), nil)
			require.ErrorContains(t, err, tc.want)
		})
	}
}

func TestAnEventHasItsSizeAndCarriesItsWord(t *testing.T) {
	t.Parallel()
	for _, w := range []word{0, newWord(0, 1), newWord(300*time.Hour, maxSeq)} {
		var event struct {
			Channel string          `json:"channel"`
			Type    string          `json:"event_type"`
			Data    json.RawMessage `json:"data"`
		}
		require.NoError(t, json.Unmarshal(appendEvent(nil, 42, w), &event))
		require.Equal(t, "CommentStream:item:000042", event.Channel)
		require.Equal(t, "CommentAdded", event.Type)
		require.Len(t, event.Data, DataSize)
		at := bytes.Index(event.Data, []byte(marker))
		got, ok := parseWord(event.Data[at+len(marker):])
		require.True(t, ok)
		require.Equal(t, w, got)
	}
	w := newWord(300*time.Hour+time.Microsecond, maxSeq)
	require.Equal(t, 300*time.Hour+time.Microsecond, w.due())
	require.Equal(t, maxSeq, w.seq())
}

func TestAPublisherKnowsWhenItsAnswerIsWhole(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"length":  "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
		"chunked": "HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
		"none":    "HTTP/1.1 204 No Content\r\nDate: now\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var p publisher
			p.request("localhost", 1, newWord(0, 1))
			for i := range answer {
				whole, err := p.answered([]byte(answer[i : i+1]))
				require.NoError(t, err)
				require.Equal(t, i == len(answer)-1, whole, "after %q", answer[:i+1])
				require.Equal(t, !whole, p.busy)
			}
		})
	}
	var p publisher
	_, err := p.answered([]byte("HTTP/1.1 400 Bad Request\r\n\r\nno such stream"))
	require.ErrorContains(t, err, "no such stream")
	require.False(t, errors.Is(err, errEnded))
}

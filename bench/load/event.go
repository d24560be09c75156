package load

import (
	"fmt"
	"strconv"
	"time"
)

// DataSize is the size of an event's data, in bytes.
const DataSize = 256

// A record is what an event's data carries for the generator: the marker, then
// when the event was due and its number, as one hexadecimal word.
const (
	marker     = "@due="
	wordDigits = 16
	recordSize = len(marker) + wordDigits

	seqBits = 24
	maxSeq  = 1<<seqBits - 1
)

// word is the due time, in microseconds since the generator's start, above the
// number of the event.
type word uint64

func newWord(due time.Duration, seq int) word {
	return word(due/time.Microsecond)<<seqBits | word(seq)
}

func (w word) due() time.Duration { return time.Duration(w>>seqBits) * time.Microsecond }
func (w word) seq() int           { return int(w & maxSeq) }

// check is what the word adds to a reader's sum. It is mixed, so that a lost
// event and a doubled one do not make up for each other.
func (w word) check() uint64 {
	x := uint64(w.seq()+1) * 0x9e3779b97f4a7c15
	return x ^ x>>29
}

// key is the key of the n-th channel.
func key(n int) string { return fmt.Sprintf("item:%06d", n) }

// Path is where a server serves the n-th channel.
func Path(n int) string { return "/sse/CommentStream/" + key(n) }

// appendEvent appends the body of a publish: one CommentAdded whose data has
// DataSize bytes.
func appendEvent(dst []byte, channel int, w word) []byte {
	dst = append(dst, `{"channel":"CommentStream:`...)
	dst = append(dst, key(channel)...)
	dst = append(dst, `","event_type":"CommentAdded","data":`...)
	start := len(dst)
	dst = append(dst, `{"comment_id":"`...)
	dst = strconv.AppendInt(dst, int64(w.seq()), 10)
	dst = append(dst, `","item_id":"`...)
	dst = append(dst, key(channel)[len("item:"):]...)
	dst = append(dst, `","author_name":"bench","text":"`...)
	dst = append(dst, marker...)
	for shift := 4 * (wordDigits - 1); shift >= 0; shift -= 4 {
		dst = append(dst, "0123456789abcdef"[w>>shift&15])
	}
	const end = `","timestamp":1763900000}`
	for len(dst)-start < DataSize-len(end) {
		dst = append(dst, '.')
	}
	return append(append(dst, end...), '}')
}

// parseWord reads the digits of a word.
func parseWord(b []byte) (w word, ok bool) {
	for _, c := range b[:wordDigits] {
		d := unhex[c]
		if d > 15 {
			return 0, false
		}
		w = w<<4 | word(d)
	}
	return w, true
}

// unhex is the value of a hexadecimal digit, 255 for any other byte.
var unhex = func() (t [256]byte) {
	for i := range t {
		t[i] = 255
	}
	for i := range byte(10) {
		t['0'+i] = i
	}
	for i := range byte(6) {
		t['a'+i], t['A'+i] = 10+i, 10+i
	}
	return t
}()

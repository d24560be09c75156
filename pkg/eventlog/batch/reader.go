package batch

import (
	"encoding/binary"
	"math"
	"time"

	"github.com/runnel-sse/runnel/pkg/eventlog"
)

// reader takes a batch apart. After its first fault it reads nothing more.
type reader struct {
	b     []byte // of the header
	text  string // of the body's head
	fault string
}

func (r *reader) header() (h Header, flags byte, headSize, dataSize int) {
	if len(r.b) < 5 {
		r.fault = "too short"
		return h, 0, 0, 0
	}
	if r.b[0] != version {
		r.fault = "unknown version"
		return h, 0, 0, 0
	}
	flags = r.b[1]
	if flags&^compressed != 0 {
		r.fault = "unknown flags"
		return h, 0, 0, 0
	}
	h.First.Epoch = eventlog.Epoch(r.b[2])<<16 | eventlog.Epoch(r.b[3])<<8 | eventlog.Epoch(r.b[4])
	r.b = r.b[5:]
	h.First.Seq = r.uvarint(eventlog.MaxSeq)
	h.At = time.UnixMilli(int64(r.uvarint(math.MaxUint64))).UTC()
	h.Count = int(r.uvarint(MaxBody))
	headSize = int(r.uvarint(MaxBody))
	dataSize = int(r.uvarint(MaxBody))
	if r.fault == "" && (h.Count == 0 || h.First.Seq == 0 || headSize+dataSize > MaxBody) {
		r.fault = "impossible numbers"
	}
	return h, flags, headSize, dataSize
}

func (r *reader) uvarint(most uint64) uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 || v > most {
		r.fault, r.b = "a number is wrong", nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

// size reads a length from the body's head.
func (r *reader) size(most int) int {
	var few [binary.MaxVarintLen32]byte
	v, n := binary.Uvarint(few[:copy(few[:], r.text)])
	if n <= 0 || v > uint64(most) {
		r.fault, r.text = "a length is wrong", ""
		return 0
	}
	r.text = r.text[n:]
	return int(v)
}

func (r *reader) cut(size int) string {
	if size > len(r.text) {
		r.fault, r.text = "an event without its id or type", ""
		return ""
	}
	s := r.text[:size]
	r.text = r.text[size:]
	return s
}

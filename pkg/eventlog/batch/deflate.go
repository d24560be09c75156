package batch

import (
	"bytes"
	"compress/flate"
	"io"
	"sync"
)

// level is chosen by measuring 25 JSON events of 300 bytes (BenchmarkLevel):
// against the fastest, 6 makes 8,400 bytes 2,860 instead of 3,220, for about
// 0.15 ms more. A third of a KiB costs a transaction on DynamoDB a hundred times
// what that time costs on Lambda. The levels above 6 save nothing more.
const level = 6

// maxRatio is the most that deflate can shrink. Whoever claims more lies, and
// is given no memory for it.
const maxRatio = 1032

// scratch is what encoding needs for a moment. A flate.Writer alone is about
// 1 MB, so it is used again.
type scratch struct {
	body  []byte
	small bytes.Buffer
	w     *flate.Writer
}

var scratches = sync.Pool{New: func() any {
	w, err := flate.NewWriter(io.Discard, level)
	if err != nil {
		panic(err) // the level is a constant
	}
	return &scratch{w: w}
}}

// deflate compresses the body; the result is valid until the next use of s.
func (s *scratch) deflate() []byte {
	s.small.Reset()
	s.w.Reset(&s.small)
	// A bytes.Buffer does not fail, so neither does this.
	_, _ = s.w.Write(s.body)
	_ = s.w.Close()
	return s.small.Bytes()
}

var inflaters = sync.Pool{New: func() any { return flate.NewReader(bytes.NewReader(nil)) }}

// inflate returns a copy of the body, which must have exactly that size.
func inflate(b []byte, flags byte, size int) (body []byte, fault string) {
	if flags&compressed == 0 {
		if len(b) != size {
			return nil, "its body has another size"
		}
		return bytes.Clone(b), ""
	}
	if size > maxRatio*len(b) {
		return nil, "its body claims to be larger than it can be"
	}
	r := inflaters.Get().(io.ReadCloser)
	defer inflaters.Put(r)
	if err := r.(flate.Resetter).Reset(bytes.NewReader(b), nil); err != nil {
		return nil, err.Error()
	}
	body = make([]byte, size)
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, "its body cannot be inflated: " + err.Error()
	}
	if n, err := r.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		return nil, "its body has another size"
	}
	return body, ""
}

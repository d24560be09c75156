package load

import (
	"bytes"
	"fmt"
	"strconv"
)

// publisher is one keep-alive connection that publishes one event at a time.
type publisher struct {
	fd     int
	busy   bool
	out    []byte // what is still to be written
	buf    []byte // the request
	body   []byte
	answer []byte // what has come of the response
}

func (p *publisher) request(host string, channel int, w word) {
	p.body = appendEvent(p.body[:0], channel, w)
	p.buf = append(p.buf[:0], "POST /publish HTTP/1.1\r\nHost: "...)
	p.buf = append(p.buf, host...)
	p.buf = append(p.buf, "\r\nContent-Type: application/json\r\nContent-Length: "...)
	p.buf = strconv.AppendInt(p.buf, int64(len(p.body)), 10)
	p.buf = append(append(p.buf, "\r\n\r\n"...), p.body...)
	p.out, p.busy = p.buf, true
}

// answered takes bytes of the response and reports whether it is whole. It
// fails on any status but a 2xx.
func (p *publisher) answered(b []byte) (bool, error) {
	p.answer = append(p.answer, b...)
	head, body, found := bytes.Cut(p.answer, []byte("\r\n\r\n"))
	if !found {
		return false, nil
	}
	line, fields, _ := bytes.Cut(head, []byte("\r\n"))
	if !bytes.HasPrefix(line, []byte("HTTP/1.1 2")) {
		return false, fmt.Errorf("publish refused: %q %q", line, body)
	}
	whole := true
	fields = bytes.ToLower(fields)
	if _, size, ok := bytes.Cut(fields, []byte("content-length: ")); ok {
		size, _, _ = bytes.Cut(size, []byte("\r\n"))
		n, err := strconv.Atoi(string(size))
		if err != nil {
			return false, fmt.Errorf("publish: content length %q", size)
		}
		whole = len(body) >= n
	} else if bytes.Contains(fields, []byte("transfer-encoding: chunked")) {
		whole = bytes.HasSuffix(body, []byte("0\r\n\r\n"))
	}
	if whole {
		p.answer, p.busy = p.answer[:0], false
	}
	return whole, nil
}

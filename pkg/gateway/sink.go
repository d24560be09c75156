package gateway

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/runnel-sse/runnel/pkg/sse"
)

// sink is where a stream's bytes go.
type sink interface {
	// write hands b over at once, in one piece.
	write(b []byte) error
	// deadline is the time by which a write that is waiting fails.
	deadline(t time.Time)
}

func streamHeaders(h http.Header) {
	h.Set("Content-Type", sse.ContentType)
	h.Set("Cache-Control", "no-store, no-transform")
	h.Set("X-Accel-Buffering", "no")
}

// response is the ordinary sink: HTTP/2, Lambda, and whatever else an
// http.Handler is served by.
type response struct {
	w   http.ResponseWriter
	ctl *http.ResponseController
}

func newResponse(w http.ResponseWriter) response {
	streamHeaders(w.Header())
	w.WriteHeader(http.StatusOK)
	return response{w, http.NewResponseController(w)}
}

func (r response) write(b []byte) error {
	if _, err := r.w.Write(b); err != nil {
		return err
	}
	// A host without Flush hands every Write on as it is.
	if err := r.ctl.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return nil
}

func (r response) deadline(t time.Time) {
	_ = r.ctl.SetWriteDeadline(t) // a host without deadlines ends the request itself
}

// socket is the sink of an HTTP/1.1 connection that was taken over from
// net/http, whose goroutine, buffers and request would cost several times what
// the stream itself does while nothing happens. The body ends with the
// connection (RFC 9112, section 6.3), so a frame goes out as it is.
type socket struct{ net.Conn }

// hijack takes the connection over, or fails where the host does not let it go.
// The context it returns is done when the client has left.
func hijack(w http.ResponseWriter, r *http.Request) (socket, context.Context, error) {
	conn, rest, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return socket{}, nil, err
	}
	// What a client sends behind its request is no request any more.
	_, _ = rest.Reader.Discard(rest.Reader.Buffered())
	ctx, left := context.WithCancel(context.WithoutCancel(r.Context()))
	go func() { // ends with the connection, which the stream closes
		defer left()
		var ignored [64]byte
		for {
			if _, err := conn.Read(ignored[:]); err != nil {
				return
			}
		}
	}()
	return socket{conn}, ctx, nil
}

// head is the response's head, as net/http would write it.
func head(h http.Header) []byte {
	streamHeaders(h)
	h.Set("Connection", "close")
	h.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	var b bytes.Buffer
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\n", http.StatusOK, http.StatusText(http.StatusOK))
	_ = h.Write(&b) // into memory
	b.WriteString("\r\n")
	return b.Bytes()
}

func (s socket) write(b []byte) error {
	_, err := s.Write(b)
	return err
}

func (s socket) deadline(t time.Time) {
	_ = s.SetWriteDeadline(t) // fails on a closed connection only, and then so does the write
}

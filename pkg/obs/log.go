// Package obs is what programs say of themselves: log lines with a closed set
// of attribute names, and numbers behind a port of three verbs. It never sees
// payloads or tokens, and it decides nothing.
package obs

import (
	"context"
	"io"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/runnel-sse/runnel/pkg/channel"
)

// NewLogger returns a logger that writes JSON lines from the level on. The
// attributes of the context (see With) stand in every line that is logged with
// that context, whatever With or WithGroup the logger has been through.
func NewLogger(w io.Writer, level slog.Leveler) *slog.Logger {
	return slog.New(handler{slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level})})
}

// handler adds the context's attributes. It wraps WithAttrs and WithGroup too:
// the embedded ones return the inner handler, and the context would be lost.
type handler struct{ slog.Handler }

func (h handler) Handle(ctx context.Context, r slog.Record) error {
	if attrs, ok := ctx.Value(key{}).([]slog.Attr); ok {
		r = r.Clone()
		r.AddAttrs(attrs...)
	}
	return h.Handler.Handle(ctx, r)
}

func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return handler{h.Handler.WithAttrs(attrs)}
}

func (h handler) WithGroup(name string) slog.Handler { return handler{h.Handler.WithGroup(name)} }

type key struct{}

// With returns a context whose log lines have the attributes.
func With(ctx context.Context, attrs ...slog.Attr) context.Context {
	old, _ := ctx.Value(key{}).([]slog.Attr)
	return context.WithValue(ctx, key{}, append(old[:len(old):len(old)], attrs...))
}

// The attributes of log lines: these and no others, so that a query on a name
// finds every line that has it.

// Err is what went wrong.
func Err(err error) slog.Attr { return slog.Any("err", err) }

// Program is which program speaks: stream, ingest, changes, sweep or dev.
func Program(name string) slog.Attr { return slog.String("program", name) }

// Channel is the channel that the line is about.
func Channel(ch channel.Name) slog.Attr { return slog.String("channel", ch.String()) }

// Connection is the id of a connection.
func Connection(id string) slog.Attr { return slog.String("connection", id) }

// Process is the name by which this process holds its lease.
func Process(name string) slog.Attr { return slog.String("process", name) }

// Request is the platform's id of an invocation.
func Request(id string) slog.Attr { return slog.String("request", id) }

// Message is the queue's id of a message.
func Message(id string) slog.Attr { return slog.String("message", id) }

// Count is how many.
func Count(n int) slog.Attr { return slog.Int("count", n) }

// Failed is how many of them failed.
func Failed(n int) slog.Attr { return slog.Int("failed", n) }

// Said is how many comings and goings were said.
func Said(n int) slog.Attr { return slog.Int("said", n) }

// Took is how long it took, in milliseconds.
func Took(d time.Duration) slog.Attr {
	return slog.Float64("took_ms", float64(d)/float64(time.Millisecond))
}

// Addr is where a server listens.
func Addr(addr string) slog.Attr { return slog.String("addr", addr) }

// Reason is why, in a few fixed words.
func Reason(text string) slog.Attr { return slog.String("reason", text) }

// Stream is a stream's type.
func Stream(name string) slog.Attr { return slog.String("stream", name) }

// Command is what a process is told to do.
func Command(name string) slog.Attr { return slog.String("command", name) }

// Bytes is how many were written.
func Bytes(n int64) slog.Attr { return slog.Int64("bytes", n) }

// Open is how long a connection was open.
func Open(d time.Duration) slog.Attr { return slog.Float64("open_s", d.Seconds()) }

// Unread is for how long of that nobody was there to read.
func Unread(d time.Duration) slog.Attr { return slog.Float64("unread_s", d.Seconds()) }

// Stack is where the calling goroutine is.
func Stack() slog.Attr { return slog.String("stack", string(debug.Stack())) }

// Queue is the URL of a queue.
func Queue(url string) slog.Attr { return slog.String("queue", url) }

package ingest

import (
	"context"
	"errors"
	"log/slog"
	"strings"

	"github.com/runnel-sse/runnel/pkg/schema"
)

// logRefused says why a message can never be processed. Someone must act: it is
// on its way to the dead-letter queue.
func (in *Ingest) logRefused(ctx context.Context, key, id string, err error, first bool) {
	level := slog.LevelError
	if !first {
		level = slog.LevelDebug
	}
	in.c.Logger.LogAttrs(ctx, level, "ingest: refused", slog.String(key, id), slog.String("reason", reason(err)))
}

// logFailed says why a message has to come again.
func (in *Ingest) logFailed(ctx context.Context, key, id string, err error) {
	in.c.Logger.LogAttrs(ctx, slog.LevelWarn, "ingest: not stored, will come again", slog.String(key, id), slog.Any("err", err))
}

// reason is an error without anything of the message's data: what a publisher
// may see of its own field, a log may not.
func reason(err error) string {
	if field, ok := errors.AsType[*schema.FieldError](err); ok {
		return schema.ErrData.Error() + ": " + field.Reason()
	}
	const most = 300 // bytes; a name in a message may be as long as the message
	text := err.Error()
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}

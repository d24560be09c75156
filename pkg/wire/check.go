package wire

import (
	"context"
	"log/slog"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/command"
	"github.com/runnel-sse/runnel/pkg/eventlog"
	"github.com/runnel-sse/runnel/pkg/ingest"
)

// Check returns what the message would store, without storing it, or why it is
// refused: what functions/ingest would say, before anything is sent.
func Check(ctx context.Context, body []byte) ([]ingest.Stored, error) {
	obeyed := func(context.Context, command.Order) error { return nil }
	return newIngest(store{log: nowhere{}}, obeyed, slog.New(slog.DiscardHandler)).Publish(ctx, "", body)
}

// nowhere is a log that keeps nothing.
type nowhere struct{}

func (nowhere) Append(_ context.Context, _ channel.Name, events []eventlog.Event) ([]eventlog.Position, error) {
	return make([]eventlog.Position, len(events)), nil
}

func (nowhere) Read(context.Context, channel.Name, eventlog.Position, int) ([]eventlog.Record, error) {
	return nil, nil
}

func (nowhere) Heads(context.Context, []channel.Name) (map[channel.Name]eventlog.Position, error) {
	return nil, nil
}

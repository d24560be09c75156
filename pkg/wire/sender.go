package wire

import (
	"context"

	"github.com/runnel-sse/runnel/pkg/ingest"
	"github.com/runnel-sse/runnel/pkg/sqs"
)

// Message is a message as Check has seen it.
type Message struct {
	Body   []byte
	Stores []ingest.Stored // what Check said
}

// Sender puts messages into a queue.
type Sender struct{ sender *sqs.Sender }

// NewSender returns a Sender for the queue at that URL.
func NewSender(ctx context.Context, queueURL string) (*Sender, error) {
	aws, err := openAWS(ctx)
	if err != nil {
		return nil, err
	}
	return &Sender{sqs.NewSender(aws.sqs(), queueURL)}, nil
}

// Send sends the messages in their order. A message is in the order of the first
// channel that it writes to.
func (s *Sender) Send(ctx context.Context, messages []Message) error {
	out := make([]sqs.Message, len(messages))
	for i, m := range messages {
		out[i].Body = m.Body
		if len(m.Stores) > 0 {
			out[i].Channel, out[i].ID = m.Stores[0].Channel.String(), m.Stores[0].Event.ID
		}
	}
	return s.sender.Send(ctx, out...)
}

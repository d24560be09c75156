package ingest

import (
	"context"
	"errors"
	"maps"
	"strings"

	"github.com/aws/aws-lambda-go/events"
)

// SQS processes a batch of messages and names those that are not stored.
//
// A message is named when one of its channels could not be written, or when it
// was refused: the queue redrives it, and puts it into the dead-letter queue when
// that has happened often enough. All the others are stored, whatever became of
// it. In a FIFO queue the messages after one that could not be written are named
// too, each within its group, so that they come again in order; a refused
// message, which will never come right, holds nobody up.
//
// It returns no error: an error would make the whole batch come again.
func (in *Ingest) SQS(ctx context.Context, e events.SQSEvent) (events.SQSEventResponse, error) {
	b := newBatch()
	refused := map[int]bool{}
	again := map[int]error{} // orders that could not be carried out
	for i := range e.Records {
		m := &e.Records[i]
		list, err := in.plan(ctx, m.MessageId, []byte(m.Body))
		if err != nil && !errors.Is(err, ErrRefused) {
			again[i] = err
			continue
		}
		if err != nil {
			refused[i] = true
			// Once a message, not once a delivery: it comes several times.
			first := m.Attributes["ApproximateReceiveCount"] == "" || m.Attributes["ApproximateReceiveCount"] == "1"
			in.logRefused(ctx, "message_id", m.MessageId, err, first)
			continue
		}
		for _, p := range list {
			b.add(i, p)
		}
	}
	failed := in.store(ctx, b)
	maps.Copy(failed, again)

	var resp events.SQSEventResponse
	held := map[string]bool{} // groups with a message that has to come again
	for i := range e.Records {
		m := &e.Records[i]
		group := fifoGroup(m)
		if failed[i] != nil {
			in.logFailed(ctx, "message_id", m.MessageId, failed[i])
			if group != "" {
				held[group] = true
			}
		}
		if failed[i] != nil || refused[i] || held[group] {
			resp.BatchItemFailures = append(resp.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
		}
	}
	return resp, nil
}

// fifoGroup is the group whose order is promised. A standard queue may have
// groups too, for fairness, and promises nothing.
func fifoGroup(m *events.SQSMessage) string {
	if m.EventSourceARN != "" && !strings.HasSuffix(m.EventSourceARN, ".fifo") {
		return ""
	}
	return m.Attributes["MessageGroupId"]
}

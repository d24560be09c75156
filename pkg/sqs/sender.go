package sqs

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// MaxBytes is how long a message, and all messages of one call together, may be.
const MaxBytes = 256 << 10

// ErrTooLarge: a message is over MaxBytes. Trying again cannot help.
var ErrTooLarge = errors.New("message too large")

// Message is what is sent.
type Message struct {
	Body []byte // JSON
	// Channel is whose order is kept, in a FIFO queue: its message group.
	Channel string
	// ID is that of the event. A FIFO queue takes a message of the same ID only
	// once in five minutes; empty: it takes it every time.
	ID string
}

// Sender puts messages into one queue. It is safe for concurrent use.
type Sender struct {
	client   API
	queueURL string
}

// NewSender returns a Sender for the queue; its order is kept when its URL ends in .fifo.
func NewSender(client API, queueURL string) *Sender {
	return &Sender{client: client, queueURL: queueURL}
}

// Send sends the messages in their order, with as few calls as may be. It fails
// with ErrTooLarge before anything is sent, with ErrNoQueue, or with an error of
// the queue; then some are sent, and sending all of them again is harmless for
// those whose body or ID names their event.
func (s *Sender) Send(ctx context.Context, messages ...Message) error {
	for i, m := range messages {
		if len(m.Body) > MaxBytes {
			return fmt.Errorf("sqs: message %d: %w: %d bytes, at most %d are allowed", i+1, ErrTooLarge, len(m.Body), MaxBytes)
		}
	}
	for first := 0; first < len(messages); {
		n, bytes := 0, 0
		for n < MaxBatch && first+n < len(messages) && bytes+len(messages[first+n].Body) <= MaxBytes {
			bytes += len(messages[first+n].Body)
			n++
		}
		if err := s.batch(ctx, messages[first:first+n]); err != nil {
			return fmt.Errorf("sqs: send messages %d to %d of %d: %w", first+1, first+n, len(messages), translate(s.queueURL, err))
		}
		first += n
	}
	return nil
}

func (s *Sender) batch(ctx context.Context, messages []Message) error {
	in := &sqs.SendMessageBatchInput{QueueUrl: &s.queueURL}
	for i, m := range messages {
		entry := types.SendMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), MessageBody: aws.String(string(m.Body))}
		if fifo(s.queueURL) {
			entry.MessageGroupId = aws.String(token(m.Channel))
			id := m.ID
			if id == "" {
				id = rand.Text()
			}
			// A queue knows ids by themselves, a channel knows its own.
			entry.MessageDeduplicationId = aws.String(token(m.Channel + "/" + id))
		}
		in.Entries = append(in.Entries, entry)
	}
	out, err := s.client.SendMessageBatch(ctx, in)
	if err != nil {
		return err
	}
	if len(out.Failed) > 0 {
		return fmt.Errorf("%d of them not taken, the first: %s: %s",
			len(out.Failed), aws.ToString(out.Failed[0].Code), aws.ToString(out.Failed[0].Message))
	}
	return nil
}

// token is a text as SQS takes it for a group or an id: up to 128 letters, digits
// and punctuation. Any other becomes a digest.
func token(text string) string {
	plain := text != "" && len(text) <= 128
	for _, b := range []byte(text) {
		plain = plain && b > ' ' && b < 0x7f
	}
	if plain {
		return text
	}
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

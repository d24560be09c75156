package sqs

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

const (
	// MaxBytes is how long a message, and all messages of one call together, may be.
	MaxBytes = 1 << 20
	// MaxAttempts is how often a message is sent that the queue does not take though
	// nothing is wrong with it.
	MaxAttempts = 5
	firstPause  = 200 * time.Millisecond // before the second attempt, doubling
)

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

// Unsent is the error of a Send whose messages the queue did not all take.
type Unsent struct {
	Messages []Refused // in the order of the messages
	of       int
	err      error // why the rest was given up, if it was
}

// Refused is a message that the queue did not take.
type Refused struct {
	Index       int // among the messages of the Send
	ID, Channel string
	Reason      string
	Final       bool // the fault is the message's own: sending it again cannot help
}

func (u *Unsent) Error() string {
	first := u.Messages[0]
	id := ""
	if first.ID != "" {
		id = " (id " + first.ID + ")"
	}
	return fmt.Sprintf("sqs: %d of %d messages were not taken, the first: message %d%s: %s", len(u.Messages), u.of, first.Index+1, id, first.Reason)
}

// Unwrap is why the rest was given up: an error of the queue, or of the context.
func (u *Unsent) Unwrap() error { return u.err }

// Sender puts messages into one queue. It is safe for concurrent use.
type Sender struct {
	client   SendAPI
	queueURL string
}

// NewSender returns a Sender for the queue; its order is kept when its URL ends in .fifo.
func NewSender(client SendAPI, queueURL string) *Sender {
	return &Sender{client: client, queueURL: queueURL}
}

// Send sends the messages in their order, with as few calls as may be, and sends
// again what the queue did not take, until ctx is done or MaxAttempts are made.
// It fails with ErrTooLarge before anything is sent, else with an *Unsent that
// names what was not taken, and wraps ErrNoQueue or the error of a call. A call
// that failed may have been heard: sending its messages again is harmless for
// those whose body or ID names their event.
//
// In a FIFO queue, what follows a message that was not taken on its channel is
// held back from the calls after it.
func (s *Sender) Send(ctx context.Context, messages ...Message) error {
	for i, m := range messages {
		if len(m.Body) > MaxBytes {
			return fmt.Errorf("sqs: message %d: %w: %d bytes, at most %d are allowed", i+1, ErrTooLarge, len(m.Body), MaxBytes)
		}
	}
	u := &Unsent{of: len(messages)}
	held := map[string]bool{} // channels
	for next := 0; next < len(messages); {
		var batch []int
		batch, next = s.fill(messages, next, held, u)
		err := s.deliver(ctx, messages, batch, u)
		if err != nil {
			u.err = err
			for i := next; i < len(messages); i++ {
				u.add(messages, i, "not tried, since a call failed before", false)
			}
			break
		}
		for _, m := range u.Messages {
			held[m.Channel] = held[m.Channel] || fifo(s.queueURL)
		}
	}
	if len(u.Messages) == 0 {
		return nil
	}
	slices.SortFunc(u.Messages, func(a, b Refused) int { return a.Index - b.Index })
	return u
}

func (u *Unsent) add(messages []Message, i int, reason string, final bool) {
	u.Messages = append(u.Messages, Refused{Index: i, ID: messages[i].ID, Channel: messages[i].Channel, Reason: reason, Final: final})
}

// fill returns which messages from next on go in one call, and where the call
// after it begins.
func (s *Sender) fill(messages []Message, next int, held map[string]bool, u *Unsent) (batch []int, after int) {
	bytes := 0
	for ; next < len(messages) && len(batch) < MaxBatch && bytes+len(messages[next].Body) <= MaxBytes; next++ {
		if held[messages[next].Channel] {
			u.add(messages, next, "held back, since an earlier one of its channel was not taken", false)
			continue
		}
		bytes += len(messages[next].Body)
		batch = append(batch, next)
	}
	return batch, next
}

// deliver sends a batch until all of it is taken or given up. An error is one of
// a whole call, or of ctx.
func (s *Sender) deliver(ctx context.Context, messages []Message, batch []int, u *Unsent) error {
	entries := map[int]types.SendMessageBatchRequestEntry{}
	for _, at := range batch {
		entries[at] = s.entry(at, messages[at])
	}
	for attempt := 1; len(batch) > 0; attempt++ {
		failed, err := s.call(ctx, entries, batch)
		if err != nil {
			for _, at := range batch {
				u.add(messages, at, err.Error(), false)
			}
			return err
		}
		last := attempt == MaxAttempts
		batch = slices.DeleteFunc(batch, func(at int) bool {
			f, left := failed[at]
			if left && (f.SenderFault || last) {
				u.add(messages, at, reason(f), f.SenderFault)
			}
			return !left || f.SenderFault || last
		})
		if len(batch) > 0 && !pause(ctx, firstPause<<(attempt-1)) {
			for _, at := range batch {
				u.add(messages, at, reason(failed[at]), false)
			}
			return ctx.Err()
		}
	}
	return nil
}

// call sends the entries of a batch once, and returns which of them failed.
func (s *Sender) call(ctx context.Context, entries map[int]types.SendMessageBatchRequestEntry, batch []int) (map[int]types.BatchResultErrorEntry, error) {
	in := &sqs.SendMessageBatchInput{QueueUrl: &s.queueURL}
	for _, at := range batch {
		in.Entries = append(in.Entries, entries[at])
	}
	out, err := s.client.SendMessageBatch(ctx, in)
	if err != nil {
		return nil, translate(s.queueURL, err)
	}
	failed := map[int]types.BatchResultErrorEntry{}
	for _, f := range out.Failed {
		at, err := strconv.Atoi(aws.ToString(f.Id))
		if err != nil || !slices.Contains(batch, at) {
			return nil, fmt.Errorf("the queue answered for a message %q that was not sent", aws.ToString(f.Id))
		}
		failed[at] = f
	}
	return failed, nil
}

func reason(f types.BatchResultErrorEntry) string {
	return aws.ToString(f.Code) + ": " + aws.ToString(f.Message)
}

// entry is a message as the queue takes it. It is made once, so that the second
// attempt is for the queue the same message.
func (s *Sender) entry(at int, m Message) types.SendMessageBatchRequestEntry {
	e := types.SendMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(at)), MessageBody: aws.String(string(m.Body))}
	if fifo(s.queueURL) {
		id := m.ID
		if id == "" {
			id = rand.Text()
		}
		e.MessageGroupId = aws.String(token(m.Channel))
		// A queue knows ids by themselves, a channel knows its own.
		e.MessageDeduplicationId = aws.String(token(m.Channel + "/" + id))
	}
	return e
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

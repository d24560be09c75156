// Package sqs is the adapter to Amazon SQS outside Lambda: a Poller consumes a
// queue as Lambda's event source does, with the same events and the same answer,
// and a Sender puts messages into one.
//
// It knows nothing of what is in a message.
package sqs

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// MaxBatch is how many messages one call receives, deletes or sends.
const MaxBatch = 10

// ErrNoQueue: there is no queue at that URL.
var ErrNoQueue = errors.New("the queue does not exist")

// API is what this package needs of *sqs.Client.
type API interface {
	GetQueueAttributes(context.Context, *sqs.GetQueueAttributesInput, ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error)
	ReceiveMessage(context.Context, *sqs.ReceiveMessageInput, ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error)
	DeleteMessageBatch(context.Context, *sqs.DeleteMessageBatchInput, ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error)
	ChangeMessageVisibilityBatch(context.Context, *sqs.ChangeMessageVisibilityBatchInput, ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error)
	SendAPI
}

// SendAPI is what a Sender needs of *sqs.Client.
type SendAPI interface {
	SendMessageBatch(context.Context, *sqs.SendMessageBatchInput, ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error)
}

// translate says in one line what to do about an error whose cause is known.
func translate(queueURL string, err error) error {
	if _, ok := errors.AsType[*types.QueueDoesNotExist](err); ok {
		return fmt.Errorf("%w: %s: create it (localstack/up does so on this machine), or give the URL of one that exists", ErrNoQueue, queueURL)
	}
	return err
}

// fifo reports whether the queue keeps order: AWS tells by the name alone.
func fifo(queueURL string) bool { return strings.HasSuffix(queueURL, ".fifo") }

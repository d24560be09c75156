package sqs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// Handler processes a batch and names the messages that failed, as a Lambda
// function with ReportBatchItemFailures does.
type Handler func(context.Context, events.SQSEvent) (events.SQSEventResponse, error)

// PollerConfig is what a Poller works with.
type PollerConfig struct {
	Client   API     // required
	QueueURL string  // required
	Handle   Handler // required; called at once by as many as Pollers say

	Pollers    int           // batches in hand at once, default 1
	Wait       time.Duration // of one long poll, whole seconds up to 20 s, the default
	Visibility time.Duration // how long a batch may take, whole seconds, default 30 s
	// Backoff is after how long a message that failed comes again, whole seconds,
	// by how often it has been received. Default: 1 s, doubling, at most 60 s.
	Backoff func(received int) time.Duration
	Logger  *slog.Logger // default: slog.Default
}

// Poller consumes a queue. Run it once.
type Poller struct {
	c   PollerConfig
	arn string
}

// NewPoller returns a Poller that does nothing yet.
func NewPoller(c PollerConfig) *Poller {
	if c.Pollers < 1 {
		c.Pollers = 1
	}
	if c.Wait <= 0 || c.Wait > 20*time.Second {
		c.Wait = 20 * time.Second
	}
	if c.Visibility < time.Second {
		c.Visibility = 30 * time.Second
	}
	if c.Backoff == nil {
		c.Backoff = backoff
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return &Poller{c: c}
}

func backoff(received int) time.Duration {
	return min(time.Second<<min(max(received-1, 0), 6), time.Minute)
}

// Run consumes the queue until ctx is done, and then returns nil once the
// batches in hand are finished. It fails only when there is nothing to wait for:
// with ErrNoQueue, or when the queue cannot be asked at the start.
func (p *Poller) Run(ctx context.Context) error {
	out, err := p.c.Client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &p.c.QueueURL, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameQueueArn},
	})
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return fmt.Errorf("sqs: look at the queue: %w", translate(p.c.QueueURL, err))
	}
	p.arn = out.Attributes[string(types.QueueAttributeNameQueueArn)]

	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var wg sync.WaitGroup
	for range p.c.Pollers {
		wg.Go(func() {
			if err := p.poll(ctx); err != nil {
				stop(err)
			}
		})
	}
	wg.Wait()
	if cause := context.Cause(ctx); errors.Is(cause, ErrNoQueue) {
		return cause
	}
	return nil
}

// poll receives and processes batch after batch until ctx is done.
func (p *Poller) poll(ctx context.Context) error {
	faults := 0
	for ctx.Err() == nil {
		batch, err := p.receive(ctx)
		switch {
		case ctx.Err() != nil && len(batch) == 0:
			return nil
		case errors.Is(err, ErrNoQueue):
			return err
		case err != nil:
			faults++
			p.c.Logger.LogAttrs(ctx, slog.LevelWarn, "sqs: receive failed, will try again", slog.Any("err", err))
			pause(ctx, backoff(min(faults, 6)))
		default:
			faults = 0
			p.process(ctx, batch)
		}
	}
	return nil
}

// pause waits for half of d to d, so that not all come back at once; false says
// that ctx was done before.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d/2 + rand.N(d/2))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

func (p *Poller) receive(ctx context.Context) ([]types.Message, error) {
	out, err := p.c.Client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl:                    &p.c.QueueURL,
		MaxNumberOfMessages:         MaxBatch,
		WaitTimeSeconds:             int32(p.c.Wait / time.Second),
		VisibilityTimeout:           int32(p.c.Visibility / time.Second),
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
		MessageAttributeNames:       []string{"All"},
	})
	if err != nil {
		return nil, fmt.Errorf("sqs: receive: %w", translate(p.c.QueueURL, err))
	}
	return out.Messages, nil
}

// process has the batch handled, forgets what is done and hands the rest back. A
// batch in hand is finished even when ctx ends, within the time that its messages
// are invisible for others.
func (p *Poller) process(ctx context.Context, batch []types.Message) {
	if len(batch) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), p.c.Visibility)
	defer cancel()
	failed, err := p.handle(ctx, batch)
	if err != nil {
		p.c.Logger.LogAttrs(ctx, slog.LevelError, "sqs: the handler failed, the batch comes again", slog.Int("messages", len(batch)), slog.Any("err", err))
	}
	var done, again []types.Message
	for _, m := range batch {
		if failed(aws.ToString(m.MessageId)) {
			again = append(again, m)
		} else {
			done = append(done, m)
		}
	}
	p.forget(ctx, done)
	p.handBack(ctx, again)
}

func everything(string) bool { return true }

// handle returns which messages failed. As with Lambda, an error, a panic, or a
// name that is in no message of the batch fails all of it.
func (p *Poller) handle(ctx context.Context, batch []types.Message) (failed func(id string) bool, err error) {
	defer func() {
		if v := recover(); v != nil {
			failed, err = everything, fmt.Errorf("panic with a value of type %T", v)
		}
	}()
	event := events.SQSEvent{Records: make([]events.SQSMessage, len(batch))}
	there := make(map[string]bool, len(batch))
	for i := range batch {
		event.Records[i] = p.record(&batch[i])
		there[event.Records[i].MessageId] = true
	}
	resp, err := p.c.Handle(ctx, event)
	if err != nil {
		return everything, err
	}
	names := make(map[string]bool, len(resp.BatchItemFailures))
	for _, f := range resp.BatchItemFailures {
		if !there[f.ItemIdentifier] {
			return everything, fmt.Errorf("it named a message that is not in the batch: %q", f.ItemIdentifier)
		}
		names[f.ItemIdentifier] = true
	}
	return func(id string) bool { return names[id] }, nil
}

// record is a message as Lambda's event source shows it.
func (p *Poller) record(m *types.Message) events.SQSMessage {
	attributes := make(map[string]events.SQSMessageAttribute, len(m.MessageAttributes))
	for name, a := range m.MessageAttributes {
		attributes[name] = events.SQSMessageAttribute{
			StringValue: a.StringValue, BinaryValue: a.BinaryValue, DataType: aws.ToString(a.DataType),
		}
	}
	return events.SQSMessage{
		MessageId:         aws.ToString(m.MessageId),
		ReceiptHandle:     aws.ToString(m.ReceiptHandle),
		Body:              aws.ToString(m.Body),
		Md5OfBody:         aws.ToString(m.MD5OfBody),
		Attributes:        m.Attributes,
		MessageAttributes: attributes,
		EventSource:       "aws:sqs",
		EventSourceARN:    p.arn,
	}
}

// forget deletes what is done. What cannot be deleted comes again, and the log
// knows its ids.
func (p *Poller) forget(ctx context.Context, done []types.Message) {
	if len(done) == 0 {
		return
	}
	in := &sqs.DeleteMessageBatchInput{QueueUrl: &p.c.QueueURL}
	for i, m := range done {
		in.Entries = append(in.Entries, types.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: m.ReceiptHandle})
	}
	out, err := p.c.Client.DeleteMessageBatch(ctx, in)
	if err == nil && len(out.Failed) > 0 {
		err = entryError(out.Failed[0])
	}
	if err != nil {
		p.c.Logger.LogAttrs(ctx, slog.LevelWarn, "sqs: delete failed, stored messages come again", slog.Any("err", err))
	}
}

// handBack makes what failed visible again, each message the later the more
// often it has failed. Those of one FIFO group wait for the last among them, or a
// later one could overtake.
func (p *Poller) handBack(ctx context.Context, again []types.Message) {
	if len(again) == 0 {
		return
	}
	wait := make([]time.Duration, len(again))
	longest := map[string]time.Duration{}
	for i, m := range again {
		received, err := strconv.Atoi(m.Attributes[string(types.MessageSystemAttributeNameApproximateReceiveCount)])
		if err != nil {
			received = 1
		}
		wait[i] = p.c.Backoff(received)
		group := m.Attributes[string(types.MessageSystemAttributeNameMessageGroupId)]
		longest[group] = max(longest[group], wait[i])
	}
	in := &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &p.c.QueueURL}
	for i, m := range again {
		if group := m.Attributes[string(types.MessageSystemAttributeNameMessageGroupId)]; group != "" {
			wait[i] = longest[group]
		}
		in.Entries = append(in.Entries, types.ChangeMessageVisibilityBatchRequestEntry{
			Id: aws.String(strconv.Itoa(i)), ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: int32(wait[i] / time.Second),
		})
	}
	out, err := p.c.Client.ChangeMessageVisibilityBatch(ctx, in)
	if err == nil && len(out.Failed) > 0 {
		err = entryError(out.Failed[0])
	}
	if err != nil { // then they come when their time is over
		p.c.Logger.LogAttrs(ctx, slog.LevelWarn, "sqs: hand back failed, messages come again later", slog.Any("err", err))
	}
}

func entryError(e types.BatchResultErrorEntry) error {
	return fmt.Errorf("sqs: %s: %s", aws.ToString(e.Code), aws.ToString(e.Message))
}

package dynamo

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/eventlog"
	"github.com/runnel-sse/runnel/pkg/eventlog/batch"
)

// Read is eventlog.Log's. It costs one query, eventually consistent; only what
// looks like a gap, or like nothing, is looked at again with a consistent read.
func (l *Log) Read(ctx context.Context, ch channel.Name, after eventlog.Position, limit int) ([]eventlog.Record, error) {
	records, err := l.read(ctx, ch, after, max(1, limit))
	if err != nil {
		return nil, fmt.Errorf("dynamo: read %s: %w", ch, err)
	}
	return records, nil
}

func (l *Log) read(ctx context.Context, ch channel.Name, after eventlog.Position, limit int) ([]eventlog.Record, error) {
	from := after
	if after.IsZero() {
		head, err := l.head(ctx, ch, false)
		if err != nil || head.IsZero() {
			return nil, err
		}
		from.Epoch = head.Epoch
	}
	records, err := l.scan(ctx, ch, from, limit, false)
	if err != nil || follows(records, from) {
		return records, err
	}
	head, err := l.head(ctx, ch, true)
	if err != nil {
		return nil, err
	}
	if head.Epoch != from.Epoch || from.Seq > head.Seq {
		return nil, l.gap(ctx, ch, after, head)
	}
	if from.Seq == head.Seq {
		return nil, nil
	}
	records, err = l.scan(ctx, ch, from, limit, true)
	if err != nil || follows(records, from) {
		return records, err
	}
	return nil, l.gap(ctx, ch, after, head)
}

// follows reports whether the records are what comes right after the position.
func follows(records []eventlog.Record, after eventlog.Position) bool {
	return len(records) > 0 && records[0].Position.Seq == after.Seq+1
}

// gap says from where on the channel, whose head is given, is kept whole.
func (l *Log) gap(ctx context.Context, ch channel.Name, after, head eventlog.Position) error {
	resume := head
	if !head.IsZero() {
		oldest, err := l.scan(ctx, ch, eventlog.Position{Epoch: head.Epoch}, 1, true)
		if err != nil {
			return err
		}
		if len(oldest) > 0 {
			resume.Seq = oldest[0].Position.Seq - 1
		}
	}
	return &eventlog.GapError{Channel: ch, After: after, Resume: resume}
}

// scan returns the kept events after the position within its epoch, oldest
// first, up to a hole if there is one.
func (l *Log) scan(ctx context.Context, ch channel.Name, after eventlog.Position, limit int, consistent bool) ([]eventlog.Record, error) {
	in := &dynamodb.QueryInput{
		TableName:              &l.table,
		KeyConditionExpression: new("pk = :pk AND sk BETWEEN :from AND :to"),
		ExpressionAttributeValues: item{
			":pk":   text(ch.String()),
			":from": text(batchSK(eventlog.Position{Epoch: after.Epoch, Seq: after.Seq + 1})),
			":to":   text(batchEnd(after.Epoch)),
		},
		ProjectionExpression:   new(attrBatch),
		Limit:                  new(int32(min(limit, 1000))), // each batch has an event at least
		ConsistentRead:         &consistent,
		ReturnConsumedCapacity: total(),
	}
	var oldest time.Time
	if kept := l.o.Retention(ch.Stream()); kept > 0 {
		oldest = l.o.Now().Add(-kept)
	}
	for {
		out, err := l.client.Query(ctx, in)
		if err != nil {
			l.o.Meter.read()
			return nil, translate(err, l.table, eventlog.ErrUnavailable)
		}
		l.o.Meter.read(one(out.ConsumedCapacity)...)
		records, err := join(out.Items, after, oldest, limit)
		// A page may hold nothing but what has expired and is not deleted yet.
		if err != nil || len(records) > 0 || out.LastEvaluatedKey == nil {
			return records, err
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
}

// join decodes batches into at most limit records after the position. The batches
// at the beginning that were stored before oldest have expired.
func join(items []item, after eventlog.Position, oldest time.Time, limit int) ([]eventlog.Record, error) {
	var all []eventlog.Record
	for _, it := range items {
		b, ok := it[attrBatch].(*types.AttributeValueMemberB)
		if !ok {
			return nil, fmt.Errorf("a batch after %v has no bytes", after)
		}
		records, err := batch.Decode(b.Value)
		if err != nil {
			return nil, fmt.Errorf("a batch after %v: %w", after, err)
		}
		if len(all) == 0 && records[0].At.Before(oldest) {
			continue
		}
		for _, r := range records {
			switch n := len(all); {
			case r.Position.Seq <= after.Seq:
				continue
			case n == limit, n > 0 && r.Position.Seq != all[n-1].Position.Seq+1:
				return all, nil
			}
			all = append(all, r)
		}
	}
	return all, nil
}

// head returns the channel's newest position, zero where it has none.
func (l *Log) head(ctx context.Context, ch channel.Name, consistent bool) (eventlog.Position, error) {
	out, err := l.client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &l.table, Key: key(ch.String(), headSK), ConsistentRead: &consistent, ReturnConsumedCapacity: total(),
	})
	if err != nil {
		l.o.Meter.read()
		return eventlog.Position{}, translate(err, l.table, eventlog.ErrUnavailable)
	}
	l.o.Meter.read(one(out.ConsumedCapacity)...)
	return headOf(out.Item), nil
}

// headsPerRequest is how many items DynamoDB returns at once.
const headsPerRequest = 100

// Heads is eventlog.Log's. It costs half a read unit a channel.
func (l *Log) Heads(ctx context.Context, chs []channel.Name) (map[channel.Name]eventlog.Position, error) {
	heads := make(map[channel.Name]eventlog.Position, len(chs))
	var (
		mu    sync.Mutex
		fault error
		work  sync.WaitGroup
		room  = make(chan struct{}, 8)
	)
	for begin := 0; begin < len(chs); begin += headsPerRequest {
		some := chs[begin:min(begin+headsPerRequest, len(chs))]
		room <- struct{}{}
		work.Go(func() {
			defer func() { <-room }()
			found, err := l.someHeads(ctx, some)
			mu.Lock()
			defer mu.Unlock()
			maps.Copy(heads, found)
			if fault == nil {
				fault = err
			}
		})
	}
	work.Wait()
	if fault != nil {
		return nil, fmt.Errorf("dynamo: heads of %d channels: %w", len(chs), fault)
	}
	return heads, nil
}

func (l *Log) someHeads(ctx context.Context, chs []channel.Name) (map[channel.Name]eventlog.Position, error) {
	names := make(map[string]channel.Name, len(chs))
	ask := types.KeysAndAttributes{ProjectionExpression: new("pk, epoch, seq")}
	for _, ch := range chs {
		if _, twice := names[ch.String()]; !twice {
			names[ch.String()] = ch
			ask.Keys = append(ask.Keys, key(ch.String(), headSK))
		}
	}
	heads := make(map[channel.Name]eventlog.Position, len(chs))
	todo := map[string]types.KeysAndAttributes{l.table: ask}
	for attempt := 1; len(todo) > 0; attempt++ {
		out, err := l.client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: todo, ReturnConsumedCapacity: total()})
		if err != nil {
			l.o.Meter.read()
			return nil, translate(err, l.table, eventlog.ErrUnavailable)
		}
		l.o.Meter.read(out.ConsumedCapacity...)
		for _, it := range out.Responses[l.table] {
			pk, _ := it[PartitionKey].(*types.AttributeValueMemberS)
			if at, ok := position(it); ok && pk != nil {
				heads[names[pk.Value]] = at
			}
		}
		if todo = out.UnprocessedKeys; len(todo) == 0 {
			break
		}
		if attempt == maxAttempts {
			return nil, fmt.Errorf("%w: throttled", eventlog.ErrUnavailable)
		}
		if err := pause(ctx, attempt); err != nil {
			return nil, err
		}
	}
	return heads, nil
}

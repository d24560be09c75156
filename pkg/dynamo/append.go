package dynamo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/eventlog"
	"github.com/runnel-sse/runnel/pkg/eventlog/batch"
)

// maxItem is how many bytes of events go into one item, of the 400 KB that
// DynamoDB allows.
const maxItem = 350 << 10

// Append is eventlog.Log's.
func (l *Log) Append(ctx context.Context, ch channel.Name, events []eventlog.Event) ([]eventlog.Position, error) {
	for i, e := range events {
		if err := e.Validate(); err != nil {
			return nil, fmt.Errorf("dynamo: append to %s: event %d: %w", ch, i, err)
		}
	}
	if len(events) == 0 {
		return nil, ctx.Err()
	}
	la, err := l.lanes.enter(ctx, ch)
	if err != nil {
		return nil, fmt.Errorf("dynamo: append to %s: %w", ch, err)
	}
	defer l.lanes.leave(la)
	all := make([]eventlog.Position, 0, len(events))
	for piece := range batch.Pieces(events) {
		p := newPiece(ch, piece)
		if err := l.appendPiece(ctx, la, p); err != nil {
			return nil, fmt.Errorf("dynamo: append %d to %s: %w", len(events), ch, err)
		}
		all = append(all, p.positions()...)
	}
	return all, nil
}

// piece is what one transaction stores.
type piece struct {
	ch     channel.Name
	events []eventlog.Event
	at     []eventlog.Position // of each event; zero while it has none
	twin   []int               // of each event, the index of the first one with its id
}

func newPiece(ch channel.Name, events []eventlog.Event) *piece {
	p := &piece{ch: ch, events: events, at: make([]eventlog.Position, len(events)), twin: make([]int, len(events))}
	first := map[string]int{}
	for i, e := range events {
		p.twin[i] = i
		if e.ID == "" {
			continue
		}
		if j, ok := first[e.ID]; ok {
			p.twin[i] = j
		} else {
			first[e.ID] = i
		}
	}
	return p
}

// todo are the events that have no place yet, once each.
func (p *piece) todo() []int {
	var left []int
	for i := range p.events {
		if p.twin[i] == i && p.at[i].IsZero() {
			left = append(left, i)
		}
	}
	return left
}

func (p *piece) positions() []eventlog.Position {
	for i, j := range p.twin {
		p.at[i] = p.at[j]
	}
	return p.at
}

// appendPiece tries until every event has its place, or says why not.
func (l *Log) appendPiece(ctx context.Context, la *lane, p *piece) error {
	var (
		tx   *dynamodb.TransactWriteItemsInput // nil: to be made
		next eventlog.Position
		todo []int
	)
	for attempt := 1; ; attempt++ {
		if tx == nil {
			if todo = p.todo(); len(todo) == 0 {
				return nil
			}
			if err := l.find(ctx, la, p.ch, len(todo)); err != nil {
				return err
			}
			tx, next = l.transaction(la.head, p, todo)
		}
		out, err := l.client.TransactWriteItems(ctx, tx)
		if err == nil {
			l.o.Meter.write(out.ConsumedCapacity...)
			for i, n := range todo {
				p.at[n] = eventlog.Position{Epoch: next.Epoch, Seq: next.Seq - uint64(len(todo)-1-i)}
			}
			la.head = next
			return nil
		}
		l.o.Meter.write()
		wait, err := l.cancelled(la, p, todo, err)
		if err != nil && (!wait || attempt >= maxAttempts) {
			return err
		}
		if la.known || len(p.todo()) < len(todo) {
			tx = nil // something was learned; otherwise it goes again as it was, with its token
		}
		if wait {
			if err := pause(ctx, attempt); err != nil {
				return err
			}
		}
	}
}

// find makes sure that the lane knows the channel's head, and that n events have
// room behind it.
func (l *Log) find(ctx context.Context, la *lane, ch channel.Name, n int) error {
	if !la.known {
		head, err := l.head(ctx, ch, true)
		if err != nil {
			return err
		}
		la.head, la.known = head, true
	}
	if la.head.Seq+uint64(n) > eventlog.MaxSeq {
		return fmt.Errorf("%w: the channel has had %d events, which is all it can", eventlog.ErrInvalid, la.head.Seq)
	}
	return nil
}

// transaction moves the head behind the events, puts them, and puts their ids.
// What is compared with the head is first, then the ids of todo in their order,
// then the batches.
func (l *Log) transaction(head eventlog.Position, p *piece, todo []int) (tx *dynamodb.TransactWriteItemsInput, next eventlog.Position) {
	now := l.o.Now()
	kept := l.o.Retention(p.ch.Stream())
	next = eventlog.Position{Epoch: head.Epoch, Seq: head.Seq + uint64(len(todo))}
	if next.Epoch == 0 {
		next.Epoch = newEpoch()
	}
	puts := []types.TransactWriteItem{{Put: l.putHead(p.ch, head, next, now, kept)}}
	for i, n := range todo {
		if id := p.events[n].ID; id != "" {
			at := eventlog.Position{Epoch: next.Epoch, Seq: head.Seq + uint64(i) + 1}
			puts = append(puts, types.TransactWriteItem{Put: l.putID(p.ch, id, at, now)})
		}
	}
	for begin := 0; begin < len(todo); {
		var events []eventlog.Event
		size := 0
		for _, n := range todo[begin:] {
			e := p.events[n]
			if size += len(e.Data) + len(e.ID) + len(e.Type) + 8; size > maxItem && len(events) > 0 {
				break
			}
			events = append(events, e)
		}
		first := eventlog.Position{Epoch: next.Epoch, Seq: head.Seq + uint64(begin) + 1}
		puts = append(puts, types.TransactWriteItem{Put: l.putBatch(p.ch, first, events, now, kept)})
		begin += len(events)
	}
	return transaction(puts), next
}

func (l *Log) putHead(ch channel.Name, old, next eventlog.Position, now time.Time, kept time.Duration) *types.Put {
	it := key(ch.String(), headSK)
	it[attrEpoch], it[attrSeq] = num(next.Epoch), num(next.Seq)
	if kept > 0 {
		it[TTLAttribute] = expiry(now, max(kept, eventlog.DedupeWindow)+ttlSlack)
	}
	put := &types.Put{
		TableName: &l.table, Item: it,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
	if old.IsZero() {
		put.ConditionExpression = new("attribute_not_exists(pk)")
		return put
	}
	put.ConditionExpression = new("epoch = :epoch AND seq = :seq")
	put.ExpressionAttributeValues = item{":epoch": num(old.Epoch), ":seq": num(old.Seq)}
	return put
}

func (l *Log) putID(ch channel.Name, id string, at eventlog.Position, now time.Time) *types.Put {
	it := key(idPK(ch, id), idSK)
	it[attrEpoch], it[attrSeq] = num(at.Epoch), num(at.Seq)
	it[TTLAttribute] = expiry(now, eventlog.DedupeWindow)
	return &types.Put{
		TableName: &l.table, Item: it,
		// What has expired may still be there: DynamoDB deletes late.
		ConditionExpression:                 new("attribute_not_exists(pk) OR expires <= :now"),
		ExpressionAttributeValues:           item{":now": num(now.Unix())},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
}

func (l *Log) putBatch(ch channel.Name, first eventlog.Position, events []eventlog.Event, now time.Time, kept time.Duration) *types.Put {
	last := eventlog.Position{Epoch: first.Epoch, Seq: first.Seq + uint64(len(events)) - 1}
	it := key(ch.String(), batchSK(last))
	it[attrBatch] = &types.AttributeValueMemberB{Value: batch.Encode(nil, first, now, events)}
	if kept > 0 {
		it[TTLAttribute] = expiry(now, kept)
	}
	return &types.Put{TableName: &l.table, Item: it}
}

// cancelled looks at why a transaction failed. Without an error it is to be
// tried again at once, with what was learned; with one and wait, later; with one
// alone, not at all.
func (l *Log) cancelled(la *lane, p *piece, todo []int, err error) (wait bool, _ error) {
	la.known = false
	var cancel *types.TransactionCanceledException
	if !errors.As(err, &cancel) {
		return false, translate(err, l.table, eventlog.ErrUnavailable)
	}
	withID := todo[:0:0]
	for _, n := range todo {
		if p.events[n].ID != "" {
			withID = append(withID, n)
		}
	}
	learned := false
	for i, reason := range cancel.CancellationReasons {
		code := ""
		if reason.Code != nil {
			code = *reason.Code
		}
		switch {
		case code == "" || code == "None":
		case code == "ConditionalCheckFailed" && i == 0:
			// Somebody else was first. The head is where the next try begins.
			la.head, la.known = headOf(reason.Item), true
			wait, err = true, fmt.Errorf("%w: %w", eventlog.ErrContended, cancel)
		case code == "ConditionalCheckFailed" && i <= len(withID):
			at, ok := position(reason.Item)
			if !ok {
				return false, fmt.Errorf("the id of event %d is in the table without its position: %w", withID[i-1], cancel)
			}
			p.at[withID[i-1]] = at
			learned = true
		case code == "TransactionConflict":
			wait, err = true, fmt.Errorf("%w: %w", eventlog.ErrContended, cancel)
		case throttled(code):
			wait, err = true, fmt.Errorf("%w: %w", eventlog.ErrUnavailable, cancel)
		default:
			return false, cancel
		}
	}
	if learned && !wait {
		return false, nil
	}
	return wait, err
}

func headOf(item item) eventlog.Position {
	at, _ := position(item) // no item: the head has expired since, and begins anew
	return at
}

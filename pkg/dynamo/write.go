package dynamo

import (
	"context"
	"errors"
	"fmt"
	"regexp"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/runnel-sse/runnel/pkg/subscriber"
)

var nameIn = regexp.MustCompile(`#\w+`)

// names has an attribute for each #attribute of the expressions: many a plain
// word is reserved.
func names(expressions ...string) map[string]string {
	var all map[string]string
	for _, e := range expressions {
		for _, n := range nameIn.FindAllString(e, -1) {
			if all == nil {
				all = map[string]string{}
			}
			all[n] = n[1:]
		}
	}
	return all
}

// maybe is nil for "".
func maybe(expression string) *string {
	if expression == "" {
		return nil
	}
	return &expression
}

// changing is an update of one item. cond may be empty.
func (r *Registry) changing(k item, change, cond string, values item) *types.Update {
	return &types.Update{
		TableName: &r.table, Key: k, UpdateExpression: &change, ConditionExpression: maybe(cond),
		ExpressionAttributeNames: names(change, cond), ExpressionAttributeValues: values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
}

func (r *Registry) putting(it item, cond string, values item) *types.Put {
	return &types.Put{
		TableName: &r.table, Item: it, ConditionExpression: maybe(cond),
		ExpressionAttributeNames: names(cond), ExpressionAttributeValues: values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
}

func (r *Registry) removing(k item, cond string, values item) *types.Delete {
	return &types.Delete{
		TableName: &r.table, Key: k, ConditionExpression: maybe(cond),
		ExpressionAttributeNames: names(cond), ExpressionAttributeValues: values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
}

// plan is a transaction in the making.
type plan struct {
	all  []types.TransactWriteItem
	kind []part
	news []subscriber.News
}

// part is what a write of a plan is for, so that a refusal is understood.
type part struct {
	what role
	seat subscriber.Seat // of a channel's parts
}

type role int

const (
	unconditional role = iota
	aLease
	theConnection
	aMember // the connection elsewhere: under its user, on a channel
	aUser
	anAddress
	aChannel
	aVisit
)

func (p *plan) update(what role, s subscriber.Seat, u *types.Update) {
	p.all, p.kind = append(p.all, types.TransactWriteItem{Update: u}), append(p.kind, part{what, s})
}

func (p *plan) put(what role, s subscriber.Seat, put *types.Put) {
	p.all, p.kind = append(p.all, types.TransactWriteItem{Put: put}), append(p.kind, part{what, s})
}

func (p *plan) remove(what role, s subscriber.Seat, d *types.Delete) {
	p.all, p.kind = append(p.all, types.TransactWriteItem{Delete: d}), append(p.kind, part{what, s})
}

// refusal is a condition that failed, and the item as it was found; nil: none.
type refusal struct {
	part
	found item
}

// transact carries the plan out, all or nothing. When it was cancelled by
// conditions, it returns which those were. Where others were only in the way, the
// same transaction is sent again, with its token: an answer that got lost is not
// taken for a refusal.
func (r *Registry) transact(ctx context.Context, p *plan) (refused []refusal, err error) {
	tx := transaction(p.all)
	for attempt := 1; ; attempt++ {
		refused, again, err := r.try(ctx, tx, p)
		if err == nil || !again || len(refused) > 0 || attempt >= maxAttempts {
			return refused, err
		}
		if err := pause(ctx, attempt); err != nil {
			return nil, err
		}
	}
}

// try sends the transaction once. again is true when it was cancelled by
// conditions, which it returns, or by others in the way.
func (r *Registry) try(ctx context.Context, tx *dynamodb.TransactWriteItemsInput, p *plan) (refused []refusal, again bool, err error) {
	out, err := r.client.TransactWriteItems(ctx, tx)
	if err == nil {
		r.o.Meter.write(out.ConsumedCapacity...)
		return nil, false, nil
	}
	r.o.Meter.write()
	var cancel *types.TransactionCanceledException
	if !errors.As(err, &cancel) {
		return nil, false, translate(err, r.table, subscriber.ErrUnavailable)
	}
	for i, reason := range cancel.CancellationReasons {
		code := ""
		if reason.Code != nil {
			code = *reason.Code
		}
		switch {
		case code == "ConditionalCheckFailed":
			it := reason.Item
			if len(it) == 0 {
				it = nil
			}
			refused = append(refused, refusal{p.kind[i], it})
		case code == "", code == "None", code == "TransactionConflict", throttled(code):
		default:
			return nil, false, cancel
		}
	}
	return refused, true, fmt.Errorf("%w: %w", subscriber.ErrUnavailable, cancel)
}

// update carries one update out by itself, and reports whether its condition failed.
func (r *Registry) update(ctx context.Context, u *types.Update) (refused bool, now item, err error) {
	for attempt := 1; ; attempt++ {
		out, err := r.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName: u.TableName, Key: u.Key, UpdateExpression: u.UpdateExpression, ConditionExpression: u.ConditionExpression,
			ExpressionAttributeNames: u.ExpressionAttributeNames, ExpressionAttributeValues: u.ExpressionAttributeValues,
			ReturnValues: types.ReturnValueAllNew, ReturnConsumedCapacity: total(),
		})
		if err == nil {
			r.o.Meter.write(one(out.ConsumedCapacity)...)
			return false, out.Attributes, nil
		}
		r.o.Meter.write()
		if again, err := conflict(ctx, err, attempt); again || err != nil {
			if err != nil {
				return false, nil, err
			}
			continue
		}
		var failed *types.ConditionalCheckFailedException
		if errors.As(err, &failed) {
			return true, nil, nil
		}
		return false, nil, translate(err, r.table, subscriber.ErrUnavailable)
	}
}

// delete removes one item by itself, where its condition holds.
func (r *Registry) delete(ctx context.Context, d *types.Delete) error {
	for attempt := 1; ; attempt++ {
		out, err := r.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
			TableName: d.TableName, Key: d.Key, ConditionExpression: d.ConditionExpression,
			ExpressionAttributeNames: d.ExpressionAttributeNames, ExpressionAttributeValues: d.ExpressionAttributeValues,
			ReturnConsumedCapacity: total(),
		})
		if err == nil {
			r.o.Meter.write(one(out.ConsumedCapacity)...)
			return nil
		}
		r.o.Meter.write()
		if again, err := conflict(ctx, err, attempt); again || err != nil {
			if err != nil {
				return err
			}
			continue
		}
		var failed *types.ConditionalCheckFailedException
		if errors.As(err, &failed) {
			return nil
		}
		return translate(err, r.table, subscriber.ErrUnavailable)
	}
}

// conflict waits where a transaction was in the way of a single write, and
// reports whether it was.
func conflict(ctx context.Context, err error, attempt int) (again bool, _ error) {
	var other *types.TransactionConflictException
	if !errors.As(err, &other) || attempt >= maxAttempts {
		return false, nil
	}
	return true, pause(ctx, attempt)
}

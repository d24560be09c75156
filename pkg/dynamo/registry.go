package dynamo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/subscriber"
)

// RegistryOptions are the settings of a registry.
type RegistryOptions struct {
	Now   func() time.Time // nil: time.Now
	Meter *Meter
}

// Registry is a subscriber registry in a table.
type Registry struct {
	client Client
	table  string
	o      RegistryOptions
}

var (
	_ subscriber.Registry  = (*Registry)(nil)
	_ subscriber.Directory = (*Registry)(nil)
	_ subscriber.Reaper    = (*Registry)(nil)
)

// NewRegistry returns a registry in the table, which has the form of SubscribersTable.
func NewRegistry(client Client, table string, o RegistryOptions) *Registry {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Registry{client: client, table: table, o: o}
}

// Items of the registry:
//
//	pk                    sk              else
//	CommentStream:item:1  #count          n
//	CommentStream:item:1  c#{connection}  process, user, joined
//	#lease                {process}       until; dead once it has lapsed
const (
	countSK  = "#count"
	memberSK = "c#"
	leasePK  = "#lease"
)

const (
	// reapAgain is how long a dead process is looked at again: an index is late,
	// and may show a subscriber only after the first look.
	reapAgain = 10 * time.Minute
	// tombstone is how long a dead name is remembered, so that it does not live
	// again. Names are random: nobody comes back to one after a week.
	tombstone = 7 * 24 * time.Hour
)

// Renew is subscriber.Registry's: one conditional write.
func (r *Registry) Renew(ctx context.Context, process string, until time.Time) error {
	out, err := r.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:           &r.table,
		Key:                 key(leasePK, process),
		UpdateExpression:    new("SET #until = :until"),
		ConditionExpression: new("attribute_not_exists(pk) OR (attribute_not_exists(dead) AND #until > :now)"),
		ExpressionAttributeNames: map[string]string{
			"#until": attrUntil,
		},
		ExpressionAttributeValues: item{":until": num(until.UnixMilli()), ":now": num(r.o.Now().UnixMilli())},
		ReturnConsumedCapacity:    total(),
	})
	if err == nil {
		r.o.Meter.write(one(out.ConsumedCapacity)...)
		return nil
	}
	r.o.Meter.write()
	var refused *types.ConditionalCheckFailedException
	if errors.As(err, &refused) {
		return fmt.Errorf("dynamo: renew: %w", subscriber.ErrLapsed)
	}
	return fmt.Errorf("dynamo: renew: %w", translate(err, r.table, subscriber.ErrUnavailable))
}

// Join is subscriber.Registry's: one transaction, unless a channel is full or
// the connection is there already.
func (r *Registry) Join(ctx context.Context, c subscriber.Connection, limit int) error {
	c.Channels = slices.Compact(slices.SortedFunc(slices.Values(c.Channels), byName))
	reaped := false
	tx := r.joining(c, limit)
	for attempt := 1; ; attempt++ {
		refused, err := r.transact(ctx, tx)
		if err == nil {
			return nil
		}
		if refused == nil {
			return fmt.Errorf("dynamo: join: %w", err)
		}
		if refused[2*len(c.Channels)] {
			return fmt.Errorf("dynamo: join: %w", subscriber.ErrLapsed)
		}
		var full []channel.Name
		there := false
		for i, ch := range c.Channels {
			there = there || refused[2*i]
			if refused[2*i+1] {
				full = append(full, ch)
			}
		}
		switch {
		case there:
			return r.move(ctx, c, limit)
		case full != nil && reaped:
			return &subscriber.FullError{Channel: full[0], Limit: limit}
		case full != nil:
			reaped = true
			for _, ch := range full {
				if err := r.reapChannel(ctx, ch); err != nil {
					return fmt.Errorf("dynamo: join: %w", err)
				}
			}
			tx = r.joining(c, limit)
			continue
		case attempt >= maxAttempts:
			return fmt.Errorf("dynamo: join: %w: %w", subscriber.ErrUnavailable, err)
		}
		if err := pause(ctx, attempt); err != nil {
			return err
		}
	}
}

// joining has, for each channel, the subscriber and then the counter, and last
// that the process is alive.
func (r *Registry) joining(c subscriber.Connection, limit int) *dynamodb.TransactWriteItemsInput {
	var all []types.TransactWriteItem
	for _, ch := range c.Channels {
		it := key(ch.String(), memberSK+c.ID)
		it[attrProcess], it[attrJoined] = text(c.Process), num(c.Joined.UnixMilli())
		if c.User != "" {
			it[attrUser] = text(c.User)
		}
		all = append(all,
			types.TransactWriteItem{Put: &types.Put{
				TableName: &r.table, Item: it, ConditionExpression: new("attribute_not_exists(pk)"),
			}},
			types.TransactWriteItem{Update: r.counting(ch, 1, limit)})
	}
	return transaction(append(all, r.alive(c.Process)))
}

// alive checks that the process holds its lease, in the same transaction: what
// is entered under a name that was given up would never be reaped.
func (r *Registry) alive(process string) types.TransactWriteItem {
	return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		TableName: &r.table, Key: key(leasePK, process),
		ConditionExpression:       new("attribute_not_exists(dead) AND #until > :now"),
		ExpressionAttributeNames:  map[string]string{"#until": attrUntil},
		ExpressionAttributeValues: item{":now": num(r.o.Now().UnixMilli())},
	}}
}

func byName(a, b channel.Name) int { return strings.Compare(a.String(), b.String()) }

// counting moves a channel's counter, not above the limit if there is one.
func (r *Registry) counting(ch channel.Name, by, limit int) *types.Update {
	u := &types.Update{
		TableName: &r.table, Key: key(ch.String(), countSK),
		UpdateExpression:          new("ADD n :by"),
		ExpressionAttributeValues: item{":by": &types.AttributeValueMemberN{Value: fmt.Sprint(by)}},
	}
	if limit > 0 {
		u.ConditionExpression = new("attribute_not_exists(n) OR n < :limit")
		u.ExpressionAttributeValues[":limit"] = num(limit)
	}
	return u
}

// move puts a connection that is there already under its present process, and
// joins the channels where it is not.
func (r *Registry) move(ctx context.Context, c subscriber.Connection, limit int) error {
	for _, ch := range c.Channels {
		out, err := r.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName: &r.table, Key: key(ch.String(), memberSK+c.ID),
			UpdateExpression:          new("SET #process = :process"),
			ConditionExpression:       new("attribute_exists(pk)"),
			ExpressionAttributeNames:  map[string]string{"#process": attrProcess},
			ExpressionAttributeValues: item{":process": text(c.Process)},
			ReturnConsumedCapacity:    total(),
		})
		var gone *types.ConditionalCheckFailedException
		if errors.As(err, &gone) {
			alone := c
			alone.Channels = []channel.Name{ch}
			r.o.Meter.write()
			if err := r.Join(ctx, alone, limit); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			r.o.Meter.write()
			return fmt.Errorf("dynamo: join again: %w", translate(err, r.table, subscriber.ErrUnavailable))
		}
		r.o.Meter.write(one(out.ConsumedCapacity)...)
	}
	return nil
}

// Leave is subscriber.Registry's: one transaction. Where the connection has left
// some of its channels already, it leaves the others one by one.
func (r *Registry) Leave(ctx context.Context, c subscriber.Connection) error {
	chs := slices.Compact(slices.SortedFunc(slices.Values(c.Channels), byName))
	if err := r.leave(ctx, c.ID, chs); err != nil {
		return fmt.Errorf("dynamo: leave: %w", err)
	}
	return nil
}

func (r *Registry) leave(ctx context.Context, connection string, chs []channel.Name) error {
	tx := r.leaving(connection, chs)
	for attempt := 1; len(chs) > 0; attempt++ {
		refused, err := r.transact(ctx, tx)
		if err == nil {
			return nil
		}
		if refused == nil || attempt >= maxAttempts {
			return err
		}
		var still []channel.Name
		for i, ch := range chs {
			if _, ok := refused[2*i]; !ok {
				still = append(still, ch)
			}
		}
		if len(still) == len(chs) { // nobody was refused: others were in the way
			if err := pause(ctx, attempt); err != nil {
				return err
			}
			continue
		}
		chs, tx = still, r.leaving(connection, still)
	}
	return nil
}

// leaving has, for each channel, the subscriber and then the counter.
func (r *Registry) leaving(connection string, chs []channel.Name) *dynamodb.TransactWriteItemsInput {
	var all []types.TransactWriteItem
	for _, ch := range chs {
		all = append(all,
			types.TransactWriteItem{Delete: &types.Delete{
				TableName: &r.table, Key: key(ch.String(), memberSK+connection),
				ConditionExpression: new("attribute_exists(pk)"),
			}},
			types.TransactWriteItem{Update: r.counting(ch, -1, 0)})
	}
	return transaction(all)
}

// transact carries the transaction out. When it was cancelled by a
// condition, or by others in the way, it returns which conditions failed, by
// index, with the error; after any other failure nil.
func (r *Registry) transact(ctx context.Context, tx *dynamodb.TransactWriteItemsInput) (refused map[int]bool, err error) {
	out, err := r.client.TransactWriteItems(ctx, tx)
	if err == nil {
		r.o.Meter.write(out.ConsumedCapacity...)
		return nil, nil
	}
	r.o.Meter.write()
	var cancel *types.TransactionCanceledException
	if !errors.As(err, &cancel) {
		return nil, translate(err, r.table, subscriber.ErrUnavailable)
	}
	refused = map[int]bool{}
	for i, reason := range cancel.CancellationReasons {
		code := ""
		if reason.Code != nil {
			code = *reason.Code
		}
		switch {
		case code == "ConditionalCheckFailed":
			refused[i] = true
		case code == "", code == "None", code == "TransactionConflict", throttled(code):
		default:
			return nil, cancel
		}
	}
	return refused, fmt.Errorf("%w: %w", subscriber.ErrUnavailable, cancel)
}

// Count is subscriber.Directory's: one consistent read of one item.
func (r *Registry) Count(ctx context.Context, ch channel.Name) (int, error) {
	out, err := r.client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &r.table, Key: key(ch.String(), countSK), ConsistentRead: new(true), ReturnConsumedCapacity: total(),
	})
	if err != nil {
		r.o.Meter.read()
		return 0, fmt.Errorf("dynamo: count %s: %w", ch, translate(err, r.table, subscriber.ErrUnavailable))
	}
	r.o.Meter.read(one(out.ConsumedCapacity)...)
	n, _ := readNum(out.Item, attrCount)
	return int(n), nil
}

// List is subscriber.Directory's: consistent reads.
func (r *Registry) List(ctx context.Context, ch channel.Name, after string, limit int) ([]subscriber.Subscriber, error) {
	in := &dynamodb.QueryInput{
		TableName:              &r.table,
		KeyConditionExpression: new("pk = :pk AND sk BETWEEN :from AND :to"),
		ExpressionAttributeValues: item{
			// The least key after the one that ends with the connection's id.
			":pk": text(ch.String()), ":from": text(memberSK + after + "\x00"), ":to": text(memberSK + "\x7f"),
		},
		ConsistentRead: new(true), Limit: new(int32(limit)), ReturnConsumedCapacity: total(),
	}
	var all []subscriber.Subscriber
	err := r.query(ctx, in, func(it item) bool {
		all = append(all, member(it))
		return len(all) < limit
	})
	if err != nil {
		return nil, fmt.Errorf("dynamo: list %s: %w", ch, err)
	}
	return all, nil
}

func member(it item) subscriber.Subscriber {
	joined, _ := readNum(it, attrJoined)
	return subscriber.Subscriber{
		Connection: strings.TrimPrefix(readText(it, SortKey), memberSK),
		Process:    readText(it, attrProcess),
		User:       readText(it, attrUser),
		Joined:     time.UnixMilli(int64(joined)).UTC(),
	}
}

func readText(it item, name string) string {
	if s, ok := it[name].(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}

// query calls f for every item, page after page, until it returns false.
func (r *Registry) query(ctx context.Context, in *dynamodb.QueryInput, f func(item) bool) error {
	for {
		out, err := r.client.Query(ctx, in)
		if err != nil {
			r.o.Meter.read()
			return translate(err, r.table, subscriber.ErrUnavailable)
		}
		r.o.Meter.read(one(out.ConsumedCapacity)...)
		for _, it := range out.Items {
			if !f(it) {
				return nil
			}
		}
		if out.LastEvaluatedKey == nil {
			return nil
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
}

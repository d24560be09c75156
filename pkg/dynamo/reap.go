package dynamo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/subscriber"
)

// lease is one process's item.
type lease struct {
	process     string
	until, dead uint64 // Unix milliseconds; dead is 0 while nobody has found it lapsed
}

// Reap is subscriber.Reaper's. A lapsed lease is marked dead, so that its name
// can never live again, and its process is reaped, and for some time reaped again,
// since the index may be late.
func (r *Registry) Reap(ctx context.Context) (int, error) {
	now := r.o.Now()
	lapsed, err := r.lapsed(ctx, now)
	if err != nil {
		return 0, fmt.Errorf("dynamo: reap: %w", err)
	}
	removed := 0
	for _, l := range lapsed {
		if l.dead > 0 && now.Sub(time.UnixMilli(int64(l.dead))) > reapAgain {
			continue
		}
		if err := r.bury(ctx, l, now); err != nil {
			return removed, fmt.Errorf("dynamo: reap: %w", err)
		}
		n, err := r.reapProcess(ctx, l.process)
		removed += n
		if err != nil {
			return removed, fmt.Errorf("dynamo: reap: %w", err)
		}
	}
	return removed, nil
}

func (r *Registry) lapsed(ctx context.Context, now time.Time) ([]lease, error) {
	var all []lease
	err := r.query(ctx, &dynamodb.QueryInput{
		TableName:                 &r.table,
		KeyConditionExpression:    new("pk = :pk"),
		FilterExpression:          new("#until <= :now"),
		ExpressionAttributeNames:  map[string]string{"#until": attrUntil},
		ExpressionAttributeValues: item{":pk": text(leasePK), ":now": num(now.UnixMilli())},
		ConsistentRead:            new(true),
		ReturnConsumedCapacity:    total(),
	}, func(it item) bool {
		l := lease{process: readText(it, SortKey)}
		l.until, _ = readNum(it, attrUntil)
		l.dead, _ = readNum(it, attrDead)
		all = append(all, l)
		return true
	})
	return all, err
}

// bury marks the lease dead, unless it has been renewed in the meantime.
func (r *Registry) bury(ctx context.Context, l lease, now time.Time) error {
	if l.dead > 0 {
		return nil
	}
	_, err := r.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &r.table, Key: key(leasePK, l.process),
		UpdateExpression:          new("SET dead = :now, expires = :expires"),
		ConditionExpression:       new("#until <= :now AND attribute_not_exists(dead)"),
		ExpressionAttributeNames:  map[string]string{"#until": attrUntil},
		ExpressionAttributeValues: item{":now": num(now.UnixMilli()), ":expires": expiry(now, tombstone)},
		ReturnConsumedCapacity:    total(),
	})
	r.o.Meter.write()
	var refused *types.ConditionalCheckFailedException
	if errors.As(err, &refused) {
		return nil // another reaper was faster; nobody renews what has lapsed
	}
	if err != nil {
		return translate(err, r.table, subscriber.ErrUnavailable)
	}
	return nil
}

// reapProcess removes the process's subscribers that the index knows.
func (r *Registry) reapProcess(ctx context.Context, process string) (int, error) {
	var keys []item
	err := r.query(ctx, &dynamodb.QueryInput{
		TableName: &r.table, IndexName: new(ProcessIndex),
		KeyConditionExpression:    new("#process = :process"),
		ExpressionAttributeNames:  map[string]string{"#process": attrProcess},
		ExpressionAttributeValues: item{":process": text(process)},
		ReturnConsumedCapacity:    total(),
	}, func(it item) bool {
		keys = append(keys, it)
		return true
	})
	if err != nil {
		return 0, err
	}
	removed := 0
	for _, it := range keys {
		ch, err := channel.Parse(readText(it, PartitionKey))
		if err != nil {
			return removed, err
		}
		gone, err := r.leaveOne(ctx, member(it).Connection, ch, process)
		if err != nil {
			return removed, err
		}
		if gone {
			removed++
		}
	}
	return removed, nil
}

// leaveOne reports whether it removed the subscriber.
func (r *Registry) leaveOne(ctx context.Context, connection string, ch channel.Name, process string) (bool, error) {
	tx := transaction([]types.TransactWriteItem{
		{Delete: &types.Delete{
			TableName: &r.table, Key: key(ch.String(), memberSK+connection),
			ConditionExpression:       new("#process = :process"),
			ExpressionAttributeNames:  map[string]string{"#process": attrProcess},
			ExpressionAttributeValues: item{":process": text(process)},
		}},
		{Update: r.counting(ch, -1, 0)},
	})
	for attempt := 1; ; attempt++ {
		refused, err := r.transact(ctx, tx)
		switch {
		case err == nil:
			return true, nil
		case refused[0]:
			return false, nil // it has left, or moved
		case refused == nil, attempt >= maxAttempts:
			return false, err
		}
		if err := pause(ctx, attempt); err != nil {
			return false, err
		}
	}
}

// reapChannel removes the channel's subscribers whose process's lease has
// lapsed, so that a join finds their places free.
func (r *Registry) reapChannel(ctx context.Context, ch channel.Name) error {
	lapsed, err := r.lapsed(ctx, r.o.Now())
	if err != nil || len(lapsed) == 0 {
		return err
	}
	dead := map[string]bool{}
	for _, l := range lapsed {
		if err := r.bury(ctx, l, r.o.Now()); err != nil {
			return err
		}
		dead[l.process] = true
	}
	for after := ""; ; {
		page, err := r.List(ctx, ch, after, 500)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, s := range page {
			after = s.Connection
			if !dead[s.Process] {
				continue
			}
			if _, err := r.leaveOne(ctx, s.Connection, ch, s.Process); err != nil {
				return err
			}
		}
	}
}

package dynamo

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/subscriber"
)

// Count is subscriber.Directory's: one consistent read of one item.
func (r *Registry) Count(ctx context.Context, ch channel.Name) (int, error) {
	return r.counted(ctx, ch, attrCount)
}

// CountUsers is subscriber.Directory's: one consistent read of one item.
func (r *Registry) CountUsers(ctx context.Context, ch channel.Name) (int, error) {
	return r.counted(ctx, ch, attrUsers)
}

func (r *Registry) counted(ctx context.Context, ch channel.Name, what string) (int, error) {
	it, err := r.get(ctx, key(ch.String(), countSK))
	if err != nil {
		return 0, fmt.Errorf("dynamo: count %s: %w", ch, err)
	}
	n, _ := readNum(it, what)
	return int(n), nil
}

// List is subscriber.Directory's: consistent reads.
func (r *Registry) List(ctx context.Context, ch channel.Name, after string, limit int) ([]subscriber.Subscriber, error) {
	all, err := r.members(ctx, ch.String(), after, limit)
	if err != nil {
		return nil, fmt.Errorf("dynamo: list %s: %w", ch, err)
	}
	return all, nil
}

// ConnectionsOf is subscriber.Directory's: consistent reads.
func (r *Registry) ConnectionsOf(ctx context.Context, user, after string, limit int) ([]subscriber.Subscriber, error) {
	all, err := r.members(ctx, userPK+user, after, limit)
	if err != nil {
		return nil, fmt.Errorf("dynamo: connections of a user: %w", err)
	}
	for i := range all {
		all[i].User = user
	}
	return all, nil
}

func (r *Registry) members(ctx context.Context, pk, after string, limit int) ([]subscriber.Subscriber, error) {
	var all []subscriber.Subscriber
	err := r.query(ctx, r.page(pk, memberSK, after, limit), func(it item) bool {
		all = append(all, subscriber.Subscriber{
			Connection: strings.TrimPrefix(readText(it, SortKey), memberSK),
			Process:    readText(it, attrProcess),
			User:       readText(it, attrUser),
			Joined:     milli(it, attrJoined),
		})
		return len(all) < limit
	})
	return all, err
}

// Users is subscriber.Directory's: consistent reads.
func (r *Registry) Users(ctx context.Context, ch channel.Name, after string, limit int) ([]subscriber.User, error) {
	var all []subscriber.User
	err := r.query(ctx, r.page(ch.String(), presentSK, after, limit), func(it item) bool {
		if it[attrOver] == nil {
			all = append(all, subscriber.User{Name: strings.TrimPrefix(readText(it, SortKey), presentSK), Since: milli(it, attrSince)})
		}
		return len(all) < limit
	})
	if err != nil {
		return nil, fmt.Errorf("dynamo: users of %s: %w", ch, err)
	}
	return all, nil
}

// page asks for the items with that prefix after the one that ends so.
func (r *Registry) page(pk, prefix, after string, limit int) *dynamodb.QueryInput {
	return &dynamodb.QueryInput{
		TableName:              &r.table,
		KeyConditionExpression: new("pk = :pk AND sk BETWEEN :from AND :to"),
		ExpressionAttributeValues: item{
			// The least key after it; and what is above every name.
			":pk": text(pk), ":from": text(prefix + after + "\x00"), ":to": text(prefix + "\U0010ffff"),
		},
		ConsistentRead: new(true), Limit: new(int32(min(limit, 1000))), ReturnConsumedCapacity: total(),
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

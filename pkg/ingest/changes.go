package ingest

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-lambda-go/events"

	"github.com/runnel-sse/runnel/pkg/logic"
)

// Changes processes a batch of a DynamoDB stream, which is of one shard and in
// order. It stores all that can be stored and names the first record that could
// not, which is where Lambda goes on; what comes again after it has the same ids
// and is not stored twice. A record that can never be processed is named too, so
// the event source needs a limit of attempts and a destination for failures.
func (in *Ingest) Changes(ctx context.Context, e events.DynamoDBEvent) (events.DynamoDBEventResponse, error) {
	var resp events.DynamoDBEventResponse
	if in.c.Changes == nil {
		return resp, errors.New("ingest: no rule for the changes of a table: set Config.Changes")
	}
	b := newBatch()
	bad := map[int]bool{}
	for i := range e.Records {
		r := &e.Records[i]
		list, err := in.planChange(r)
		if err != nil {
			bad[i] = true
			in.logRefused(ctx, "change_id", r.EventID, err, true)
			continue
		}
		for _, p := range list {
			b.add(i, p)
		}
	}
	for i, err := range in.store(ctx, b) {
		bad[i] = true
		in.logFailed(ctx, "change_id", e.Records[i].EventID, err)
	}
	if len(bad) == 0 {
		return resp, nil
	}
	lowest := ""
	for i := range bad {
		n := e.Records[i].Change.SequenceNumber
		if lowest == "" || compareNumbers(n, lowest) < 0 {
			lowest = n
		}
	}
	resp.BatchItemFailures = []events.DynamoDBBatchItemFailure{{ItemIdentifier: lowest}}
	return resp, nil
}

// compareNumbers compares sequence numbers, which are integers of up to 40 digits.
func compareNumbers(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
}

func (in *Ingest) planChange(r *events.DynamoDBEventRecord) ([]planned, error) {
	happened, err := guard(func() ([]logic.DomainEvent, error) { return in.c.Changes(change(r)) })
	if err != nil {
		return nil, fmt.Errorf("%w: rule of changes: %w", ErrRefused, err)
	}
	return in.decide(fold(r.EventID), happened)
}

func change(r *events.DynamoDBEventRecord) logic.Change {
	return logic.Change{
		ID:      r.EventID,
		Table:   tableOf(r.EventSourceArn),
		Kind:    logic.ChangeKind(r.EventName),
		Keys:    item(r.Change.Keys),
		Old:     item(r.Change.OldImage),
		New:     item(r.Change.NewImage),
		At:      r.Change.ApproximateCreationDateTime.UTC(),
		Expired: r.UserIdentity != nil && r.UserIdentity.PrincipalID == "dynamodb.amazonaws.com",
	}
}

// tableOf is the table in a stream's ARN, arn:…:table/NAME/stream/….
func tableOf(arn string) string {
	_, after, _ := strings.Cut(arn, ":table/")
	name, _, _ := strings.Cut(after, "/")
	return name
}

func item(attributes map[string]events.DynamoDBAttributeValue) map[string]any {
	if attributes == nil {
		return nil
	}
	m := make(map[string]any, len(attributes))
	for name, v := range attributes {
		m[name] = value(v)
	}
	return m
}

// value is an attribute as the Go values that logic.Change promises.
func value(v events.DynamoDBAttributeValue) any {
	switch v.DataType() {
	case events.DataTypeString:
		return v.String()
	case events.DataTypeNumber:
		return json.Number(v.Number())
	case events.DataTypeBoolean:
		return v.Boolean()
	case events.DataTypeBinary:
		return v.Binary()
	case events.DataTypeMap:
		return item(v.Map())
	case events.DataTypeList:
		return each(v.List(), value)
	case events.DataTypeStringSet:
		return each(v.StringSet(), func(s string) any { return s })
	case events.DataTypeNumberSet:
		return each(v.NumberSet(), func(s string) any { return json.Number(s) })
	case events.DataTypeBinarySet:
		return each(v.BinarySet(), func(b []byte) any { return b })
	}
	return nil
}

func each[T any](list []T, f func(T) any) []any {
	values := make([]any, len(list))
	for i, v := range list {
		values[i] = f(v)
	}
	return values
}

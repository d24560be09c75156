package dynamo_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/dynamo"
	"github.com/runnel-sse/runnel/pkg/subscriber"
	"github.com/runnel-sse/runnel/pkg/subscriber/subscribertest"
)

func TestRegistry(t *testing.T) {
	client := open(t)
	subscribertest.Run(t, func(t *testing.T, o subscribertest.Options) subscribertest.Storage {
		table := newTable(t, client, dynamo.SubscribersTable)
		return subscribertest.Storage{
			Registry: func(f subscribertest.Faults) subscriber.Storage {
				return dynamo.NewRegistry(inMood(client, f), table, dynamo.RegistryOptions{Now: o.Now})
			},
			Audit: func(t *testing.T) { audit(t, client, table) },
		}
	})
}

// moody is a DynamoDB that throttles, and that loses answers, request by request.
type moody struct {
	dynamo.Client
	f      subscribertest.Faults
	mu     sync.Mutex
	random *rand.Rand // guarded by mu
}

func inMood(client dynamo.Client, f subscribertest.Faults) dynamo.Client {
	if f.Throttled+f.LostAnswer == 0 {
		return client
	}
	return &moody{Client: client, f: f, random: rand.New(rand.NewPCG(f.Seed, 3))}
}

func (f *moody) happens(frequency float64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.random.Float64() < frequency
}

func pass[I, O any](ctx context.Context, f *moody, in I, call func(context.Context, I, ...func(*dynamodb.Options)) (O, error)) (out O, err error) {
	if f.happens(f.f.Throttled) {
		return out, &types.ProvisionedThroughputExceededException{}
	}
	if out, err = call(ctx, in); err == nil && f.happens(f.f.LostAnswer) {
		return out, &types.InternalServerError{}
	}
	return out, err
}

func (f *moody) GetItem(ctx context.Context, in *dynamodb.GetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	return pass(ctx, f, in, f.Client.GetItem)
}

func (f *moody) BatchGetItem(ctx context.Context, in *dynamodb.BatchGetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error) {
	return pass(ctx, f, in, f.Client.BatchGetItem)
}

func (f *moody) Query(ctx context.Context, in *dynamodb.QueryInput, _ ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	return pass(ctx, f, in, f.Client.Query)
}

func (f *moody) DeleteItem(ctx context.Context, in *dynamodb.DeleteItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error) {
	return pass(ctx, f, in, f.Client.DeleteItem)
}

func (f *moody) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	return pass(ctx, f, in, f.Client.UpdateItem)
}

func (f *moody) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, _ ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	return pass(ctx, f, in, f.Client.TransactWriteItems)
}

// audit reads the whole table and compares every counter with what it counts,
// and everything else of a connection with the item that is the connection.
func audit(t *testing.T, client *dynamodb.Client, table string) {
	t.Helper()
	want, got := map[string]int{}, map[string]int{}
	pages := dynamodb.NewScanPaginator(client, &dynamodb.ScanInput{TableName: &table, ConsistentRead: new(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		for _, it := range page.Items {
			pk, sk := textOf(it, "pk"), textOf(it, "sk")
			switch {
			case strings.HasPrefix(pk, "p#"):
				expect(t, want, pk, sk, textOf(it, "v"))
			case sk == "#count":
				got[pk+" n"] += numOf(t, it, "n")
				got[pk+" users"] += numOf(t, it, "users")
				require.Contains(t, it, "expires", "%s is kept for ever", pk)
			case strings.HasPrefix(sk, "c#"):
				got[pk+" "+sk+" "+textOf(it, "process")]++
			case strings.HasPrefix(sk, "u#"):
				got[pk+" "+sk] += numOf(t, it, "n")
				if _, over := it["over"]; !over {
					want[pk+" users"]++
				}
			}
		}
	}
	for _, all := range []map[string]int{want, got} {
		for k, n := range all {
			if n == 0 {
				delete(all, k)
			}
		}
	}
	require.Equal(t, want, got, "the counters, and what they count")
}

// expect adds what a connection means elsewhere.
func expect(t *testing.T, want map[string]int, pk, sk, v string) {
	t.Helper()
	var c struct {
		U, A string
		S, P []string
	}
	require.NoError(t, json.Unmarshal([]byte(v), &c))
	process := strings.TrimPrefix(pk, "p#")
	if c.U != "" {
		want["u#"+c.U+" n"]++
		want["u#"+c.U+" "+sk+" "+process]++
	}
	if c.A != "" {
		want["a#"+c.A+" n"]++
	}
	for _, ch := range append(c.S, c.P...) {
		want[ch+" n"]++
		want[ch+" "+sk+" "+process]++
	}
	for _, ch := range c.P {
		want[ch+" u#"+c.U]++
	}
}

func textOf(it map[string]types.AttributeValue, name string) string {
	if s, ok := it[name].(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}

func numOf(t *testing.T, it map[string]types.AttributeValue, name string) int {
	t.Helper()
	v, ok := it[name].(*types.AttributeValueMemberN)
	if !ok {
		return 0
	}
	n, err := strconv.Atoi(v.Value)
	require.NoError(t, err, fmt.Sprint(it))
	return n
}

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	lambda "github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	streamtypes "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/config"
	"github.com/runnel-sse/runnel/pkg/eventlog"
	"github.com/runnel-sse/runnel/pkg/follow"
	"github.com/runnel-sse/runnel/pkg/wire"
)

// TestChangesOfALiveTableBecomeFrames: a service writes its own table and nothing
// else. What its stream says goes through the handler of functions/changes, some
// of it twice, as Lambda does after a time-out.
func TestChangesOfALiveTableBecomeFrames(t *testing.T) {
	c := openCloud(t)
	run := fmt.Sprint(time.Now().UnixNano()) // an item that no other run has used
	table := openTable(t, run)
	server := startStream(t, c)
	ch := channel.MustParse("CommentStream:item:" + run)
	seen := watch(t, server.url, ch)

	var said bytes.Buffer
	changes, err := wire.NewChanges(t.Context(), config.Changes{EventLogTable: "EventLog"}, wire.Host{Lambda: true, Out: &said})
	require.NoError(t, err)
	deliver := func(records []lambda.DynamoDBEventRecord) {
		t.Helper()
		res, err := changes.Changes(t.Context(), lambda.DynamoDBEvent{Records: records})
		require.NoError(t, err)
		require.Empty(t, res.BatchItemFailures, "%s", &said)
	}

	table.put("c1", map[string]string{"author_name": "Ada", "text": "hello", "item_owner_id": "owner-" + run})
	table.put("c2", map[string]string{"author_name": "Bob", "text": "<b>grüße</b> 👩‍👩‍👧‍👦"})
	table.update("c1", "text", "hello again")
	table.update("c1", "likes", "1") // means nothing to readers
	table.delete("c2")
	table.update("c1", "text", "and again")
	table.delete("c1")
	first := table.changes(7)
	deliver(first[:4])
	deliver(first[:4])
	deliver(first[2:])
	deliver(first)
	table.put("c3", map[string]string{"author_name": "Cy", "text": "the end"})
	deliver(table.changes(1))

	want := []string{
		"CommentAdded c1 hello", "CommentAdded c2 <b>grüße</b> 👩‍👩‍👧‍👦", "CommentUpdated c1 hello again",
		"CommentDeleted c2 ", "CommentUpdated c1 and again", "CommentDeleted c1 ", "CommentAdded c3 the end",
	}
	require.Equal(t, want, seen.until(len(want)))
	records, err := c.log.Read(t.Context(), ch, eventlog.Position{}, 100)
	require.NoError(t, err)
	var logged []string
	for _, r := range records {
		logged = append(logged, sketch(r.Type, r.Data))
	}
	require.Equal(t, want, logged)
	owner, err := c.log.Read(t.Context(), channel.MustParse("NotificationStream:user:owner-"+run), eventlog.Position{}, 100)
	require.NoError(t, err)
	require.Len(t, owner, 1, "the owner is told once")
	require.Equal(t, "NewCommentNotification", owner[0].Type)
}

// frames are what a reader was given, one line each.
type frames struct {
	t    *testing.T
	come chan string
}

// watch reads the channel until the test ends. It returns once the reader is connected.
func watch(t *testing.T, url string, ch channel.Name) frames {
	t.Helper()
	f := frames{t: t, come: make(chan string, 100)}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	live := make(chan struct{})
	var work sync.WaitGroup
	work.Go(func() {
		once := sync.OnceFunc(func() { close(live) })
		err := follow.Follow(ctx, follow.Options{URL: url + "/sse/" + ch.Stream() + "/" + ch.Key()}, func(e follow.Event) error {
			once()
			if !e.Control || e.Type == "sse.gap" {
				f.come <- sketch(e.Type, e.Data)
			}
			return nil
		})
		if ctx.Err() == nil {
			t.Errorf("the reader gave up: %v", err)
		}
	})
	t.Cleanup(func() { stop(); work.Wait() })
	select {
	case <-live:
	case <-time.After(patience):
		t.Fatal("the reader did not connect")
	}
	return f
}

// until returns the next n frames.
func (f frames) until(n int) []string {
	f.t.Helper()
	var all []string
	for len(all) < n {
		select {
		case line := <-f.come:
			all = append(all, line)
		case <-time.After(patience):
			f.t.Fatalf("%d of %d frames came: %q", len(all), n, all)
		}
	}
	return all
}

func sketch(kind string, data []byte) string {
	var c struct {
		ID   string `json:"comment_id"`
		Text string `json:"text"`
		New  string `json:"new_text"`
	}
	if err := json.Unmarshal(data, &c); err != nil {
		return kind + ": not JSON: " + string(data)
	}
	return kind + " " + c.ID + " " + c.Text + c.New
}

// userTable is the table ExampleComments that localstack/up makes, as far as one
// item of it goes, and its stream.
type userTable struct {
	t       *testing.T
	name    string
	item    string
	client  *dynamodb.Client
	streams *dynamodbstreams.Client
	arn     string
	shards  []*string // iterators; nil: the shard is closed and read
	spare   []lambda.DynamoDBEventRecord
}

func openTable(t *testing.T, item string) *userTable {
	t.Helper()
	settings, err := awsconfig.LoadDefaultConfig(t.Context())
	require.NoError(t, err)
	u := &userTable{t: t, name: os.Getenv("EXAMPLE_TABLE"), item: item}
	u.client, u.streams = dynamodb.NewFromConfig(settings), dynamodbstreams.NewFromConfig(settings)
	require.NotEmpty(t, u.name, "EXAMPLE_TABLE is not set: localstack/run sets it")
	is, err := u.client.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: &u.name})
	require.NoError(t, err)
	var keys []string
	for _, k := range is.Table.KeySchema {
		keys = append(keys, *k.AttributeName)
	}
	require.Equal(t, []string{"item_id", "comment_id"}, keys,
		"%s has the key that events/changes.go reads; an older one goes with localstack/down", u.name)
	u.arn = aws.ToString(is.Table.LatestStreamArn)
	return u
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func (u *userTable) key(comment string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"item_id": text(u.item), "comment_id": text(comment)}
}

func (u *userTable) put(comment string, texts map[string]string) {
	u.t.Helper()
	it := u.key(comment)
	it["timestamp"] = &types.AttributeValueMemberN{Value: "1763900000"}
	for name, s := range texts {
		it[name] = text(s)
	}
	_, err := u.client.PutItem(u.t.Context(), &dynamodb.PutItemInput{TableName: &u.name, Item: it})
	require.NoError(u.t, err)
}

func (u *userTable) update(comment, attribute, value string) {
	u.t.Helper()
	_, err := u.client.UpdateItem(u.t.Context(), &dynamodb.UpdateItemInput{
		TableName: &u.name, Key: u.key(comment), UpdateExpression: aws.String("SET #a = :v"),
		ExpressionAttributeNames:  map[string]string{"#a": attribute},
		ExpressionAttributeValues: map[string]types.AttributeValue{":v": text(value)},
	})
	require.NoError(u.t, err)
}

func (u *userTable) delete(comment string) {
	u.t.Helper()
	_, err := u.client.DeleteItem(u.t.Context(), &dynamodb.DeleteItemInput{TableName: &u.name, Key: u.key(comment)})
	require.NoError(u.t, err)
}

// begin finds the beginning of the stream. DynamoDB Local knows none of a shard
// in which nothing is yet, so something has to be written before.
func (u *userTable) begin() {
	u.t.Helper()
	about, err := u.streams.DescribeStream(u.t.Context(), &dynamodbstreams.DescribeStreamInput{StreamArn: &u.arn})
	require.NoError(u.t, err)
	require.Equal(u.t, streamtypes.StreamViewTypeNewAndOldImages, about.StreamDescription.StreamViewType)
	for _, shard := range about.StreamDescription.Shards {
		it, err := u.streams.GetShardIterator(u.t.Context(), &dynamodbstreams.GetShardIteratorInput{
			StreamArn: &u.arn, ShardId: shard.ShardId, ShardIteratorType: streamtypes.ShardIteratorTypeTrimHorizon,
		})
		require.NoError(u.t, err)
		u.shards = append(u.shards, it.ShardIterator)
	}
}

// changes reads the stream until it has n more changes of the item.
func (u *userTable) changes(n int) []lambda.DynamoDBEventRecord {
	u.t.Helper()
	if u.shards == nil {
		u.begin()
	}
	require.Eventually(u.t, func() bool {
		for i, it := range u.shards {
			if it == nil {
				continue
			}
			page, err := u.streams.GetRecords(u.t.Context(), &dynamodbstreams.GetRecordsInput{ShardIterator: it})
			if err != nil {
				u.t.Errorf("read the stream: %v", err)
				return true
			}
			u.shards[i] = page.NextShardIterator
			for _, r := range page.Records {
				if id, ok := r.Dynamodb.Keys["item_id"].(*streamtypes.AttributeValueMemberS); ok && id.Value == u.item {
					u.spare = append(u.spare, asLambda(u.t, u.arn, r))
				}
			}
		}
		return len(u.spare) >= n
	}, patience, 50*time.Millisecond, "%d changes of %s", n, u.name)
	require.Len(u.t, u.spare, n)
	all := u.spare
	u.spare = nil
	return all
}

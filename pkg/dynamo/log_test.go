package dynamo_test

import (
	"crypto/rand"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/dynamo"
	"github.com/runnel-sse/runnel/pkg/eventlog"
	"github.com/runnel-sse/runnel/pkg/eventlog/batch"
	"github.com/runnel-sse/runnel/pkg/eventlog/logtest"
)

// open returns a client of the local DynamoDB, and skips the test without one.
func open(t *testing.T) *dynamodb.Client {
	t.Helper()
	if os.Getenv("AWS_ENDPOINT_URL") == "" && os.Getenv("AWS_ENDPOINT_URL_DYNAMODB") == "" {
		t.Skip("SKIPPED, NOT TESTED: no local DynamoDB; run `localstack/up`, then `localstack/run go test ./pkg/dynamo`")
	}
	cfg, err := config.LoadDefaultConfig(t.Context())
	require.NoError(t, err)
	return dynamodb.NewFromConfig(cfg)
}

// newTable makes a table of the test's own.
func newTable(t *testing.T, client *dynamodb.Client, definition func(name string) *dynamodb.CreateTableInput) string {
	t.Helper()
	name := "Test-" + rand.Text()
	_, err := client.CreateTable(t.Context(), definition(name))
	require.NoError(t, err)
	require.NoError(t, dynamodb.NewTableExistsWaiter(client).Wait(t.Context(), &dynamodb.DescribeTableInput{TableName: &name}, time.Minute))
	return name
}

func TestLog(t *testing.T) {
	client := open(t)
	logtest.Run(t, func(t *testing.T, o logtest.Options) eventlog.Log {
		return dynamo.NewLog(client, newTable(t, client, dynamo.EventLogTable), dynamo.LogOptions{Now: o.Now, Retention: o.Retention})
	})
}

// batchOf is 25 events of 300 bytes, as comments are.
func batchOf(withID bool) []eventlog.Event {
	events := make([]eventlog.Event, 25)
	for i := range events {
		data := fmt.Sprintf(`{"comment_id":"%s","item_id":"42","author_name":"Ada Lovelace","timestamp":1763900000,"text":"`, rand.Text())
		for len(data) < 298 {
			data += rand.Text()[:6] + " and so on "
		}
		events[i] = eventlog.Event{Type: "CommentAdded", Data: []byte(data[:298] + `"}`)}
		if withID {
			events[i].ID = rand.Text()
		}
	}
	return events
}

func TestWhatAnAppendCosts(t *testing.T) {
	client := open(t)
	var meter dynamo.Meter
	log := dynamo.NewLog(client, newTable(t, client, dynamo.EventLogTable), dynamo.LogOptions{Meter: &meter})
	ch := channel.MustParse("CommentStream:item:42")
	_, err := log.Append(t.Context(), ch, batchOf(false))
	require.NoError(t, err)
	meter.Take()

	_, err = log.Append(t.Context(), ch, batchOf(false))
	require.NoError(t, err)
	cost := meter.Take()
	t.Logf("25 events of 300 B: %+v", cost)
	require.Equal(t, 1, cost.Requests, "a warm append reads nothing")
	require.Zero(t, cost.RRU)
	require.LessOrEqual(t, cost.WRU, 20.0)
	require.GreaterOrEqual(t, cost.WRU, 4.0, "a transaction costs double; does this server say so?")

	_, err = log.Append(t.Context(), ch, batchOf(true))
	require.NoError(t, err)
	cost = meter.Take()
	t.Logf("and with ids: %+v", cost)
	require.Equal(t, 1, cost.Requests)
	require.LessOrEqual(t, cost.WRU, 20.0+2*25)
}

// TestWhatNoCompressionHelpsCostsNoMoreEither goes by the item's size: the local
// DynamoDB counts binary attributes by their base64.
func TestWhatNoCompressionHelpsCostsNoMoreEither(t *testing.T) {
	t.Parallel()
	events := make([]eventlog.Event, 25)
	for i := range events {
		data := make([]byte, 300)
		_, _ = rand.Read(data) // never fails
		events[i] = eventlog.Event{ID: rand.Text(), Type: "CommentAdded", Data: data}
	}
	const keys = 300 // bytes of the longest keys, attribute names and the time to live
	item := len(batch.Encode(nil, eventlog.Position{Epoch: eventlog.MaxEpoch, Seq: eventlog.MaxSeq - 25}, time.Now(), events)) + keys
	head := 2
	require.LessOrEqual(t, 2*((item+1023)/1024)+head, 20)
}

func TestWhatReadingCosts(t *testing.T) {
	client := open(t)
	var meter dynamo.Meter
	log := dynamo.NewLog(client, newTable(t, client, dynamo.EventLogTable), dynamo.LogOptions{Meter: &meter})
	var chs []channel.Name
	for i := range 100 {
		chs = append(chs, channel.MustParse(fmt.Sprintf("CommentStream:item:%d", i)))
	}
	at, err := log.Append(t.Context(), chs[0], batchOf(false))
	require.NoError(t, err)
	meter.Take()

	heads, err := log.Heads(t.Context(), chs)
	require.NoError(t, err)
	require.Len(t, heads, 1)
	require.Equal(t, 1, meter.Take().Requests, "an idle poll of 100 channels is one request")

	records, err := log.Read(t.Context(), chs[0], eventlog.Position{Epoch: at[0].Epoch}, 100)
	require.NoError(t, err)
	require.Len(t, records, 25)
	cost := meter.Take()
	require.Equal(t, 1, cost.Requests, "a page is one request")
	require.LessOrEqual(t, cost.RRU, 1.5, "10 KB, eventually consistent")
}

func TestAMissingTableSaysWhatToDo(t *testing.T) {
	client := open(t)
	log := dynamo.NewLog(client, "NoSuchTable", dynamo.LogOptions{})
	_, err := log.Heads(t.Context(), []channel.Name{channel.MustParse("CommentStream:item:42")})
	require.ErrorIs(t, err, dynamo.ErrNoTable)
	require.ErrorContains(t, err, "NoSuchTable")
	require.ErrorContains(t, err, "localstack/up")
}

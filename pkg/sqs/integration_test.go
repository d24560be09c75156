package sqs_test

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/sqs"
)

// queues makes a queue and its dead-letter queue, which end with the test.
func queues(t *testing.T, fifo bool, maxReceive int) (client *awssqs.Client, url, dead string) {
	t.Helper()
	endpoint := cmp.Or(os.Getenv("AWS_ENDPOINT_URL_SQS"), os.Getenv("AWS_ENDPOINT_URL"))
	if endpoint == "" {
		t.Skip("AWS_ENDPOINT_URL_SQS is not set: localstack/up starts a queue service and says what to set")
	}
	client = awssqs.New(awssqs.Options{
		BaseEndpoint: &endpoint, Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	attributes := map[string]string{}
	name := fmt.Sprintf("t-%d-%s", time.Now().UnixNano(), strings.ToLower(t.Name()))
	name = strings.NewReplacer("/", "-", " ", "-").Replace(name)
	name = name[:min(len(name), 60)]
	suffix := ""
	if fifo {
		attributes["FifoQueue"], suffix = "true", ".fifo"
	}
	create := func(name string) (string, string) {
		out, err := client.CreateQueue(t.Context(), &awssqs.CreateQueueInput{QueueName: aws.String(name + suffix), Attributes: attributes})
		require.NoError(t, err)
		t.Cleanup(func() {
			_, _ = client.DeleteQueue(context.Background(), &awssqs.DeleteQueueInput{QueueUrl: out.QueueUrl})
		})
		got, err := client.GetQueueAttributes(t.Context(), &awssqs.GetQueueAttributesInput{QueueUrl: out.QueueUrl, AttributeNames: []types.QueueAttributeName{"QueueArn"}})
		require.NoError(t, err)
		return aws.ToString(out.QueueUrl), got.Attributes["QueueArn"]
	}
	dead, arn := create(name + "-dead")
	attributes["RedrivePolicy"] = fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":"%d"}`, arn, maxReceive)
	url, _ = create(name)
	return client, url, dead
}

// consume runs a poller until enough says so, and returns what it was given, in order.
func consume(t *testing.T, client sqs.API, url string, fail func(body string, nth int) bool, enough func(seen []string) bool) []string {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 40*time.Second)
	defer stop()
	var mu sync.Mutex
	var seen []string
	times := map[string]int{}
	err := sqs.NewPoller(sqs.PollerConfig{
		Client: client, QueueURL: url, Wait: time.Second, Visibility: 5 * time.Second, Logger: slog.New(slog.DiscardHandler),
		Backoff: func(int) time.Duration { return 0 },
		Handle: func(_ context.Context, e events.SQSEvent) (events.SQSEventResponse, error) {
			mu.Lock()
			defer mu.Unlock()
			var resp events.SQSEventResponse
			held := false
			for _, m := range e.Records {
				times[m.Body]++
				if m.Attributes["MessageGroupId"] != "" && held || fail(m.Body, times[m.Body]) {
					held = true
					resp.BatchItemFailures = append(resp.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
					continue
				}
				seen = append(seen, m.Body)
			}
			if enough(seen) {
				stop()
			}
			return resp, nil
		},
	}).Run(ctx)
	require.NoError(t, err)
	return seen
}

func count(t *testing.T, client *awssqs.Client, url string) string {
	t.Helper()
	got, err := client.GetQueueAttributes(t.Context(), &awssqs.GetQueueAttributesInput{
		QueueUrl: &url, AttributeNames: []types.QueueAttributeName{"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"},
	})
	require.NoError(t, err)
	return got.Attributes["ApproximateNumberOfMessages"] + "+" + got.Attributes["ApproximateNumberOfMessagesNotVisible"]
}

func TestARealQueueRedrivesWhatFailedAndForgetsTheRest(t *testing.T) {
	t.Parallel()
	client, url, dead := queues(t, false, 3)
	var sent []sqs.Message
	var want []string
	for i := range 23 {
		body := fmt.Sprintf(`{"n":%d}`, i)
		sent = append(sent, sqs.Message{Body: []byte(body)})
		if i != 5 {
			want = append(want, body)
		}
	}
	require.NoError(t, sqs.NewSender(client, url).Send(t.Context(), sent...))
	poisoned := 0
	seen := consume(t, client, url, func(body string, nth int) bool {
		if body == `{"n":5}` {
			poisoned = nth
			return true
		}
		return body == `{"n":7}` && nth == 1 // a partial failure, once
	}, func(seen []string) bool { return len(seen) == 22 && poisoned == 3 })
	require.ElementsMatch(t, want, seen)
	require.Equal(t, 3, poisoned)

	// The next look at the queue moves what was received three times.
	var got []string
	require.Eventually(t, func() bool {
		if _, err := client.ReceiveMessage(t.Context(), &awssqs.ReceiveMessageInput{QueueUrl: &url}); err != nil {
			return false
		}
		out, err := client.ReceiveMessage(t.Context(), &awssqs.ReceiveMessageInput{QueueUrl: &dead})
		if err != nil {
			return false
		}
		for _, m := range out.Messages {
			got = append(got, aws.ToString(m.Body))
		}
		return len(got) > 0
	}, 20*time.Second, 100*time.Millisecond)
	require.Equal(t, []string{`{"n":5}`}, got)
	require.Equal(t, "0+0", count(t, client, url))
}

func TestARealFIFOQueueKeepsTheOrderOfAChannel(t *testing.T) {
	t.Parallel()
	client, url, _ := queues(t, true, 10)
	sender := sqs.NewSender(client, url)
	var want []string
	for i := range 15 {
		body := fmt.Sprintf(`{"n":%d}`, i)
		want = append(want, body)
		m := sqs.Message{Body: []byte(body), Channel: "CommentStream:item:42", ID: fmt.Sprint(i)}
		require.NoError(t, sender.Send(t.Context(), m))
		require.NoError(t, sender.Send(t.Context(), m), "the same once more, as after a lost answer")
	}
	seen := consume(t, client, url, func(body string, nth int) bool {
		return (body == `{"n":3}` || body == `{"n":11}`) && nth <= 2
	}, func(seen []string) bool { return len(seen) >= 15 })
	require.Equal(t, want, seen)
	require.Equal(t, "0+0", count(t, client, url))
}

func TestARealMissingQueue(t *testing.T) {
	t.Parallel()
	client, url, _ := queues(t, false, 3)
	err := sqs.NewPoller(sqs.PollerConfig{Client: client, QueueURL: url + "-nowhere"}).Run(t.Context())
	require.ErrorIs(t, err, sqs.ErrNoQueue)
	require.ErrorIs(t, sqs.NewSender(client, url+"-nowhere").Send(t.Context(), sqs.Message{Body: []byte("{}")}), sqs.ErrNoQueue)
}

// A call may carry a mebibyte, in one message or in several.
func TestARealQueueTakesAMebibyteInOneCall(t *testing.T) {
	t.Parallel()
	client, url, _ := queues(t, false, 3)
	text := func(n int) []byte { return []byte(`"` + strings.Repeat("x", n-2) + `"`) }
	require.NoError(t, sqs.NewSender(client, url).Send(t.Context(), sqs.Message{Body: text(sqs.MaxBytes)}))
	var parts []sqs.Message
	for range 4 {
		parts = append(parts, sqs.Message{Body: text(sqs.MaxBytes / 4)})
	}
	require.NoError(t, sqs.NewSender(client, url).Send(t.Context(), parts...))
	require.Equal(t, "5+0", count(t, client, url))
}

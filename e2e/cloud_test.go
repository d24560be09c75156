package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/dynamo"
	"github.com/runnel-sse/runnel/pkg/eventlog"
	"github.com/runnel-sse/runnel/pkg/follow"
	"github.com/runnel-sse/runnel/pkg/sqs"
)

// cloud is the local DynamoDB and SQS that localstack/up starts.
type cloud struct {
	log      *dynamo.Log
	registry *dynamo.Registry
	queue    *awssqs.Client
	queueURL string
	env      []string // for the programs
}

func openCloud(t *testing.T) *cloud {
	t.Helper()
	if os.Getenv("AWS_ENDPOINT_URL") == "" && os.Getenv("AWS_ENDPOINT_URL_DYNAMODB") == "" {
		t.Skip("SKIPPED, NOT TESTED: no local DynamoDB and SQS; run it with `localstack/run make test`")
	}
	settings, err := config.LoadDefaultConfig(t.Context())
	require.NoError(t, err)
	c := &cloud{queue: awssqs.NewFromConfig(settings)}
	client := dynamodb.NewFromConfig(settings)
	c.log = dynamo.NewLog(client, "EventLog", dynamo.LogOptions{})
	c.registry = dynamo.NewRegistry(client, "Subscribers", dynamo.RegistryOptions{})
	name := "events"
	out, err := c.queue.GetQueueUrl(t.Context(), &awssqs.GetQueueUrlInput{QueueName: &name})
	require.NoError(t, err)
	c.queueURL = *out.QueueUrl
	c.env = []string{
		"EVENT_LOG_TABLE=EventLog", "SUBSCRIBERS_TABLE=Subscribers", "QUEUE_URL=" + c.queueURL,
		"LOG_LEVEL=WARN",
	}
	return c
}

// startStream starts functions/stream as an ordinary HTTP server.
func startStream(t *testing.T, c *cloud) *server {
	t.Helper()
	addr := freeAddr(t)
	s := &server{url: "http://" + addr}
	s.process = process{t: t, args: []string{build(t, "functions/stream")}, env: append(c.env, "ADDR="+addr)}
	t.Cleanup(func() {
		s.kill()
		if t.Failed() {
			t.Logf("the stream server wrote last: %.4000s", s.out)
		}
	})
	s.restart()
	return s
}

// startIngest starts functions/ingest, which outside Lambda polls the queue.
func startIngest(t *testing.T, c *cloud) *process {
	t.Helper()
	p := &process{t: t, args: []string{build(t, "functions/ingest")}, env: c.env}
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("ingest wrote last: %.4000s", p.out)
		}
	})
	p.start()
	return p
}

// TestNothingIsLostThoughTheStreamServerIsKilledAgainAndAgain is the promise of
// the whole: an event that SQS accepted reaches every reader that keeps coming
// back, once and in the order of its channel.
func TestNothingIsLostThoughTheStreamServerIsKilledAgainAndAgain(t *testing.T) {
	const kills, readers, events, channels = 10, 24, 1500, 4
	c := openCloud(t)
	stream, ingest := startStream(t, c), startIngest(t, c)

	run := fmt.Sprint(time.Now().UnixNano()) // channels that no other run has used
	var chs []channel.Name
	for i := range channels {
		chs = append(chs, channel.MustParse(fmt.Sprintf("CommentStream:item:%s-%d", run, i)))
	}

	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var work sync.WaitGroup
	all := make([]*witness, readers)
	for i := range all {
		all[i] = &witness{reads: chs[i%channels : i%channels+1], got: map[string][]string{}, live: make(chan struct{})}
		if i%3 == 0 { // every third reads two of them over one connection
			all[i].reads = []channel.Name{chs[i%channels], chs[(i+1)%channels]}
		}
		work.Go(func() { all[i].follow(ctx, t, stream.url) })
	}
	for _, w := range all {
		select {
		case <-w.live:
		case <-time.After(patience):
			t.Fatal("a reader did not connect")
		}
	}

	// The load goes on for as long as the server is killed.
	sent := make(chan struct{})
	work.Go(func() {
		defer close(sent)
		sender := sqs.NewSender(c.queue, c.queueURL)
		for i := 0; i < events; i += 10 {
			var batch []sqs.Message
			for n := i; n < i+10; n++ {
				m := comment(strings.TrimPrefix(chs[n%channels].Key(), "item:"), fmt.Sprint(n))
				m["id"] = fmt.Sprintf("%s-%d", run, n)
				body, err := json.Marshal(m)
				if err != nil {
					t.Error(err)
					return
				}
				batch = append(batch, sqs.Message{Body: body})
			}
			if err := sender.Send(ctx, batch...); err != nil {
				t.Error(err)
				return
			}
			if i%100 == 0 { // sent twice, as by a service that did not hear the answer
				if err := sender.Send(ctx, batch...); err != nil {
					t.Error(err)
					return
				}
			}
			pause(ctx, 200*time.Millisecond)
		}
	})
	for i := range kills {
		pause(ctx, 2500*time.Millisecond)
		stream.kill()
		if i%3 == 1 {
			ingest.kill() // what it had taken becomes visible again
			ingest.start()
		}
		stream.restart()
	}
	<-sent

	// The log is the truth; what it says must be complete, and every reader must
	// have seen exactly that.
	truth := map[string][]string{}
	for i, ch := range chs {
		var want int
		for n := range events {
			if n%channels == i {
				want++
			}
		}
		require.Eventually(t, func() bool {
			truth[ch.String()] = readLog(t, c.log, ch)
			return len(truth[ch.String()]) >= want
		}, 3*patience, 200*time.Millisecond, "%s: %d of %d events", ch, len(truth[ch.String()]), want)
		require.Len(t, truth[ch.String()], want, "an event sent twice is stored once")
	}
	for i, w := range all {
		for _, ch := range w.reads {
			require.Eventually(t, func() bool { return w.count(ch) >= len(truth[ch.String()]) },
				patience, 50*time.Millisecond, "reader %d has %d of %d events of %s", i, w.count(ch), len(truth[ch.String()]), ch)
			require.Equal(t, truth[ch.String()], w.of(ch), "reader %d of %s", i, ch)
		}
		require.Empty(t, w.gaps(), "reader %d", i)
	}
	stop()
	work.Wait()
}

func readLog(t *testing.T, log eventlog.Log, ch channel.Name) []string {
	var texts []string
	for at := (eventlog.Position{}); ; {
		page, err := log.Read(t.Context(), ch, at, 200)
		require.NoError(t, err)
		if len(page) == 0 {
			return texts
		}
		for _, r := range page {
			texts = append(texts, textOf(r.Data))
			at = r.Position
		}
	}
}

func textOf(data []byte) string {
	var c struct{ Text string }
	if err := json.Unmarshal(data, &c); err != nil {
		return "not JSON: " + string(data)
	}
	return c.Text
}

// witness is a reader that keeps coming back and remembers what it was given.
type witness struct {
	reads []channel.Name
	live  chan struct{} // closed at the first connected
	once  sync.Once

	mu   sync.Mutex
	got  map[string][]string // texts, by channel
	lost []string
}

func (w *witness) follow(ctx context.Context, t *testing.T, url string) {
	if len(w.reads) == 1 {
		url += "/sse/" + w.reads[0].Stream() + "/" + w.reads[0].Key()
	} else {
		url += "/sse?channel=" + w.reads[0].String() + "&channel=" + w.reads[1].String()
	}
	err := follow.Follow(ctx, follow.Options{URL: url}, func(e follow.Event) error {
		w.once.Do(func() { close(w.live) })
		w.mu.Lock()
		defer w.mu.Unlock()
		switch {
		case e.Type == "sse.gap":
			w.lost = append(w.lost, string(e.Data))
		case !e.Control:
			name := e.Channel
			if name == "" {
				name = w.reads[0].String()
			}
			w.got[name] = append(w.got[name], textOf(e.Data))
		}
		return nil
	})
	if ctx.Err() == nil {
		t.Errorf("a reader gave up: %v", err)
	}
}

func (w *witness) of(ch channel.Name) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string(nil), w.got[ch.String()]...)
}

func (w *witness) count(ch channel.Name) int { return len(w.of(ch)) }

func (w *witness) gaps() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lost
}

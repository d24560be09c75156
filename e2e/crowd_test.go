package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/dynamo"
	"github.com/runnel-sse/runnel/pkg/sse"
)

// withOwn gives the programs a registry and a queue of their own: limits of an
// address count everybody on this machine, and a queue may still give a message to
// the long poll of a program that another test has killed.
func (c *cloud) withOwn(t *testing.T) *cloud {
	t.Helper()
	settings, err := config.LoadDefaultConfig(t.Context())
	require.NoError(t, err)
	client := dynamodb.NewFromConfig(settings)
	table := fmt.Sprintf("Subscribers-%d", time.Now().UnixNano())
	_, err = client.CreateTable(t.Context(), dynamo.SubscribersTable(table))
	require.NoError(t, err)
	name := fmt.Sprintf("events-%d", time.Now().UnixNano())
	queue, err := c.queue.CreateQueue(t.Context(), &awssqs.CreateQueueInput{QueueName: &name})
	require.NoError(t, err)
	own := *c
	own.registry = dynamo.NewRegistry(client, table, dynamo.RegistryOptions{})
	own.queueURL = *queue.QueueUrl
	own.env = append(append([]string(nil), c.env...), "SUBSCRIBERS_TABLE="+table, "QUEUE_URL="+own.queueURL)
	return &own
}

// refusal is a problem body.
type refusal struct {
	Type   string
	Status int
	Detail string
}

// guest is one connect: the open stream, or why there is none.
type guest struct {
	server int
	res    *http.Response
	said   refusal
}

func (g guest) in() bool { return g.res.StatusCode == http.StatusOK }

func knock(t *testing.T, client *http.Client, s *server, i int, path string) guest {
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+path, nil)
	if err != nil {
		t.Error(err)
		return guest{res: &http.Response{}}
	}
	res, err := client.Do(req)
	if err != nil {
		t.Error(err)
		return guest{res: &http.Response{}}
	}
	g := guest{server: i, res: res}
	if !g.in() {
		body, err := io.ReadAll(res.Body)
		if err == nil {
			err = json.Unmarshal(body, &g.said)
		}
		if err != nil {
			t.Errorf("status %d: %v", res.StatusCode, err)
		}
		_ = res.Body.Close()
	}
	return g
}

// TestOfACrowdAsManyGetInAsMay: 500 connect at once over 8 processes, and half of
// the processes are killed. Places are neither given twice nor lost.
func TestOfACrowdAsManyGetInAsMay(t *testing.T) {
	const processes, crowd, limit, lease = 8, 500, 50, 10 * time.Second
	c := openCloud(t).withOwn(t)
	c.env = append(c.env, fmt.Sprint("ADDRESS_LIMIT=", limit), "CONNECT_RATE=0", "LEASE="+lease.String())
	var servers []*server
	for range processes {
		servers = append(servers, startStream(t, c))
	}
	ch := channel.MustParse(fmt.Sprintf("CommentStream:item:crowd-%d", time.Now().UnixNano()))
	path := "/sse/" + ch.Stream() + "/" + ch.Key()
	transport := &http.Transport{MaxIdleConnsPerHost: crowd}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}

	var work sync.WaitGroup
	guests := make([]guest, crowd)
	for i := range guests {
		work.Go(func() { guests[i] = knock(t, client, servers[i%processes], i%processes, path) })
	}
	work.Wait()
	require.False(t, t.Failed())
	places, lost := 0, 0
	for _, g := range guests {
		if g.in() {
			t.Cleanup(func() { _ = g.res.Body.Close() })
			places++
			if g.server < processes/2 {
				lost++
			}
			continue
		}
		require.Equal(t, http.StatusTooManyRequests, g.res.StatusCode, g.said.Detail)
		require.Equal(t, "urn:runnel:problem:address-full", g.said.Type)
		require.NotEmpty(t, g.res.Header.Get("Retry-After"))
	}
	require.Equal(t, limit, places)
	counted(t, c.registry, ch, limit)

	told := knock(t, client, servers[processes-1], 0, path+"?refuse=stream")
	require.True(t, told.in(), "a native EventSource would close for good on a status")
	frame, err := sse.NewReader(told.res.Body).Next()
	require.NoError(t, err)
	require.Equal(t, "sse.refused", frame.Type)
	require.NoError(t, told.res.Body.Close())

	for _, s := range servers[:processes/2] {
		s.kill()
	}
	t.Logf("%d of %d places were those of the killed", lost, limit)
	killed, back := time.Now(), 0
	for back < lost {
		g := knock(t, client, servers[processes/2+back%(processes/2)], 0, path)
		if !g.in() {
			require.Less(t, time.Since(killed), lease+patience, "%d of %d places are free again", back, lost)
			pause(t.Context(), 200*time.Millisecond)
			continue
		}
		t.Cleanup(func() { _ = g.res.Body.Close() })
		back++
	}
	t.Logf("they were all taken again %v after the kill, with leases of %v", time.Since(killed).Round(time.Millisecond), lease)
	require.False(t, knock(t, client, servers[processes-1], 0, path).in(), "and not one more")
	_, err = c.registry.Reap(t.Context())
	require.NoError(t, err)
	counted(t, c.registry, ch, limit)
}

// counted sees that the channel's counter is so high, and equals its items.
func counted(t *testing.T, r *dynamo.Registry, ch channel.Name, want int) {
	t.Helper()
	n, err := r.Count(t.Context(), ch)
	require.NoError(t, err)
	require.Equal(t, want, n)
	list, err := r.List(t.Context(), ch, "", 2*want)
	require.NoError(t, err)
	require.Len(t, list, n, "the counter, and what it counts")
}

package ingest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	lambda "github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/events"
	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/eventlog"
	"github.com/runnel-sse/runnel/pkg/ingest"
	"github.com/runnel-sse/runnel/pkg/logic"
	"github.com/runnel-sse/runnel/pkg/memory"
)

// watched is a log that counts its appends and fails where it is told to.
type watched struct {
	eventlog.Log
	fault func(ch channel.Name) (before, after error)

	mu      sync.Mutex
	appends []string
}

func (w *watched) Append(ctx context.Context, ch channel.Name, list []eventlog.Event) ([]eventlog.Position, error) {
	w.mu.Lock()
	w.appends = append(w.appends, ch.String())
	var before, after error
	if w.fault != nil {
		before, after = w.fault(ch)
	}
	w.mu.Unlock()
	if before != nil {
		return nil, before
	}
	at, err := w.Log.Append(ctx, ch, list)
	if after != nil {
		return nil, after // stored, and the answer lost
	}
	return at, err
}

type fixture struct {
	log  *watched
	in   *ingest.Ingest
	said *bytes.Buffer // by the logger
	rung *rings
}

type rings struct {
	mu   sync.Mutex
	list map[string]uint64
}

func (r *rings) Ring(_ context.Context, ring eventlog.Ring) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list[ring.Channel.String()] = ring.Position.Seq
}
func (*rings) Listen(context.Context) <-chan eventlog.Ring { return nil }

func setup(t *testing.T, change ...func(*ingest.Config)) fixture {
	t.Helper()
	f := fixture{log: &watched{Log: memory.NewLog(memory.LogOptions{})}, said: &bytes.Buffer{}, rung: &rings{list: map[string]uint64{}}}
	c := ingest.Config{
		Log: f.log, Bell: f.rung, Catalog: &events.Catalog, Logic: events.Logic, Changes: events.CommentChanges,
		Logger: slog.New(slog.NewTextHandler(f.said, nil)),
	}
	for _, set := range change {
		set(&c)
	}
	f.in = ingest.New(c)
	return f
}

// stored is what a channel has, "TYPE id data" each.
func (f fixture) stored(t *testing.T, ch string) []string {
	t.Helper()
	records, err := f.log.Read(t.Context(), channel.MustParse(ch), eventlog.Position{}, 1000)
	require.NoError(t, err)
	var list []string
	for _, r := range records {
		list = append(list, r.Type+" "+r.ID+" "+string(r.Data))
	}
	return list
}

func (f fixture) sqs(t *testing.T, messages ...lambda.SQSMessage) []string {
	t.Helper()
	resp, err := f.in.SQS(t.Context(), lambda.SQSEvent{Records: messages})
	require.NoError(t, err)
	var failed []string
	for _, item := range resp.BatchItemFailures {
		failed = append(failed, item.ItemIdentifier)
	}
	return failed
}

func message(id, body string) lambda.SQSMessage { return lambda.SQSMessage{MessageId: id, Body: body} }

func alert(text string) string {
	return fmt.Sprintf(`{"channel":"SystemStream:all","event_type":"SystemAlert","data":{"message":%q,"severity":"info","expires_at":1}}`, text)
}

func deleted(item, comment string) string {
	return fmt.Sprintf(`{"channel":"CommentStream:item:%s","event_type":"CommentDeleted","data":{"comment_id":%q,"item_id":%q}}`, item, comment, item)
}

const (
	data    = `{"comment_id":"7","item_id":"42"}`
	itemKey = "CommentStream:item:42"
)

func TestEveryShapeIsUnderstood(t *testing.T) {
	t.Parallel()
	inner, err := json.Marshal(`{"event_type":"CommentDeleted","payload":` + data + `}`)
	require.NoError(t, err)
	for name, tc := range map[string]struct{ body, id string }{
		"broadcast":               {`{"channel":"CommentStream:item:42","event_type":"CommentDeleted","data":` + data + `}`, "m1"},
		"broadcast, its own id":   {`{"id":"own","channel":"CommentStream:item:42","event_type":"CommentDeleted","data":` + data + `}`, "own"},
		"broadcast, many lines":   {"{\n\"channel\" : \"CommentStream:item:42\",\r\n \"event_type\":\"CommentDeleted\",\"data\":{ \"comment_id\":\n\"7\",\t\"item_id\":\"42\" } }", "m1"},
		"null id":                 {`{"id":null,"channel":"CommentStream:item:42","event_type":"CommentDeleted","data":` + data + `}`, "m1"},
		"domain event":            {`{"event_type":"CommentDeleted","payload":` + data + `}`, "m1"},
		"domain event, all of it": {`{"id":"own","event_type":"CommentDeleted","payload":` + data + `,"context":{"a":1},"correlation_id":"c"}`, "own"},
		"CloudEvent":              {`{"specversion":"1.0","id":"e1","source":"/shop","type":"com.example.CommentDeleted","datacontenttype":"application/json","data":` + data + `}`, "/shop e1"},
		"CloudEvent, plain type":  {`{"specversion":"1.0","id":"e1","source":"/shop","type":"CommentDeleted","data":` + data + `}`, "/shop e1"},
		"EventBridge":             {`{"version":"0","id":"b1","detail-type":"CommentDeleted","source":"shop","account":"1","resources":[],"detail":` + data + `}`, "b1"},
		"SNS":                     {`{"Type":"Notification","MessageId":"n1","TopicArn":"arn:x","Message":` + string(inner) + `}`, "n1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := setup(t)
			require.Empty(t, f.sqs(t, message("m1", tc.body)))
			require.Empty(t, f.sqs(t, message("m1", tc.body)), "again")
			require.Equal(t, []string{"CommentDeleted " + tc.id + " " + data}, f.stored(t, itemKey))
			require.Equal(t, map[string]uint64{itemKey: 1}, f.rung.list)
		})
	}
}

func TestContextOfACloudEventIsItsAttributes(t *testing.T) {
	t.Parallel()
	var got logic.DomainEvent
	f := setup(t, func(c *ingest.Config) {
		c.Logic = func(e logic.DomainEvent) ([]logic.Broadcast, error) { got = e; return nil, nil }
	})
	require.Empty(t, f.sqs(t, message("m", `{"specversion":"1.0","id":"1","source":"s","type":"a.B","subject":"x","correlationid":"c","data":{"n":9007199254740993}}`)))
	require.Equal(t, "B", got.Type)
	require.Equal(t, "c", got.CorrelationID)
	require.Equal(t, `{"n":9007199254740993}`, string(got.Payload))
	require.JSONEq(t, `{"specversion":"1.0","id":"1","source":"s","type":"a.B","subject":"x","correlationid":"c"}`, string(got.Context))
}

func TestCloudEventsOfTwoSourcesAreTwo(t *testing.T) {
	t.Parallel()
	f := setup(t)
	event := func(source, id string) string {
		return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":%q,"type":"CommentDeleted","data":%s}`, id, source, data)
	}
	long := strings.Repeat("x", eventlog.MaxID)
	require.Empty(t, f.sqs(t, message("1", event("a", "e1")), message("2", event("b", "e1")), message("3", event("a", "e1")),
		message("4", event("a b", "c")), message("5", event("a", "b c")),
		message("6", event(long, "1")), message("7", event(long, "2")), message("8", event(long, "1"))))
	require.Len(t, f.stored(t, itemKey), 6)
}

func TestPoisonIsNamedAndTheRestIsStored(t *testing.T) {
	t.Parallel()
	envelope := `{"channel":"CommentStream:item:42","event_type":"CommentDeleted","data":`
	for name, tc := range map[string]struct{ body, reason string }{
		"empty":               {``, "not a JSON object"},
		"not JSON":            {`secret`, "not a JSON object"},
		"null":                {`null`, "not a JSON object"},
		"a list":              {`["secret"]`, "not a JSON object"},
		"unknown shape":       {`{"secret":1}`, "unknown shape: want channel"},
		"no data":             {`{"channel":"CommentStream:item:42","event_type":"CommentDeleted"}`, "a broadcast without data"},
		"no event type":       {`{"channel":"CommentStream:item:42","data":{}}`, "event_type is missing"},
		"type no string":      {`{"channel":"CommentStream:item:42","event_type":7,"data":{}}`, "event_type is not a string"},
		"id no string":        {`{"id":7,"channel":"CommentStream:item:42","event_type":"CommentDeleted","data":` + data + `}`, "id is not a string"},
		"unknown stream":      {`{"channel":"NoStream:item:42","event_type":"CommentDeleted","data":{}}`, "unknown stream"},
		"unknown event":       {`{"channel":"CommentStream:item:42","event_type":"CommentLiked","data":{}}`, "unknown event"},
		"presence":            {`{"channel":"CommentStream:item:42","event_type":"sse.joined","data":{"user":"7"}}`, "unknown event"},
		"malformed channel":   {`{"channel":"CommentStream","event_type":"CommentDeleted","data":{}}`, "want Stream:key"},
		"not of the template": {`{"channel":"CommentStream:user:42","event_type":"CommentDeleted","data":` + data + `}`, "want the form item:{item_id}"},
		"missing field":       {envelope + `{"item_id":"secret"}}`, "CommentDeleted.comment_id: missing"},
		"ill-typed field":     {envelope + `{"item_id":"42","comment_id":["secret"]}}`, "CommentDeleted.comment_id: want string, found a list"},
		"duplicate field":     {envelope + `{"item_id":"42","comment_id":"secret","comment_id":"secret"}}`, "a key stands twice"},
		"unknown domain":      {`{"event_type":"CommentLiked","payload":{"secret":1}}`, "unknown domain event"},
		"CloudEvents 2":       {`{"specversion":"2.0","id":"1","source":"s","type":"CommentDeleted","data":{}}`, "specversion is not 1.0"},
		"CloudEvent, no id":   {`{"specversion":"1.0","source":"s","type":"CommentDeleted","data":{}}`, "id is missing"},
		"CloudEvent, binary":  {`{"specversion":"1.0","id":"1","source":"s","type":"CommentDeleted","data_base64":"AA=="}`, "without data"},
		"CloudEvent, XML":     {`{"specversion":"1.0","id":"1","source":"s","type":"CommentDeleted","datacontenttype":"text/xml","data":"secret"}`, "data is not JSON"},
		"EventBridge, bare":   {`{"id":"1","detail-type":"CommentDeleted"}`, "without detail"},
		"too large":           {envelope + `{"item_id":"42","comment_id":"7","secret":"` + strings.Repeat("x", ingest.MaxMessage) + `"}}`, "at most 262144 are allowed"},
		"id too long":         {`{"id":"` + strings.Repeat("i", 129) + `","channel":"CommentStream:item:42","event_type":"CommentDeleted","data":` + data + `}`, "the id has 129 bytes"},
		"a control in the id": {`{"id":"\n","channel":"CommentStream:item:42","event_type":"CommentDeleted","data":` + data + `}`, "a control character"},
		"not UTF-8":           {envelope + "{\"item_id\":\"42\",\"comment_id\":\"\xff\"}}", "not UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := setup(t)
			require.Equal(t, []string{"bad"}, f.sqs(t, message("a", deleted("42", "1")), message("bad", tc.body), message("c", deleted("42", "2"))))
			require.Len(t, f.stored(t, itemKey), 2)
			require.Contains(t, f.said.String(), tc.reason)
			require.Contains(t, f.said.String(), "message_id=bad")
			require.NotContains(t, f.said.String(), "secret", "a log has nothing of the data")
			require.Less(t, f.said.Len(), 700)

			_, err := f.in.Publish(t.Context(), "id", []byte(tc.body))
			require.ErrorIs(t, err, ingest.ErrRefused)
		})
	}
}

func TestPoisonIsLoggedOnceNotOnceADelivery(t *testing.T) {
	t.Parallel()
	f := setup(t)
	for n := range 3 {
		m := message("bad", "x")
		m.Attributes = map[string]string{"ApproximateReceiveCount": fmt.Sprint(n + 1)}
		require.Equal(t, []string{"bad"}, f.sqs(t, m))
	}
	require.Equal(t, 1, strings.Count(f.said.String(), "ingest: refused"))
}

func TestLongestMessageIsTaken(t *testing.T) {
	t.Parallel()
	f := setup(t)
	body := `{"channel":"CommentStream:item:42","event_type":"CommentDeleted","data":{"comment_id":"7","item_id":"42","x":""}}`
	body = strings.Replace(body, `"x":""`, `"x":"`+strings.Repeat("y", ingest.MaxMessage-len(body))+`"`, 1)
	require.Len(t, body, ingest.MaxMessage)
	require.Empty(t, f.sqs(t, message("m", body)))
	require.Len(t, f.stored(t, itemKey), 1)
	require.Equal(t, []string{"m"}, f.sqs(t, message("m", body+" ")))
}

func TestOneAppendForEachChannelInTheOrderOfTheBatch(t *testing.T) {
	t.Parallel()
	f := setup(t)
	var batch []lambda.SQSMessage
	for i := range 30 {
		batch = append(batch, message(fmt.Sprint("m", i), deleted(fmt.Sprint(40+i%3), fmt.Sprint(i))))
	}
	require.Empty(t, f.sqs(t, batch...))
	require.ElementsMatch(t, []string{"CommentStream:item:40", "CommentStream:item:41", "CommentStream:item:42"}, f.log.appends)
	for k := range 3 {
		got := f.stored(t, fmt.Sprint("CommentStream:item:", 40+k))
		require.Len(t, got, 10)
		for j, e := range got {
			require.Contains(t, e, fmt.Sprintf(`"comment_id":"%d"`, 3*j+k))
		}
	}
	require.Empty(t, f.sqs(t), "an empty batch")
}

func TestSeveralBroadcastsOfOneMessageHaveStableIDs(t *testing.T) {
	t.Parallel()
	f := setup(t, func(c *ingest.Config) {
		c.Logic = func(logic.DomainEvent) ([]logic.Broadcast, error) {
			var all []logic.Broadcast
			for i, ch := range []string{itemKey, itemKey, "CommentStream:item:43", itemKey} {
				all = append(all, logic.Broadcast{Channel: ch, EventType: "CommentDeleted", Data: fmt.Appendf(nil, `{"comment_id":"%d","item_id":"42"}`, i)})
			}
			return all, nil
		}
	})
	for range 3 {
		require.Empty(t, f.sqs(t, message("m", `{"event_type":"X","payload":{}}`)))
	}
	got := f.stored(t, itemKey)
	require.Len(t, got, 3)
	require.True(t, strings.HasPrefix(got[0], "CommentDeleted m "), got[0])
	require.Len(t, f.stored(t, "CommentStream:item:43"), 1)
}

func TestAPanicOfTheLogicIsOneMessagesFault(t *testing.T) {
	t.Parallel()
	f := setup(t, func(c *ingest.Config) {
		c.Logic = func(e logic.DomainEvent) ([]logic.Broadcast, error) {
			if e.Type == "Boom" {
				panic("secret")
			}
			return events.Logic(e)
		}
	})
	require.Equal(t, []string{"b"}, f.sqs(t, message("a", deleted("42", "1")), message("b", `{"event_type":"Boom","payload":{}}`), message("c", deleted("42", "2"))))
	require.Len(t, f.stored(t, itemKey), 2)
	require.Contains(t, f.said.String(), "panic")
	require.NotContains(t, f.said.String(), "secret")
}

func failing(names ...string) func(channel.Name) (error, error) {
	return func(ch channel.Name) (error, error) {
		for _, n := range names {
			if ch.String() == n {
				return eventlog.ErrUnavailable, nil
			}
		}
		return nil, nil
	}
}

func TestAMessageFailsWithOneOfItsChannels(t *testing.T) {
	t.Parallel()
	f := setup(t)
	f.log.fault = failing("NotificationStream:user:u1")
	added := `{"event_type":"CommentAdded","context":{"item_owner_id":"u1"},"payload":{"comment_id":"7","item_id":"42","author_name":"A","text":"t","timestamp":1}}`
	batch := []lambda.SQSMessage{message("a", deleted("42", "1")), message("b", added), message("c", deleted("42", "2")), message("d", alert("x"))}
	require.Equal(t, []string{"b"}, f.sqs(t, batch...))
	require.Contains(t, f.said.String(), "level=WARN")
	f.log.fault = nil
	require.Empty(t, f.sqs(t, batch[1]))
	require.Len(t, f.stored(t, itemKey), 3, "the half that was stored is not stored again")
	require.Len(t, f.stored(t, "NotificationStream:user:u1"), 1)
}

func TestFIFOGroupsAreHeldAfterAFailureNotAfterPoison(t *testing.T) {
	t.Parallel()
	f := setup(t)
	f.log.fault = failing("CommentStream:item:1")
	m := func(id, group, body string) lambda.SQSMessage {
		return lambda.SQSMessage{
			MessageId: id, Body: body, Attributes: map[string]string{"MessageGroupId": group},
			EventSourceARN: "arn:aws:sqs:eu-west-1:1:events.fifo",
		}
	}
	batch := []lambda.SQSMessage{
		m("a1", "a", deleted("2", "1")), m("b1", "b", "poison"), m("a2", "a", deleted("1", "2")),
		m("a3", "a", deleted("2", "3")), m("b2", "b", deleted("2", "4")), m("c1", "c", deleted("2", "5")),
	}
	require.Equal(t, []string{"b1", "a2", "a3"}, f.sqs(t, batch...))
	for i := range batch { // groups of a standard queue are for fairness
		batch[i].EventSourceARN = "arn:aws:sqs:eu-west-1:1:events"
	}
	require.Equal(t, []string{"b1", "a2"}, f.sqs(t, batch...))
}

func TestPublishSaysWhereItIs(t *testing.T) {
	t.Parallel()
	f := setup(t)
	body := []byte(`{"event_type":"CommentAdded","context":{"item_owner_id":"u1"},"payload":{"comment_id":"7","item_id":"42","author_name":"A","text":"t","timestamp":1}}`)
	first, err := f.in.Publish(t.Context(), "p1", body)
	require.NoError(t, err)
	require.Len(t, first, 2)
	require.Equal(t, itemKey, first[0].Channel.String())
	require.Equal(t, uint64(1), first[0].Position.Seq)
	require.Equal(t, "NewCommentNotification", first[1].Event.Type)
	again, err := f.in.Publish(t.Context(), "p1", body)
	require.NoError(t, err)
	require.Equal(t, first, again)

	f.log.fault = failing(itemKey)
	half, err := f.in.Publish(t.Context(), "p2", body)
	require.ErrorIs(t, err, eventlog.ErrUnavailable)
	require.False(t, errors.Is(err, ingest.ErrRefused))
	require.Len(t, half, 1)
}

func TestTheBellSaysTheNewestPosition(t *testing.T) {
	t.Parallel()
	f := setup(t)
	require.Empty(t, f.sqs(t, message("a", deleted("42", "1"))))
	require.Empty(t, f.sqs(t, message("b", deleted("42", "2")), message("c", deleted("42", "3")), message("a", deleted("42", "1"))))
	require.Equal(t, map[string]uint64{itemKey: 3}, f.rung.list)
}

func FuzzPublish(f *testing.F) {
	for _, seed := range []string{
		deleted("42", "1"), alert("x"), `{"event_type":"CommentAdded","context":{"item_owner_id":"u1"},"payload":{"comment":{"comment_id":"7","item_id":"42","author_name":"A","text":"t","timestamp":1}}}`,
		`{"specversion":"1.0","id":"1","source":"s","type":"a.CommentDeleted","data":` + data + `}`,
		`{"id":"1","detail-type":"CommentDeleted","detail":` + data + `}`,
		`{"Type":"Notification","MessageId":"n","TopicArn":"x","Message":"{}"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		fx := setup(t)
		stored, err := fx.in.Publish(t.Context(), "id", body)
		if err != nil {
			require.ErrorIs(t, err, ingest.ErrRefused, "the log does not fail, so the message is at fault")
			require.Empty(t, stored)
			return
		}
		for _, s := range stored {
			require.NoError(t, s.Event.Validate())
			require.NoError(t, events.Catalog.Check(s.Channel.Stream(), s.Event.Type, s.Event.Data))
			require.NotContains(t, string(s.Event.Data), "\n")
		}
	})
}

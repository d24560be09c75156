package ingest_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	lambda "github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/eventlog"
	"github.com/runnel-sse/runnel/pkg/ingest"
)

// queue is a model of SQS: at least once, invisible while in hand, into the
// dead-letter queue after three receives that did not end in a delete; with
// groups, in order within each. Time is the number of its steps.
type queue struct {
	rng      *rand.Rand
	fifo     bool
	waiting  []*queued // in the order of sending
	dead     []*queued
	now      int
	doubled  int
	received int
}

type queued struct {
	id, group, body string
	received        int
	visible         int // from when on
}

const maxReceive = 3

func (q *queue) receive() []*queued {
	var batch []*queued
	blocked := map[string]bool{}
	for _, m := range slices.Clone(q.waiting) {
		switch {
		case len(batch) == 10:
			return batch
		case m.visible > q.now:
			blocked[m.group] = q.fifo
			continue
		case blocked[m.group]:
			continue
		case !q.fifo && q.rng.IntN(3) == 0:
			continue // a standard queue shows what it likes
		}
		m.received++
		if m.received > maxReceive {
			q.remove(m)
			q.dead = append(q.dead, m)
			continue
		}
		m.visible = q.now + 5
		batch = append(batch, m)
		q.received++
		if !q.fifo && q.rng.IntN(20) == 0 { // at least once, even in one batch
			batch = append(batch, m)
			q.doubled++
		}
	}
	if !q.fifo {
		q.rng.Shuffle(len(batch), func(i, j int) { batch[i], batch[j] = batch[j], batch[i] })
	}
	return batch
}

func (q *queue) remove(m *queued) {
	q.waiting = slices.DeleteFunc(q.waiting, func(o *queued) bool { return o == m })
}

// settle does what SQS does with the function's answer. A crash of the function,
// or a delete that is lost, means that stored messages come again.
func (q *queue) settle(batch []*queued, failed []string, crashed bool) {
	for _, m := range batch {
		switch {
		case crashed:
			// comes again when its time is over
		case slices.Contains(failed, m.id):
			m.visible = q.now + 1 + q.rng.IntN(3)
			if q.fifo {
				m.visible = q.now + 2
			}
		case !q.fifo && m.received < maxReceive && q.rng.IntN(15) == 0:
			// the delete was lost
		default:
			q.remove(m)
		}
	}
}

func TestEveryAcceptedMessageIsStoredOnceWhateverTheQueueDoes(t *testing.T) {
	t.Parallel()
	for _, fifo := range []bool{false, true} {
		for seed := range uint64(40) {
			t.Run(fmt.Sprintf("fifo=%v seed=%d", fifo, seed), func(t *testing.T) {
				t.Parallel()
				simulate(t, fifo, seed)
			})
		}
	}
}

func simulate(t *testing.T, fifo bool, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 1))
	// One append at a time, so that a seed is a course of events.
	f := setup(t, func(c *ingest.Config) { c.Parallel = 1 })
	troubled := true
	f.log.fault = func(channel.Name) (before, after error) {
		if !troubled {
			return nil, nil
		}
		switch rng.IntN(6) {
		case 0:
			return eventlog.ErrContended, nil
		case 1:
			return nil, fmt.Errorf("stored, but the answer was lost: %w", eventlog.ErrUnavailable)
		}
		return nil, nil
	}
	q := &queue{rng: rng, fifo: fifo}
	want := map[string][]string{} // channel → ids in the order of sending
	poison := map[string]bool{}
	for i := range 120 {
		id := fmt.Sprintf("m%03d", i)
		item := fmt.Sprint(q.rng.IntN(4))
		m := &queued{id: id, group: item}
		switch q.rng.IntN(8) {
		case 0:
			m.body, poison[id] = "poison", true
		case 1:
			m.body = fmt.Sprintf(`{"event_type":"CommentAdded","context":{"item_owner_id":"u%s"},"payload":{"comment_id":%q,"item_id":%q,"author_name":"","text":"","timestamp":1}}`, item, id, item)
			want["NotificationStream:user:u"+item] = append(want["NotificationStream:user:u"+item], id)
			want["CommentStream:item:"+item] = append(want["CommentStream:item:"+item], id)
		default:
			m.body = deleted(item, id)
			want["CommentStream:item:"+item] = append(want["CommentStream:item:"+item], id)
		}
		q.waiting = append(q.waiting, m)
	}
	drain(t, f, q, poison, &troubled)

	var dead []string
	for _, m := range q.dead {
		dead = append(dead, m.id)
	}
	require.Len(t, dead, len(poison), "poison, and nothing else, is dead")
	for _, id := range dead {
		require.True(t, poison[id])
	}
	for ch, ids := range want {
		var got []string
		for _, e := range f.stored(t, ch) {
			got = append(got, strings.Fields(e)[1])
		}
		if fifo {
			require.Equal(t, ids, got, ch)
		} else {
			require.ElementsMatch(t, ids, got, ch)
		}
	}
	require.Greater(t, q.received, 120, "there were redeliveries")
}

func drain(t *testing.T, f fixture, q *queue, poison map[string]bool, troubled *bool) {
	for step := 0; len(q.waiting) > 0; step++ {
		require.Less(t, step, 5000, "the queue does not drain")
		q.now++
		batch := q.receive()
		if len(batch) == 0 {
			continue
		}
		event := make([]lambda.SQSMessage, len(batch))
		for i, m := range batch {
			event[i] = lambda.SQSMessage{
				MessageId: m.id, Body: m.body,
				Attributes: map[string]string{"MessageGroupId": m.group, "ApproximateReceiveCount": fmt.Sprint(m.received)},
			}
			event[i].EventSourceARN = "arn:aws:sqs:x:1:q"
			if q.fifo {
				event[i].EventSourceARN += ".fifo"
			}
		}
		// An outage that outlasts all receives of a message is no fault of this
		// package: such a message is in the dead-letter queue, where it belongs.
		last := slices.ContainsFunc(batch, func(m *queued) bool { return m.received == maxReceive && !poison[m.id] })
		*troubled = !last && q.rng.IntN(4) > 0
		failed := f.sqs(t, event...)
		q.settle(batch, failed, !last && q.rng.IntN(12) == 0)
	}
}

package sqs_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/sqs"
)

func TestSenderFillsItsCalls(t *testing.T) {
	t.Parallel()
	f := &fake{}
	var messages []sqs.Message
	for i := range 23 {
		messages = append(messages, sqs.Message{Body: fmt.Append(nil, i), Channel: "A:b", ID: "x"})
	}
	big := sqs.Message{Body: []byte(strings.Repeat("x", sqs.MaxBytes))}
	messages = append(messages, big, big)
	require.NoError(t, sqs.NewSender(f, "http://x/q").Send(t.Context(), messages...))
	var sizes []int
	n := 0
	for _, call := range f.sent {
		sizes = append(sizes, len(call))
		for _, e := range call {
			require.Equal(t, string(messages[n].Body), aws.ToString(e.MessageBody))
			require.Nil(t, e.MessageGroupId, "a standard queue has no order to keep")
			n++
		}
	}
	require.Equal(t, []int{10, 10, 3, 1, 1}, sizes)

	f.sent = nil
	big.Body = append(big.Body, 'x')
	err := sqs.NewSender(f, "http://x/q").Send(t.Context(), messages[0], big)
	require.ErrorIs(t, err, sqs.ErrTooLarge)
	require.ErrorContains(t, err, "message 2")
	require.Empty(t, f.sent, "nothing is sent")
}

func TestSenderGroupsByChannelInAFIFOQueue(t *testing.T) {
	t.Parallel()
	f := &fake{}
	long := "S:" + strings.Repeat("k", 128)
	require.NoError(t, sqs.NewSender(f, "http://x/q.fifo").Send(
		t.Context(), sqs.Message{Channel: "S:a", ID: "1"}, sqs.Message{Channel: "S:b", ID: "1"}, sqs.Message{Channel: "S:a", ID: "1"},
		sqs.Message{Channel: long, ID: "é"}, sqs.Message{}, sqs.Message{}))
	sent := f.sent[0]
	group := func(i int) string { return aws.ToString(sent[i].MessageGroupId) }
	dedup := func(i int) string { return aws.ToString(sent[i].MessageDeduplicationId) }
	require.Equal(t, "S:a", group(0))
	require.Equal(t, "S:a/1", dedup(0))
	require.NotEqual(t, dedup(0), dedup(1), "the same id on another channel is another event")
	require.Equal(t, dedup(0), dedup(2))
	require.Len(t, group(3), 64)
	require.Len(t, dedup(3), 64)
	require.NotEqual(t, dedup(4), dedup(5), "without an id, each is taken")
	require.NotEmpty(t, group(4))
}

func messages(channel string, ids ...string) []sqs.Message {
	var all []sqs.Message
	for _, id := range ids {
		all = append(all, sqs.Message{Body: []byte(id), Channel: channel, ID: id})
	}
	return all
}

func bodies(call []types.SendMessageBatchRequestEntry) string {
	var all []string
	for _, e := range call {
		all = append(all, aws.ToString(e.MessageBody))
	}
	return strings.Join(all, " ")
}

func TestSenderSendsAgainWhatTheQueueDidNotTake(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fake{refuse: func(call int, body string) (string, bool) {
			if body == "b" && call < 3 || body == "c" && call < 2 {
				return "InternalError", false
			}
			return "", false
		}}
		began := time.Now()
		require.NoError(t, sqs.NewSender(f, "http://x/q.fifo").Send(t.Context(), append(messages("A:x", "a", "b", "c"), sqs.Message{Body: []byte("c")})...))
		require.Len(t, f.sent, 3)
		require.Equal(t, []string{"a b c c", "b c c", "b"}, []string{bodies(f.sent[0]), bodies(f.sent[1]), bodies(f.sent[2])})
		require.Equal(t, f.sent[0][3].MessageDeduplicationId, f.sent[1][2].MessageDeduplicationId, "the second try is the same message")
		require.Greater(t, time.Since(began), 100*time.Millisecond, "not at once")
	})
}

func TestSenderReturnsByIDWhatWasNotTaken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fake{refuse: func(_ int, body string) (string, bool) {
			switch body {
			case "bad":
				return "InvalidMessageContents", true
			case "slow":
				return "InternalError", false
			}
			return "", false
		}}
		all := append(messages("A:x", "a", "bad", "b"), messages("A:y", "slow", "c", "d", "e", "f", "g", "h")...)
		all = append(all, messages("A:x", "later")...)
		all = append(all, messages("A:z", "other")...)
		err := sqs.NewSender(f, "http://x/q.fifo").Send(t.Context(), all...)
		unsent, ok := errors.AsType[*sqs.Unsent](err)
		require.True(t, ok)
		require.Equal(t, []sqs.Refused{
			{Index: 1, ID: "bad", Channel: "A:x", Reason: "InvalidMessageContents: try later", Final: true},
			{Index: 3, ID: "slow", Channel: "A:y", Reason: "InternalError: try later"},
			{Index: 10, ID: "later", Channel: "A:x", Reason: "held back, since an earlier one of its channel was not taken"},
		}, unsent.Messages)
		require.ErrorContains(t, err, "sqs: 3 of 12 messages were not taken, the first: message 2 (id bad): InvalidMessageContents: try later")
		require.Len(t, f.sent, sqs.MaxAttempts+1, "what is the sender's own fault is not tried again")
		require.Equal(t, "slow", bodies(f.sent[1]))
		require.Equal(t, "other", bodies(f.sent[sqs.MaxAttempts]))
	})
}

func TestSenderStopsWithItsContextAndSaysWhatIsLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fake{refuse: func(_ int, body string) (string, bool) { return "InternalError", false }}
		ctx, cancel := context.WithTimeout(t.Context(), 120*time.Millisecond)
		defer cancel()
		began := time.Now()
		err := sqs.NewSender(f, "http://x/q").Send(ctx, messages("A:x", "a", "b")...)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 120*time.Millisecond, time.Since(began))
		unsent, _ := errors.AsType[*sqs.Unsent](err)
		require.Len(t, unsent.Messages, 2)
	})
}

func TestSenderReturnsAllThatFollowsACallThatFailed(t *testing.T) {
	t.Parallel()
	fault := errors.New("no route")
	var all []sqs.Message
	for i := range 23 {
		all = append(all, messages("A:x", fmt.Sprint(i))...)
	}
	f := &fake{sendErr: fault}
	err := sqs.NewSender(f, "http://x/q").Send(t.Context(), all...)
	require.ErrorIs(t, err, fault)
	unsent, _ := errors.AsType[*sqs.Unsent](err)
	require.Len(t, unsent.Messages, 23)
	require.Len(t, f.sent, 1)
}

package sqs_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/sqs"
)

func config(f *fake, handle sqs.Handler) sqs.PollerConfig {
	return sqs.PollerConfig{Client: f, QueueURL: "http://x/q", Handle: handle, Logger: slog.New(slog.DiscardHandler)}
}

func failed(ids ...string) events.SQSEventResponse {
	var resp events.SQSEventResponse
	for _, id := range ids {
		resp.BatchItemFailures = append(resp.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: id})
	}
	return resp
}

func TestPollerDeletesWhatIsDoneAndHandsBackTheRest(t *testing.T) {
	t.Parallel()
	batch := []types.Message{msg("a", "1", ""), msg("b", "1", "g"), msg("c", "3", "g"), msg("d", "1", ""), msg("e", "99", "")}
	for name, tc := range map[string]struct {
		handle  sqs.Handler
		deleted []string
		handed  map[string]int32
	}{
		"some": {
			func(context.Context, events.SQSEvent) (events.SQSEventResponse, error) {
				return failed("b", "c", "d", "e"), nil
			},
			[]string{"r-a"},
			map[string]int32{"r-b": 4, "r-c": 4, "r-d": 1, "r-e": 60}, // a group waits for its last
		},
		"none": {
			func(context.Context, events.SQSEvent) (events.SQSEventResponse, error) { return failed(), nil },
			[]string{"r-a", "r-b", "r-c", "r-d", "r-e"},
			nil,
		},
		"an error": {
			func(context.Context, events.SQSEvent) (events.SQSEventResponse, error) {
				return failed("a"), errors.New("x")
			},
			nil,
			map[string]int32{"r-a": 1, "r-b": 4, "r-c": 4, "r-d": 1, "r-e": 60},
		},
		"a panic": {
			func(context.Context, events.SQSEvent) (events.SQSEventResponse, error) { panic("x") },
			nil,
			map[string]int32{"r-a": 1, "r-b": 4, "r-c": 4, "r-d": 1, "r-e": 60},
		},
		"an unknown name": {
			func(context.Context, events.SQSEvent) (events.SQSEventResponse, error) { return failed("zz"), nil },
			nil,
			map[string]int32{"r-a": 1, "r-b": 4, "r-c": 4, "r-d": 1, "r-e": 60},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := &fake{batches: [][]types.Message{batch}}
				ctx, stop := context.WithTimeout(t.Context(), time.Minute)
				defer stop()
				require.NoError(t, sqs.NewPoller(config(f, tc.handle)).Run(ctx))
				require.Equal(t, tc.deleted, f.deleted)
				require.Equal(t, tc.handed, f.handed)
			})
		})
	}
}

func TestPollerShowsWhatLambdaShows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fake{batches: [][]types.Message{{msg("a", "2", "g")}}}
		var got events.SQSEvent
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		require.NoError(t, sqs.NewPoller(config(f, func(_ context.Context, e events.SQSEvent) (events.SQSEventResponse, error) {
			got = e
			return failed(), nil
		})).Run(ctx))
		require.Equal(t, []events.SQSMessage{{
			MessageId: "a", ReceiptHandle: "r-a", Body: "{}", EventSource: "aws:sqs", EventSourceARN: "arn:aws:sqs:eu-west-1:1:q",
			Attributes:        map[string]string{"ApproximateReceiveCount": "2", "MessageGroupId": "g"},
			MessageAttributes: map[string]events.SQSMessageAttribute{},
		}}, got.Records)
	})
}

func TestPollerFinishesTheBatchInHand(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fake{batches: [][]types.Message{{msg("a", "1", "")}, {msg("b", "1", "")}}}
		ctx, stop := context.WithCancel(t.Context())
		handled := 0
		require.NoError(t, sqs.NewPoller(config(f, func(ctx context.Context, _ events.SQSEvent) (events.SQSEventResponse, error) {
			handled++
			stop()
			select {
			case <-time.After(10 * time.Second):
			case <-ctx.Done():
				return failed(), ctx.Err()
			}
			return failed(), nil
		})).Run(ctx))
		require.Equal(t, 1, handled)
		require.Equal(t, []string{"r-a"}, f.deleted)
	})
}

func TestPollerBoundsABatchByItsVisibility(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fake{batches: [][]types.Message{{msg("a", "1", "")}}}
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		start := time.Now()
		c := config(f, func(ctx context.Context, _ events.SQSEvent) (events.SQSEventResponse, error) {
			<-ctx.Done()
			require.Equal(t, 7*time.Second, time.Since(start))
			return failed(), ctx.Err()
		})
		c.Visibility = 7 * time.Second
		require.NoError(t, sqs.NewPoller(c).Run(ctx))
		require.Empty(t, f.deleted)
	})
}

func TestPollersWorkAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fake{batches: [][]types.Message{{msg("a", "1", "")}, {msg("b", "1", "")}, {msg("c", "1", "")}}}
		var busy, most atomic.Int32
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		c := config(f, func(context.Context, events.SQSEvent) (events.SQSEventResponse, error) {
			most.Store(max(most.Load(), busy.Add(1)))
			defer busy.Add(-1)
			time.Sleep(time.Second) // on the bubble's clock
			return failed(), nil
		})
		c.Pollers = 2
		require.NoError(t, sqs.NewPoller(c).Run(ctx))
		require.Equal(t, int32(2), most.Load())
		require.Len(t, f.deleted, 3)
	})
}

func TestPollerTriesAgainLaterAndLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fault := errors.New("no route")
		f := &fake{errs: []error{fault, fault, fault}, batches: [][]types.Message{{msg("a", "1", "")}}}
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		require.NoError(t, sqs.NewPoller(config(f, func(context.Context, events.SQSEvent) (events.SQSEventResponse, error) {
			return failed(), nil
		})).Run(ctx))
		require.Equal(t, []string{"r-a"}, f.deleted)
		for i, most := range []time.Duration{1, 2, 4} {
			pause := f.received[i+1].Sub(f.received[i])
			require.GreaterOrEqual(t, pause, most*time.Second/2)
			require.Less(t, pause, most*time.Second)
		}
	})
}

func TestAMissingQueueIsOneLineThatSaysWhatToDo(t *testing.T) {
	t.Parallel()
	missing := fmt.Errorf("operation error SQS: %w", &types.QueueDoesNotExist{})
	nothing := func(context.Context, events.SQSEvent) (events.SQSEventResponse, error) { return failed(), nil }
	check := func(err error) {
		require.ErrorIs(t, err, sqs.ErrNoQueue)
		require.ErrorContains(t, err, "http://x/q: create it (localstack/up")
		require.NotContains(t, err.Error(), "\n")
	}
	check(sqs.NewPoller(config(&fake{attrErr: missing}, nothing)).Run(t.Context()))
	check(sqs.NewPoller(config(&fake{errs: []error{missing}}, nothing)).Run(t.Context())) // deleted under way
	check(sqs.NewSender(&fake{sendErr: missing}, "http://x/q").Send(t.Context(), sqs.Message{Body: []byte("{}")}))
}

package ingest_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"

	app "github.com/runnel-sse/runnel/events"
	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/command"
	"github.com/runnel-sse/runnel/pkg/ingest"
	"github.com/runnel-sse/runnel/pkg/memory"
)

// obeying is an Ingest that takes orders, and all that it was ordered.
func obeying(fault error) (*ingest.Ingest, *[]command.Order) {
	var given []command.Order
	return ingest.New(ingest.Config{
		Log: memory.NewLog(memory.LogOptions{}), Catalog: &app.Catalog, Logic: app.Logic,
		Orders: func(_ context.Context, o command.Order) error { given = append(given, o); return fault },
	}), &given
}

func TestAMessageMayBeAnOrder(t *testing.T) {
	t.Parallel()
	until := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for name, tc := range map[string]struct {
		body string
		want command.Order
	}{
		"a user":       {`{"command":"kick","user":"7","until":"2026-01-02T03:04:05Z","reason":"spam"}`, command.Order{ID: "m-1", User: "7", Until: until, Reason: "spam"}},
		"a channel":    {`{"command":"kick","channel":"CommentStream:item:1","id":"k-1"}`, command.Order{ID: "k-1", Channel: channel.MustParse("CommentStream:item:1")}},
		"a connection": {`{"command":"kick","connection":"p.c"}`, command.Order{ID: "m-1", Connection: "p.c"}},
		"in again":     {`{"command":"allow","user":"7"}`, command.Order{ID: "m-1", User: "7", Lift: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in, given := obeying(nil)
			stored, err := in.Publish(t.Context(), "m-1", []byte(tc.body))
			require.NoError(t, err)
			require.Empty(t, stored)
			require.Equal(t, []command.Order{tc.want}, *given)
		})
	}
}

func TestAnOrderThatIsWrongIsRefused(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ body, fault string }{
		"nobody":             {`{"command":"kick"}`, "name one user, channel or connection"},
		"two":                {`{"command":"kick","user":"7","channel":"CommentStream:item:1"}`, "name one user"},
		"an empty user":      {`{"command":"kick","user":""}`, "name one user"},
		"unknown command":    {`{"command":"ban","user":"7"}`, `unknown command "ban": want kick or allow`},
		"a misspelt member":  {`{"command":"kick","user":"7","untill":"2026-01-02T03:04:05Z"}`, `no member "untill"`},
		"no time":            {`{"command":"kick","user":"7","until":"10m"}`, "2026-01-02T15:04:05Z"},
		"a number":           {`{"command":"kick","user":7}`, "user is not a string"},
		"a broken channel":   {`{"command":"kick","channel":"CommentStream"}`, "want Stream:key"},
		"an unknown stream":  {`{"command":"kick","channel":"NowhereStream:a:1"}`, "unknown stream"},
		"a mailbox":          {`{"command":"kick","channel":"Runnel:process:p"}`, "unknown stream"},
		"another form":       {`{"command":"kick","channel":"CommentStream:user:1"}`, "item:{item_id}"},
		"no connection":      {`{"command":"kick","connection":"p"}`, "stream's first event"},
		"a connection, long": {`{"command":"kick","connection":"p.c","until":"2026-01-02T03:04:05Z"}`, "name its user"},
		"lifted until":       {`{"command":"allow","user":"7","until":"2026-01-02T03:04:05Z"}`, "neither a time nor a reason"},
		"a reason on lines":  {`{"command":"kick","user":"7","reason":"a\nb"}`, "reason"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in, given := obeying(nil)
			_, err := in.Publish(t.Context(), "m-1", []byte(tc.body))
			require.ErrorIs(t, err, ingest.ErrRefused)
			require.ErrorContains(t, err, tc.fault)
			require.Empty(t, *given)
		})
	}
	none := ingest.New(ingest.Config{Log: memory.NewLog(memory.LogOptions{}), Catalog: &app.Catalog, Logic: app.Logic})
	_, err := none.Publish(t.Context(), "", []byte(`{"command":"kick","user":"7"}`))
	require.ErrorIs(t, err, ingest.ErrRefused)
	require.ErrorContains(t, err, "not taken here")
}

// TestAnOrderThatFailedComesAgain, and holds up nothing else of its batch.
func TestAnOrderThatFailedComesAgain(t *testing.T) {
	t.Parallel()
	in, given := obeying(errors.New("registry down"))
	res, err := in.SQS(t.Context(), events.SQSEvent{Records: []events.SQSMessage{
		{MessageId: "m-1", Body: `{"command":"kick","user":"7"}`},
		{MessageId: "m-2", Body: `{"channel":"CommentStream:item:1","event_type":"CommentDeleted","data":{"comment_id":"1","item_id":"1"}}`},
	}})
	require.NoError(t, err)
	require.Equal(t, []events.SQSBatchItemFailure{{ItemIdentifier: "m-1"}}, res.BatchItemFailures)
	require.Len(t, *given, 1)
}

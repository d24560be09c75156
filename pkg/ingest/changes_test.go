package ingest_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	lambda "github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/ingest"
	"github.com/runnel-sse/runnel/pkg/logic"
)

// record is a change as Lambda delivers it.
func record(t *testing.T, seq, kind, image string) lambda.DynamoDBEventRecord {
	t.Helper()
	var r lambda.DynamoDBEventRecord
	text := fmt.Sprintf(`{"eventID":"id-%s","eventName":%q,"eventSourceARN":"arn:aws:dynamodb:eu-west-1:1:table/ExampleComments/stream/2026",
		"dynamodb":{"ApproximateCreationDateTime":1763900000,"SequenceNumber":%q,"Keys":{"item_id":{"S":"42"},"comment_id":{"S":%q}},%s}}`,
		seq, kind, seq, seq, image)
	require.NoError(t, json.Unmarshal([]byte(text), &r))
	return r
}

func inserted(t *testing.T, seq, item string) lambda.DynamoDBEventRecord {
	return record(t, seq, "INSERT", fmt.Sprintf(
		`"NewImage":{"item_id":{"S":%q},"comment_id":{"S":%q},"author_name":{"S":"A"},"text":{"S":"t"},"timestamp":{"N":"9007199254740993"}}`, item, seq))
}

func (f fixture) changes(t *testing.T, records ...lambda.DynamoDBEventRecord) []lambda.DynamoDBBatchItemFailure {
	t.Helper()
	resp, err := f.in.Changes(t.Context(), lambda.DynamoDBEvent{Records: records})
	require.NoError(t, err)
	return resp.BatchItemFailures
}

func TestChangesOfATableAreSaidOnce(t *testing.T) {
	t.Parallel()
	f := setup(t)
	batch := []lambda.DynamoDBEventRecord{
		inserted(t, "1", "42"),
		record(t, "2", "MODIFY", `"OldImage":{"text":{"S":"a"}},"NewImage":{"item_id":{"S":"42"},"comment_id":{"S":"1"},"text":{"S":"b"},"edited_at":{"N":"7"}}`),
		record(t, "3", "MODIFY", `"OldImage":{"text":{"S":"b"}},"NewImage":{"text":{"S":"b"},"likes":{"NS":["1"]}}`),
		record(t, "4", "REMOVE", `"OldImage":{"text":{"S":"b"}}`),
	}
	for range 2 {
		require.Empty(t, f.changes(t, batch...))
	}
	require.Equal(t, []string{
		`CommentAdded id-1 {"comment_id":"1","item_id":"42","author_name":"A","text":"t","timestamp":9007199254740993}`,
		`CommentUpdated id-2 {"comment_id":"1","item_id":"42","new_text":"b","edited_at":7}`,
		`CommentDeleted id-4 {"comment_id":"4","item_id":"42"}`,
	}, f.stored(t, itemKey))
}

func TestTheLowestFailedChangeIsNamed(t *testing.T) {
	t.Parallel()
	f := setup(t)
	f.log.fault = failing("CommentStream:item:13")
	// 99 comes before 100 and 111: numbers of up to 40 digits, not texts.
	batch := []lambda.DynamoDBEventRecord{
		inserted(t, "98", "42"), inserted(t, "99", "13"), inserted(t, "100", "42"), record(t, "111", "UPSERT", `"NewImage":{}`), inserted(t, "112", "42"),
	}
	require.Equal(t, []lambda.DynamoDBBatchItemFailure{{ItemIdentifier: "99"}}, f.changes(t, batch...))
	require.Len(t, f.stored(t, itemKey), 3, "what can be stored is")
	f.log.fault = nil
	require.Equal(t, []lambda.DynamoDBBatchItemFailure{{ItemIdentifier: "111"}}, f.changes(t, batch[1:]...))
	require.Empty(t, f.changes(t, batch[4]))
	require.Len(t, f.stored(t, itemKey), 3)
	require.Len(t, f.stored(t, "CommentStream:item:13"), 1)
	require.Contains(t, f.said.String(), "change_id=id-111")
}

func TestARuleSeesGoValues(t *testing.T) {
	t.Parallel()
	var got logic.Change
	f := setup(t, func(c *ingest.Config) {
		c.Changes = func(ch logic.Change) ([]logic.DomainEvent, error) { got = ch; return nil, nil }
	})
	r := record(t, "5", "REMOVE", `"OldImage":{"s":{"S":"x"},"n":{"N":"1.50"},"b":{"BOOL":true},"z":{"NULL":true},"y":{"B":"AQI="},
		"l":{"L":[{"N":"1"},{"S":"a"}]},"m":{"M":{"k":{"S":"v"}}},"ss":{"SS":["p"]},"ns":{"NS":["2"]},"bs":{"BS":["AQ=="]}}`)
	r.UserIdentity = &lambda.DynamoDBUserIdentity{Type: "Service", PrincipalID: "dynamodb.amazonaws.com"}
	require.Empty(t, f.changes(t, r))
	require.Equal(t, logic.Change{
		ID: "id-5", Table: "ExampleComments", Kind: logic.Remove, Expired: true, At: time.Unix(1763900000, 0).UTC(),
		Keys: map[string]any{"item_id": "42", "comment_id": "5"},
		Old: map[string]any{
			"s": "x", "n": json.Number("1.50"), "b": true, "z": nil, "y": []byte{1, 2}, "l": []any{json.Number("1"), "a"},
			"m": map[string]any{"k": "v"}, "ss": []any{"p"}, "ns": []any{json.Number("2")}, "bs": []any{[]byte{1}},
		},
	}, got)
}

func TestAPanicOfTheRuleIsOneRecordsFault(t *testing.T) {
	t.Parallel()
	f := setup(t, func(c *ingest.Config) {
		c.Changes = func(ch logic.Change) ([]logic.DomainEvent, error) { _ = ch.New["x"].(string); return nil, nil }
	})
	require.Equal(t, []lambda.DynamoDBBatchItemFailure{{ItemIdentifier: "1"}}, f.changes(t, inserted(t, "1", "42")))

	f = setup(t, func(c *ingest.Config) { c.Changes = nil })
	_, err := f.in.Changes(t.Context(), lambda.DynamoDBEvent{})
	require.ErrorContains(t, err, "set Config.Changes")
}

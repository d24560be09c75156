package e2e

import (
	"encoding/json"
	"testing"

	lambda "github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"github.com/stretchr/testify/require"
)

// asLambda is a stream's record in the JSON that Lambda makes of it, read as
// the Lambda runtime reads it.
func asLambda(t *testing.T, arn string, r types.Record) lambda.DynamoDBEventRecord {
	t.Helper()
	text, err := json.Marshal(map[string]any{
		"eventID": r.EventID, "eventName": r.EventName, "eventVersion": r.EventVersion,
		"eventSource": r.EventSource, "awsRegion": r.AwsRegion, "eventSourceARN": arn,
		"dynamodb": map[string]any{
			"ApproximateCreationDateTime": r.Dynamodb.ApproximateCreationDateTime.Unix(),
			"SequenceNumber":              r.Dynamodb.SequenceNumber, "SizeBytes": r.Dynamodb.SizeBytes,
			"StreamViewType": r.Dynamodb.StreamViewType,
			"Keys":           image(t, r.Dynamodb.Keys), "OldImage": image(t, r.Dynamodb.OldImage), "NewImage": image(t, r.Dynamodb.NewImage),
		},
	})
	require.NoError(t, err)
	var out lambda.DynamoDBEventRecord
	require.NoError(t, json.Unmarshal(text, &out))
	return out
}

// image is an item with its types. An image that is not there stays away.
func image(t *testing.T, attributes map[string]types.AttributeValue) map[string]map[string]any {
	t.Helper()
	if len(attributes) == 0 {
		return nil
	}
	all := map[string]map[string]any{}
	for name, v := range attributes {
		switch v := v.(type) { // what the example's items have
		case *types.AttributeValueMemberS:
			all[name] = map[string]any{"S": v.Value}
		case *types.AttributeValueMemberN:
			all[name] = map[string]any{"N": v.Value}
		default:
			t.Fatalf("%s is a %T: teach this test that type", name, v)
		}
	}
	return all
}

package dynamo

import (
	"crypto/rand"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Names of what both tables have. TTLAttribute has to be switched on as the
// table's time to live.
const (
	PartitionKey = "pk"
	SortKey      = "sk"
	TTLAttribute = "expires" // Unix seconds

	// ProcessIndex finds a process's subscribers. It holds keys alone.
	ProcessIndex = "process"
)

// Attributes of the log's items.
const (
	attrEpoch = "epoch"
	attrSeq   = "seq"
	attrBatch = "b"
)

// Attributes of the registry's items.
const (
	attrProcess = "process"
	attrUser    = "user"
	attrJoined  = "joined" // Unix milliseconds
	attrCount   = "n"
	attrUntil   = "until" // Unix milliseconds
	attrDead    = "dead"  // Unix milliseconds, when a reaper found the lease lapsed
)

// EventLogTable is the definition of the log's table.
func EventLogTable(name string) *dynamodb.CreateTableInput {
	return &dynamodb.CreateTableInput{
		TableName:            aws.String(name),
		BillingMode:          types.BillingModePayPerRequest,
		AttributeDefinitions: textAttributes(PartitionKey, SortKey),
		KeySchema:            keys(PartitionKey, SortKey),
	}
}

// SubscribersTable is the definition of the registry's table.
func SubscribersTable(name string) *dynamodb.CreateTableInput {
	return &dynamodb.CreateTableInput{
		TableName:            aws.String(name),
		BillingMode:          types.BillingModePayPerRequest,
		AttributeDefinitions: textAttributes(PartitionKey, SortKey, attrProcess),
		KeySchema:            keys(PartitionKey, SortKey),
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{{
			IndexName:  aws.String(ProcessIndex),
			KeySchema:  keys(attrProcess, PartitionKey),
			Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly},
		}},
	}
}

// TimeToLive switches on a table's time to live.
func TimeToLive(name string) *dynamodb.UpdateTimeToLiveInput {
	return &dynamodb.UpdateTimeToLiveInput{
		TableName: aws.String(name),
		TimeToLiveSpecification: &types.TimeToLiveSpecification{
			AttributeName: aws.String(TTLAttribute),
			Enabled:       aws.Bool(true),
		},
	}
}

func textAttributes(names ...string) []types.AttributeDefinition {
	var out []types.AttributeDefinition
	for _, n := range names {
		out = append(out, types.AttributeDefinition{AttributeName: aws.String(n), AttributeType: types.ScalarAttributeTypeS})
	}
	return out
}

func keys(partition, sort string) []types.KeySchemaElement {
	return []types.KeySchemaElement{
		{AttributeName: aws.String(partition), KeyType: types.KeyTypeHash},
		{AttributeName: aws.String(sort), KeyType: types.KeyTypeRange},
	}
}

func key(partition, sort string) item {
	return item{PartitionKey: text(partition), SortKey: text(sort)}
}

// transaction is all of the writes or none, with a token: sent again as it is,
// it is carried out once, even where the answer that it was got lost and the
// next one spoke of a throttle.
func transaction(all []types.TransactWriteItem) *dynamodb.TransactWriteItemsInput {
	return &dynamodb.TransactWriteItemsInput{TransactItems: all, ClientRequestToken: aws.String(rand.Text()), ReturnConsumedCapacity: total()}
}

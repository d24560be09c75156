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
)

// Attributes of the log's items.
const (
	attrEpoch = "epoch"
	attrSeq   = "seq"
	attrBatch = "b"
)

// Attributes of the registry's items.
const (
	attrProcess  = "process"
	attrUser     = "user"
	attrJoined   = "joined" // Unix milliseconds
	attrCount    = "n"
	attrUsers    = "users"
	attrUntil    = "until"    // Unix milliseconds
	attrDead     = "dead"     // Unix milliseconds, when a reaper found the lease lapsed
	attrValue    = "v"        // a connection, as JSON
	attrSecond   = "second"   // Unix seconds
	attrConnects = "connects" // in that second
	attrVisit    = "visit"
	attrSince    = "since" // Unix milliseconds
	attrDue      = "due"   // Unix milliseconds
	attrLeft     = "left"  // Unix milliseconds
	attrOver     = "over"
	attrChannel  = "channel"
	attrKind     = "kind"
	attrAt       = "at" // Unix milliseconds
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
		AttributeDefinitions: textAttributes(PartitionKey, SortKey),
		KeySchema:            keys(PartitionKey, SortKey),
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

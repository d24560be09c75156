package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"github.com/runnel-sse/runnel/pkg/dynamo"
)

const (
	eventLog        = "EventLog"
	subscribers     = "Subscribers"
	exampleComments = "ExampleComments"
)

func createTables(ctx context.Context, client *dynamodb.Client) error {
	for _, table := range []*dynamodb.CreateTableInput{
		dynamo.EventLogTable(eventLog),
		dynamo.SubscribersTable(subscribers),
		userTable(exampleComments),
	} {
		if err := createTable(ctx, client, table); err != nil {
			return fmt.Errorf("table %s: %w", *table.TableName, err)
		}
	}
	for _, name := range []string{eventLog, subscribers} {
		_, err := client.UpdateTimeToLive(ctx, dynamo.TimeToLive(name))
		var answer smithy.APIError
		if errors.As(err, &answer) && answer.ErrorCode() == "ValidationException" {
			continue // it is on already
		}
		if err != nil {
			return fmt.Errorf("time to live of %s: %w", name, err)
		}
	}
	return nil
}

func createTable(ctx context.Context, client *dynamodb.Client, in *dynamodb.CreateTableInput) error {
	_, err := client.CreateTable(ctx, in)
	var exists *types.ResourceInUseException
	if err != nil && !errors.As(err, &exists) {
		return err
	}
	return dynamodb.NewTableExistsWaiter(client).Wait(ctx, &dynamodb.DescribeTableInput{TableName: in.TableName}, time.Minute)
}

// userTable is a table as a user of Runnel has one, with the key that
// events.CommentChanges reads: its stream says what changes.
func userTable(name string) *dynamodb.CreateTableInput {
	return &dynamodb.CreateTableInput{
		TableName:   aws.String(name),
		BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String("item_id"), AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: aws.String("comment_id"), AttributeType: types.ScalarAttributeTypeS},
		},
		KeySchema: []types.KeySchemaElement{
			{AttributeName: aws.String("item_id"), KeyType: types.KeyTypeHash},
			{AttributeName: aws.String("comment_id"), KeyType: types.KeyTypeRange},
		},
		StreamSpecification: &types.StreamSpecification{
			StreamEnabled:  aws.Bool(true),
			StreamViewType: types.StreamViewTypeNewAndOldImages,
		},
	}
}

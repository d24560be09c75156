// Package dynamo keeps the log and the registry in DynamoDB.
//
// The log is one table. A channel is a partition of it, with a head item that
// says how far it is and an item for each appended batch, keyed by its last
// sequence number: many small events cost by their bytes and not by their count.
// An append is one transaction, which moves the head on condition that nobody
// else has, so sequence numbers are contiguous whatever crashes where.
//
// The package counts what it consumes, makes no tables of its own accord and
// decides no retention.
package dynamo

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
)

// Client is what the package needs of *dynamodb.Client.
type Client interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	BatchGetItem(context.Context, *dynamodb.BatchGetItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	DeleteItem(context.Context, *dynamodb.DeleteItemInput, ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error)
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
	TransactWriteItems(context.Context, *dynamodb.TransactWriteItemsInput, ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error)
}

// ErrNoTable: the table is not there.
var ErrNoTable = errors.New("no such table")

// translate gives an error of the SDK its name in the words of the port, whose
// ErrUnavailable is given, and keeps the original inside.
func translate(err error, table string, unavailable error) error {
	var gone *types.ResourceNotFoundException
	var api smithy.APIError
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.As(err, &gone):
		return fmt.Errorf("%w %s: run localstack/up for a local one, or deploy first: %w", ErrNoTable, table, err)
	case errors.As(err, &api) && api.ErrorFault() == smithy.FaultClient && !throttled(api.ErrorCode()):
		return err // a request that is wrong: trying again cannot help
	}
	return fmt.Errorf("%w: %w", unavailable, err)
}

// throttled reports whether the code, of an error or of a reason for which a
// transaction was cancelled, asks for patience.
func throttled(code string) bool {
	switch code {
	case "ProvisionedThroughputExceededException", "ProvisionedThroughputExceeded", "ThrottlingException", "ThrottlingError",
		"RequestLimitExceeded", "TransactionInProgressException", "TransactionConflictException", "LimitExceededException":
		return true
	}
	return false
}

// Retries of what another writer or a throttle stood in the way of.
const (
	maxAttempts = 24
	firstPause  = 5 * time.Millisecond
	longPause   = 400 * time.Millisecond
)

// pause waits before the given attempt (from 1) with full jitter.
func pause(ctx context.Context, attempt int) error {
	t := time.NewTimer(rand.N(min(firstPause<<min(attempt, 10), longPause)))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

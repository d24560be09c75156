package wire

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/config"
	"github.com/runnel-sse/runnel/pkg/dynamo"
	"github.com/runnel-sse/runnel/pkg/eventlog"
	"github.com/runnel-sse/runnel/pkg/subscriber"
)

// cloud makes clients of AWS, or of whatever AWS_ENDPOINT_URL names.
type cloud struct{ settings aws.Config }

func openAWS(ctx context.Context) (*cloud, error) {
	settings, err := awsconfig.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, fmt.Errorf("wire: AWS settings: %w", err)
	}
	if settings.Region == "" {
		return nil, errors.New("no AWS region: set AWS_REGION, or use localstack/run for a local cloud")
	}
	return &cloud{settings}, nil
}

func (c *cloud) dynamodb() *dynamodb.Client { return dynamodb.NewFromConfig(c.settings) }

func (c *cloud) sqs() *awssqs.Client { return awssqs.NewFromConfig(c.settings) }

func (c *cloud) log(table string) eventlog.Log {
	return dynamo.NewLog(c.dynamodb(), table, dynamo.LogOptions{Retention: retention})
}

func (c *cloud) registry(table string) subscriber.Storage {
	return dynamo.NewRegistry(c.dynamodb(), table, dynamo.RegistryOptions{})
}

// store has no bell: what another process writes is found by polling.
func (c *cloud) store(t config.Tables, _ *slog.Logger) store {
	return store{log: c.log(t.EventLog), registry: c.registry(t.Subscribers), close: func() error { return nil }}
}

// openCloud also looks whether everything is there, so that `runnel dev --aws`
// says at once what is missing.
func openCloud(ctx context.Context, t config.Tables, queueURL string, logger *slog.Logger) (*cloud, store, error) {
	c, err := openAWS(ctx)
	if err != nil {
		return nil, store{}, err
	}
	s := c.store(t, logger)
	probe := channel.MustParse("Runnel:probe")
	if _, err := s.log.Heads(ctx, []channel.Name{probe}); err != nil {
		return nil, store{}, err
	}
	if _, err := s.registry.Count(ctx, probe); err != nil {
		return nil, store{}, err
	}
	if _, err := c.sqs().GetQueueAttributes(ctx, &awssqs.GetQueueAttributesInput{QueueUrl: &queueURL}); err != nil {
		return nil, store{}, fmt.Errorf("queue %s: run localstack/up for a local one, or deploy first: %w", queueURL, err)
	}
	return c, s, nil
}

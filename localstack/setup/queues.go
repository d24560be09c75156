package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

const (
	queue     = "events"
	fifoQueue = "events.fifo"
	// maxReceives is how often a message is tried before it is set aside.
	maxReceives = 3
)

// createQueues creates both queues, each with its dead-letter queue, and
// returns all URLs by name.
func createQueues(ctx context.Context, client *sqs.Client) (map[string]string, error) {
	urls := map[string]string{}
	for _, q := range []struct{ name, dead string }{
		{name: queue, dead: "events-dlq"},
		{name: fifoQueue, dead: "events-dlq.fifo"},
	} {
		arn, err := createQueue(ctx, client, urls, q.dead, nil)
		if err != nil {
			return nil, fmt.Errorf("queue %s: %w", q.dead, err)
		}
		redrive, err := json.Marshal(map[string]any{"deadLetterTargetArn": arn, "maxReceiveCount": maxReceives})
		if err != nil {
			return nil, err
		}
		if _, err := createQueue(ctx, client, urls, q.name, map[string]string{"RedrivePolicy": string(redrive)}); err != nil {
			return nil, fmt.Errorf("queue %s: %w", q.name, err)
		}
	}
	return urls, nil
}

func createQueue(ctx context.Context, client *sqs.Client, urls map[string]string, name string, attributes map[string]string) (arn string, err error) {
	all := map[string]string{"VisibilityTimeout": "30"}
	maps.Copy(all, attributes)
	if strings.HasSuffix(name, ".fifo") {
		all["FifoQueue"] = "true"
	}
	made, err := client.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &name, Attributes: all})
	if err != nil {
		return "", err
	}
	urls[name] = aws.ToString(made.QueueUrl)
	got, err := client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: made.QueueUrl, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameQueueArn},
	})
	if err != nil {
		return "", err
	}
	return got.Attributes["QueueArn"], nil
}

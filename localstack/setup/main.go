// Command setup creates the tables and queues that Runnel needs, where the AWS
// environment variables lead, and prints the variables that name them. What is
// there already stays as it is.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	if err := run(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "setup:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) error {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	db := dynamodb.NewFromConfig(cfg, func(o *dynamodb.Options) {
		// Else the SDK logs a false alarm for each refusal, such as "it exists".
		o.DisableValidateResponseChecksum = true
	})
	if err := createTables(ctx, db); err != nil {
		return err
	}
	urls, err := createQueues(ctx, sqs.NewFromConfig(cfg))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "EVENT_LOG_TABLE=%s\nSUBSCRIBERS_TABLE=%s\nEXAMPLE_TABLE=%s\nQUEUE_URL=%s\nFIFO_QUEUE_URL=%s\n",
		eventLog, subscribers, exampleComments, urls[queue], urls[fifoQueue])
	return err
}

// Command ingest is the Lambda function behind the queue: a batch of messages
// becomes events in the log. Outside Lambda it polls the queue itself.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/runnel-sse/runnel/pkg/config"
	"github.com/runnel-sse/runnel/pkg/wire"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "ingest:", err)
		os.Exit(1)
	}
}

func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	cfg, err := config.LoadIngest(os.Getenv)
	if err != nil {
		return err
	}
	host := wire.Host{Lambda: config.OnLambda(os.Getenv), Out: os.Stdout}
	ingest, err := wire.NewIngest(ctx, cfg, host)
	if err != nil {
		return err
	}
	if !host.Lambda {
		return ingest.Poll(ctx)
	}
	lambda.Start(ingest.SQS)
	return nil
}

// Command changes is the Lambda function behind a table's stream: a batch of
// changes becomes events in the log. Only Lambda reads the stream for it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/runnel-sse/runnel/pkg/config"
	"github.com/runnel-sse/runnel/pkg/wire"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "changes:", err)
		os.Exit(1)
	}
}

func run() error {
	host := wire.Host{Lambda: config.OnLambda(os.Getenv), Out: os.Stdout}
	if !host.Lambda {
		return errors.New("runs on Lambda alone, which reads the table's stream for it; here, send to a queue and run functions/ingest")
	}
	cfg, err := config.LoadChanges(os.Getenv)
	if err != nil {
		return err
	}
	changes, err := wire.NewChanges(context.Background(), cfg, host)
	if err != nil {
		return err
	}
	lambda.Start(changes.Changes)
	return nil
}

// Command sweep is the Lambda function behind a schedule: it forgets the
// subscribers of processes that are gone, and says which users have left. Outside Lambda it runs once.
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
		fmt.Fprintln(os.Stderr, "sweep:", err)
		os.Exit(1)
	}
}

func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	cfg, err := config.LoadSweep(os.Getenv)
	if err != nil {
		return err
	}
	host := wire.Host{Lambda: config.OnLambda(os.Getenv), Out: os.Stdout}
	sweep, err := wire.NewSweep(ctx, cfg, host)
	if err != nil {
		return err
	}
	if !host.Lambda {
		return sweep.Run(ctx)
	}
	lambda.Start(sweep.Run)
	return nil
}

// Command control is the Lambda function behind the other function URL: tickets,
// renewals, goodbyes and presence. Outside Lambda it is an ordinary HTTP server.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/aws/aws-lambda-go/lambdaurl"

	"github.com/runnel-sse/runnel/pkg/config"
	"github.com/runnel-sse/runnel/pkg/wire"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "control:", err)
		os.Exit(1)
	}
}

func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	cfg, err := config.LoadControl(os.Getenv)
	if err != nil {
		return err
	}
	host := wire.Host{Lambda: config.OnLambda(os.Getenv), Out: os.Stdout}
	control, err := wire.NewControl(ctx, cfg, host)
	if err != nil {
		return err
	}
	if !host.Lambda {
		return control.ListenAndServe(ctx)
	}
	lambdaurl.Start(wire.WithCookies(control.Handler, cookies))
	return nil
}

// cookies are the request's, which lambdaurl leaves in the event.
func cookies(ctx context.Context) []string {
	r, ok := lambdaurl.RequestFromContext(ctx)
	if !ok {
		return nil
	}
	return r.Cookies
}

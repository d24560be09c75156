package wire

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"
)

// stopTime is how long open requests get to end once a server has to stop. A
// stream needs a moment; whoever is not there to read its end gets no more.
const stopTime = 5 * time.Second

// ErrBusyPort: something listens there already.
var ErrBusyPort = errors.New("the port is in use")

// Listen opens the address, or says in one line what to do.
func Listen(ctx context.Context, addr string) (net.Listener, error) {
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%w: %s: stop what runs there, or choose another address with --addr or ADDR (port 0 takes any free one)", ErrBusyPort, addr)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("no permission to listen on %s: choose a port of 1024 or more with --addr or ADDR", addr)
	case err != nil:
		return nil, fmt.Errorf("wire: listen: %w", err)
	}
	return ln, nil
}

// drainer is what has streams open: see gateway.Gateway.
type drainer interface {
	Drain()
	Wait(ctx context.Context) error
}

// serve answers on ln until ctx is done. Then the open streams get their planned
// end, so that their readers come back to wherever the service is next.
func serve(ctx context.Context, ln net.Listener, h http.Handler, open drainer, logger *slog.Logger) error {
	srv := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
		// No WriteTimeout: a stream has no length. The gateway sets a deadline
		// before each write instead.
	}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(ln) }()
	select {
	case err := <-ended:
		return fmt.Errorf("wire: serve: %w", err)
	case <-ctx.Done():
	}
	open.Drain()
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer cancel()
	err := srv.Shutdown(late)
	if err == nil {
		err = open.Wait(late) // the server does not know of connections that were taken over
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = srv.Close()
	}
	<-ended
	if err != nil {
		return fmt.Errorf("wire: stop serving: %w", err)
	}
	return nil
}

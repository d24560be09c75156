// Command runnel is the command line: it serves everything on one machine,
// publishes, follows channels, and writes what follows from the definitions.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// version is set by the linker: see the Makefile.
var version = "development"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/runnel-sse/runnel/pkg/obs"
	"github.com/runnel-sse/runnel/pkg/wire"
)

type devOptions struct {
	addr, data string
	control    string
	app        string
	aws        bool
	origins    []string
	verbose    bool
}

func devCommand() *cobra.Command {
	var o devOptions
	cmd := &cobra.Command{
		Use:   "dev [--addr host:port] [--data DIR | --aws]",
		Short: "Serve everything in one process, with a page to try it",
		Long: `Serve everything in one process: ingest, streams, a page to try them, and on a
second port tickets, renewals, goodbyes and presence. Who may read what is as
deployed, but everybody can make a token for it (see runnel token): it is for
one person on one machine.

Events are kept in memory; with --data in a folder, where nothing that was
acknowledged is lost, whatever becomes of the process; with --aws in DynamoDB,
at AWS_ENDPOINT_URL, in the tables EVENT_LOG_TABLE and SUBSCRIBERS_TABLE, and
messages are taken from the queue QUEUE_URL too.

--app serves a page of your own below /app/, of the same origin as the streams:
see examples/comments.`,
		Args: arguments("no arguments", func(n int) bool { return n == 0 }),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return dev(cmd.Context(), o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&o.addr, "addr", "127.0.0.1:8080", "where to listen; port 0 takes any free one")
	f.StringVar(&o.control, "control-addr", "", "where to listen for control requests (default: the port after that of --addr)")
	f.StringVar(&o.data, "data", "", "keep the events in this folder")
	f.BoolVar(&o.aws, "aws", false, "keep the events in DynamoDB, and take messages from SQS")
	f.StringVar(&o.app, "app", "", "serve this folder below /app/")
	f.StringArrayVar(&o.origins, "allow-origin", nil, "a page of this origin may read the streams, such as http://localhost:3000")
	f.BoolVar(&o.verbose, "verbose", false, "log every connection")
	cmd.MarkFlagsMutuallyExclusive("data", "aws")
	return cmd
}

func dev(ctx context.Context, o devOptions, stdout, stderr io.Writer) error {
	level := slog.LevelWarn
	if o.verbose {
		level = slog.LevelDebug
	}
	logger := obs.NewLogger(stderr, level).With(obs.Program("dev"))
	app, err := openApp(o.app)
	if err != nil {
		return err
	}
	if app != nil {
		defer app.Close()
	}
	ln, beside, err := listen(ctx, o)
	if err != nil {
		return err
	}
	url, control := "http://"+reachable(ln.Addr()), "http://"+reachable(beside.Addr())
	server, err := wire.NewDev(ctx, wire.DevConfig{
		Data: o.data, AWS: o.aws, Getenv: os.Getenv, AllowedOrigins: o.origins, Page: pageOrigins(ln.Addr()), Logger: logger,
	})
	if err != nil {
		_, _ = ln.Close(), beside.Close() // nobody has connected yet
		return err
	}
	fmt.Fprint(stdout, welcome(url, control, o))
	err = server.Serve(ctx, wire.Door{Listener: ln, Handler: newWeb(server, ln.Addr(), control, app)},
		wire.Door{Listener: beside, Handler: ours(beside.Addr(), server.Control())})
	if closing := server.Close(); err == nil {
		err = closing
	}
	if err == nil {
		fmt.Fprintln(stdout, "\nstopped: every stream has had its planned end")
	}
	return err
}

// listen opens both ports.
func listen(ctx context.Context, o devOptions) (main, control net.Listener, err error) {
	if main, err = wire.Listen(ctx, o.addr); err != nil {
		return nil, nil, err
	}
	addr := o.control
	if addr == "" {
		addr = next(o.addr)
	}
	if control, err = wire.Listen(ctx, addr); err != nil {
		_ = main.Close()
		return nil, nil, fmt.Errorf("--control-addr: %w", err)
	}
	return main, control, nil
}

// next is the address one port further; any free port after any free port.
func next(addr string) string {
	host, port, _ := net.SplitHostPort(addr) // it has been listened on
	n, err := strconv.Atoi(port)
	if err != nil || n == 0 || n == 65535 {
		return net.JoinHostPort(host, "0")
	}
	return net.JoinHostPort(host, strconv.Itoa(n+1))
}

// pageOrigins are the names by which a browser on this machine opens the page.
func pageOrigins(addr net.Addr) []string {
	_, port, _ := net.SplitHostPort(reachable(addr))
	own := []string{"http://" + reachable(addr), "http://localhost:" + port}
	if port == "80" { // a browser leaves it out
		for i := range own {
			own[i] = strings.TrimSuffix(own[i], ":80")
		}
	}
	return own
}

// reachable is the address as somebody on this machine types it.
func reachable(addr net.Addr) string {
	host, port, err := net.SplitHostPort(addr.String())
	if ip := net.ParseIP(host); err == nil && ip != nil && ip.IsUnspecified() {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return addr.String()
}

// welcome says what to open and what to type next. Its lines can be copied as
// they are.
func welcome(url, control string, o devOptions) string {
	kept := "in memory: they are gone when this process ends (--data DIR keeps them)"
	switch {
	case o.aws:
		kept = "in DynamoDB, and messages are taken from the queue"
	case o.data != "":
		kept = "in " + o.data
	}
	self := self()
	at := ""
	if url != defaultURL {
		at = " --url " + url
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Runnel serves %s, and %s for tickets and presence; events are kept %s\n\n", url, control, kept)
	fmt.Fprintf(&b, "open      %s/\n", url)
	if o.app != "" {
		fmt.Fprintf(&b, "app       %s/app/\n", url)
	}
	fmt.Fprintf(&b, "publish   %s publish%s CommentStream:item:42 CommentAdded '%s'\n", self, at, exampleData)
	fmt.Fprintf(&b, "follow    %s tail%s --token \"$(%s token --sub 7)\" --since -10 CommentStream:item:42 NotificationStream:user:7\n", self, at, self)
	fmt.Fprintf(&b, "or        curl -N '%s/sse/CommentStream/item:42?since=-10'\n", url)
	fmt.Fprintf(&b, "who reads %s/presence/CommentStream:item:42\n", control)
	fmt.Fprintf(&b, "cut off   %s kick%s 7 --until 10m\n\n", self, at)
	b.WriteString("Ctrl-C stops\n")
	return b.String()
}

const exampleData = `{"comment_id":"1","item_id":"42","author_name":"Ada","text":"Hello","timestamp":1763900000}`

// self is how this program was called, so that what is printed works as it stands.
func self() string {
	if len(os.Args) == 0 || strings.ContainsAny(os.Args[0], " '\"\\$") || strings.HasSuffix(os.Args[0], ".test") {
		return "runnel"
	}
	if strings.Contains(os.Args[0], "/go-build") {
		return "go run ./cmd/runnel"
	}
	return os.Args[0]
}

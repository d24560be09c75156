package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/runnel-sse/runnel/events"
	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/command"
	"github.com/runnel-sse/runnel/pkg/wire"
)

type kickOptions struct {
	publishOptions
	until      time.Duration
	reason, as string
	lift       bool
}

func kickCommand() *cobra.Command {
	var o kickOptions
	cmd := &cobra.Command{
		Use:   "kick [--until 10m] [--reason TEXT] [--url URL | --queue URL] USER|CHANNEL|CONNECTION",
		Short: "Cut readers off, and keep them out for a while",
		Long: `Cut off every connection of a user or of a channel, or one connection, on every
process, within two poll intervals. With --until the user, or everybody on the
channel, is kept out for that long; without it they may come back at once.

A name that is a channel of a stream is a channel, an id as a stream's first
event gives it is a connection, and everything else is a user; --as decides
where that is wrong. Whoever may send to the queue may do this.`,
		Example: `  runnel kick 7 --until 10m --reason spam
  runnel kick CommentStream:item:42
  runnel kick 7 --lift`,
		Args: arguments("one user, channel or connection", func(n int) bool { return n == 1 }),
		RunE: func(cmd *cobra.Command, args []string) error {
			body, err := o.order(args[0], time.Now())
			if err != nil {
				return usageError{err}
			}
			send, err := o.destination(cmd)
			if err != nil {
				return err
			}
			return kick(cmd.Context(), cmd.OutOrStdout(), send, body)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.DurationVar(&o.until, "until", 0, "how long they are kept out, such as 10m")
	f.StringVar(&o.reason, "reason", "", "what their streams say")
	f.BoolVar(&o.lift, "lift", false, "let whoever is kept out come back")
	f.StringVar(&o.as, "as", "", "what the name is: user, channel or connection")
	f.StringVar(&o.url, "url", defaultURL, "the server of `runnel dev`")
	f.StringVar(&o.queue, "queue", "", "the URL of an SQS queue, instead of a server")
	cmd.MarkFlagsMutuallyExclusive("url", "queue")
	cmd.MarkFlagsMutuallyExclusive("lift", "until")
	cmd.MarkFlagsMutuallyExclusive("lift", "reason")
	return cmd
}

// order is the message that says it.
func (o kickOptions) order(name string, now time.Time) ([]byte, error) {
	what := o.as
	switch what {
	case "":
		what = kindOf(name)
	case "user", "channel", "connection":
	default:
		return nil, fmt.Errorf("--as %q: want user, channel or connection", what)
	}
	if o.until < 0 {
		return nil, errors.New("--until: want how long from now, such as 10m")
	}
	message := object{{"command", "kick"}, {what, name}}
	if o.lift {
		message[0].value = "allow"
	}
	if o.until > 0 {
		message = append(message, member{"until", now.Add(o.until).UTC().Format(time.RFC3339)})
	}
	if o.reason != "" {
		message = append(message, member{"reason", o.reason})
	}
	return json.Marshal(message)
}

// kindOf says what the name is, by its form.
func kindOf(name string) string {
	const id = 22 // letters of 128 random bits, in base64url
	if ch, err := channel.Parse(name); err == nil {
		if _, ok := events.Catalog.Stream(ch.Stream()); ok {
			return "channel"
		}
	}
	process, random, _ := strings.Cut(name, ".")
	if _, ok := command.ProcessOf(name); ok && len(process) == id && len(random) == id {
		return "connection"
	}
	return "user"
}

func kick(ctx context.Context, out io.Writer, send sender, body []byte) error {
	if _, err := wire.Check(ctx, body); err != nil {
		return fmt.Errorf("not sent: %s", reason(err))
	}
	report, err := send(ctx, []checked{{line: line{text: body}}})
	if err != nil {
		return err
	}
	if report == "" {
		report = "done\n"
	}
	_, err = io.WriteString(out, report)
	return err
}

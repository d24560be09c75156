package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/follow"
)

type tailOptions struct {
	url, since, token string
	json              bool
}

func tailCommand() *cobra.Command {
	var o tailOptions
	cmd := &cobra.Command{
		Use:   "tail [--url URL] [--token TOKEN] [--since earliest|-N] [--json] CHANNEL...",
		Short: "Follow channels: reconnect, resume, miss nothing",
		Long: `Follow channels until Ctrl-C. When the connection breaks it comes back by
itself and goes on where it was. Events go to standard output, what becomes of
the connection to standard error.`,
		Example: `  runnel tail --since -10 CommentStream:item:42
  runnel tail --token "$(runnel token --sub 7)" NotificationStream:user:7 SystemStream:all`,
		Args: arguments("at least one channel, such as CommentStream:item:42", func(n int) bool { return n > 0 }),
		RunE: func(cmd *cobra.Command, names []string) error {
			return tail(cmd.Context(), o, names, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&o.url, "url", defaultURL, "the server")
	f.StringVar(&o.since, "since", "", "where to begin: earliest, or -10 for the last ten events of each channel (default: now)")
	f.StringVar(&o.token, "token", "", "who reads, for streams that are not public: see runnel token")
	f.BoolVar(&o.json, "json", false, "a JSON object a line")
	return cmd
}

var validSince = regexp.MustCompile(`^(now|earliest|-[1-9][0-9]{0,3})?$`)

func tail(ctx context.Context, o tailOptions, names []string, stdout, stderr io.Writer) error {
	base, err := baseURL(o.url)
	if err != nil {
		return err
	}
	if !validSince.MatchString(o.since) {
		return usageError{fmt.Errorf("--since %q: want earliest, or -1 to -1000", o.since)}
	}
	query := url.Values{}
	for _, name := range names {
		ch, err := channel.Parse(name)
		if err != nil {
			return usageError{err}
		}
		query.Add("channel", ch.String())
	}
	printEvent := pretty
	if o.json {
		printEvent = jsonLines
	}
	header := http.Header{}
	if o.token != "" {
		header.Set("Authorization", "Bearer "+o.token)
	}
	err = follow.Follow(ctx, follow.Options{
		URL: base + "/sse?" + query.Encode(), Since: o.since, Header: header,
		OnStatus: func(s follow.Status) { sayStatus(stderr, base, s) },
	}, func(e follow.Event) error {
		if c, ok := e.Connected(); ok {
			sayConnected(stderr, c)
			return nil
		}
		return printEvent(stdout, stderr, e)
	})
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return nil // Ctrl-C is how it ends
	}
	return err
}

func sayStatus(w io.Writer, base string, s follow.Status) {
	if s.State != follow.Waiting {
		return
	}
	wait := s.Wait.Round(10 * time.Millisecond)
	switch {
	case s.Err == nil:
		fmt.Fprintf(w, "- the server ended the connection as planned, back in %v\n", wait)
	case errors.Is(s.Err, syscall.ECONNREFUSED):
		fmt.Fprintf(w, "- nothing listens at %s, again in %v\n", base, wait)
	default:
		fmt.Fprintf(w, "- %s, again in %v\n", strings.TrimPrefix(s.Err.Error(), "follow: "), wait)
	}
}

func sayConnected(w io.Writer, c follow.Connected) {
	for _, at := range c.Channels {
		switch {
		case at.Resumed && at.Recovered:
			fmt.Fprintf(w, "- back on %s, nothing was missed\n", at.Channel)
		case at.Recovered:
			fmt.Fprintf(w, "- following %s\n", at.Channel)
		default:
			fmt.Fprintf(w, "- back on %s, but with a gap\n", at.Channel)
		}
	}
}

// pretty is for people. What a publisher wrote is shown as JSON, whose strings
// hold no control characters: an event cannot write on the terminal.
func pretty(stdout, stderr io.Writer, e follow.Event) error {
	if e.Type == "sse.rotate" {
		return nil // what follows from it is said
	}
	if e.Control {
		_, err := fmt.Fprintf(stderr, "- %s %s\n", e.Type, printable(e.Data))
		return err
	}
	_, err := fmt.Fprintf(stdout, "%s %s %s\n", e.Channel, e.Type, printable(e.Data))
	return err
}

func printable(data json.RawMessage) string {
	var text []rune
	for _, r := range string(data) {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			r = '\ufffd'
		}
		text = append(text, r)
	}
	return string(text)
}

// jsonLines is for programs. Of the control events they need the gap.
func jsonLines(stdout, stderr io.Writer, e follow.Event) error {
	if e.Control && e.Type != "sse.gap" {
		return pretty(stdout, stderr, e)
	}
	body, err := json.Marshal(struct {
		ID        string          `json:"id"`
		Channel   string          `json:"channel"`
		EventType string          `json:"event_type"`
		Data      json.RawMessage `json:"data"`
	}{e.ID, e.Channel, e.Type, e.Data})
	if err != nil {
		return fmt.Errorf("tail: %w", err)
	}
	_, err = stdout.Write(append(body, '\n'))
	return err
}

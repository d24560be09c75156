package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/runnel-sse/runnel/pkg/ingest"
	"github.com/runnel-sse/runnel/pkg/wire"
)

const (
	defaultURL = "http://127.0.0.1:8080"
	// maxBatch bounds the lines that are checked and sent together.
	maxBatch = 500
)

type publishOptions struct{ url, queue, id string }

func publishCommand() *cobra.Command {
	var o publishOptions
	cmd := &cobra.Command{
		Use:   "publish [--url URL | --queue URL] [CHANNEL TYPE JSON]",
		Short: "Publish an event, or JSON lines from standard input",
		Long: `Publish an event, checked against its definition before it is sent.

Without CHANNEL TYPE JSON it reads messages from standard input, a JSON object
a line, of any shape that a queue takes: a broadcast {"channel", "event_type",
"data", "id"?}, a domain event {"event_type", "payload", …}, or a CloudEvent.
It stops at the first line that is at fault.`,
		Example: `  runnel publish CommentStream:item:42 CommentAdded '` + exampleData + `'
  runnel publish --queue "$QUEUE_URL" < messages.jsonl`,
		Args: arguments("CHANNEL TYPE JSON, or none and JSON lines on standard input", func(n int) bool { return n == 0 || n == 3 }),
		RunE: func(cmd *cobra.Command, args []string) error {
			send, err := o.destination(cmd)
			if err != nil {
				return err
			}
			if len(args) == 3 {
				return publishOne(cmd.Context(), cmd.OutOrStdout(), send, o.id, args)
			}
			if o.id != "" {
				return usageError{errors.New("--id is for one event; a line brings its own")}
			}
			return publishLines(cmd.Context(), cmd.InOrStdin(), cmd.OutOrStdout(), send)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&o.url, "url", defaultURL, "the server of `runnel dev`")
	f.StringVar(&o.queue, "queue", "", "the URL of an SQS queue, instead of a server")
	f.StringVar(&o.id, "id", "", "the event's id: an event of the same id is stored once in 24 hours")
	cmd.MarkFlagsMutuallyExclusive("url", "queue")
	return cmd
}

// sender sends checked messages and says in a few words what became of them.
type sender func(ctx context.Context, batch []checked) (report string, err error)

// checked is a message that fits its definition.
type checked struct {
	line
	stores []ingest.Stored
}

func (o publishOptions) destination(cmd *cobra.Command) (sender, error) {
	if o.queue == "" {
		base, err := baseURL(o.url)
		return httpSender(base), err
	}
	queue, err := wire.NewSender(cmd.Context(), o.queue)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, batch []checked) (string, error) {
		messages := make([]wire.Message, len(batch))
		for i, m := range batch {
			messages[i] = wire.Message{Body: m.text, Stores: m.stores}
		}
		if err := queue.Send(ctx, messages); err != nil {
			return "", err
		}
		return fmt.Sprintf("sent %d to %s\n", len(batch), o.queue), nil
	}, nil
}

func publishOne(ctx context.Context, out io.Writer, send sender, id string, args []string) error {
	if !json.Valid([]byte(args[2])) {
		return fmt.Errorf("the data is not JSON: %s", args[2])
	}
	message := object{{"channel", args[0]}, {"event_type", args[1]}}
	if id != "" {
		message = append(message, member{"id", id})
	}
	body, err := message.MarshalJSON()
	if err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	// The data goes as it was typed: encoding/json would write < as \u003c.
	body = append(append(body[:len(body)-1], `,"data":`...), args[2]...)
	body = append(body, '}')
	stores, err := wire.Check(ctx, body)
	if err != nil {
		return fmt.Errorf("not sent: %s", reason(err))
	}
	report, err := send(ctx, []checked{{line{text: body}, stores}})
	if err != nil {
		return err
	}
	_, err = io.WriteString(out, report)
	return err
}

// publishLines sends what can be read at once as one batch, so that a pipe that
// brings a line now and then is not kept waiting, and a file is sent fast. Of a
// batch with a fault nothing is sent.
func publishLines(ctx context.Context, in io.Reader, out io.Writer, send sender) error {
	source := bufio.NewReaderSize(in, 64<<10)
	number, sent := 0, 0
	for {
		batch, ended, err := readBatch(ctx, source, &number)
		if err != nil {
			return fmt.Errorf("%w; %d sent before it", err, sent)
		}
		if len(batch) > 0 {
			report, err := send(ctx, batch)
			if err != nil {
				return fmt.Errorf("lines %d to %d: %w; %d sent before them", batch[0].number, batch[len(batch)-1].number, err, sent)
			}
			sent += len(batch)
			if _, err := io.WriteString(out, report); err != nil {
				return err
			}
		}
		if ended {
			return nil
		}
	}
}

func readBatch(ctx context.Context, source *bufio.Reader, number *int) (batch []checked, ended bool, err error) {
	for size := 0; len(batch) < maxBatch && size < maxRequest/4; {
		text, err := readLine(source)
		if err != nil && err != io.EOF {
			return nil, false, fmt.Errorf("line %d: %w", *number+1, err)
		}
		ended = err == io.EOF
		if *number++; len(text) > 0 {
			stores, err := wire.Check(ctx, text)
			if err != nil {
				return nil, false, fmt.Errorf("line %d: %s", *number, reason(err))
			}
			batch = append(batch, checked{line{*number, text}, stores})
			size += len(text)
		}
		if ended || !another(source) {
			break
		}
	}
	return batch, ended, nil
}

// readLine returns the next line without white space around it. A line that is
// too long for a message is not read to its end.
func readLine(source *bufio.Reader) ([]byte, error) {
	var text []byte
	for {
		part, err := source.ReadSlice('\n')
		text = append(text, part...)
		if err == bufio.ErrBufferFull {
			if len(text) > ingest.MaxMessage+2 {
				return nil, fmt.Errorf("more than %d bytes, which no message may have", ingest.MaxMessage)
			}
			continue
		}
		return bytes.TrimSpace(text), err
	}
}

// another reports whether a whole line can be had without waiting.
func another(source *bufio.Reader) bool {
	waiting, _ := source.Peek(source.Buffered())
	return bytes.IndexByte(waiting, '\n') >= 0
}

func httpSender(base string) sender {
	client := &http.Client{Timeout: 30 * time.Second}
	return func(ctx context.Context, batch []checked) (string, error) {
		var body bytes.Buffer
		for _, m := range batch {
			// White space within a message may hold line ends.
			if err := json.Compact(&body, m.text); err != nil {
				return "", fmt.Errorf("publish: %w", err)
			}
			body.WriteByte('\n')
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/publish", &body)
		if err != nil {
			return "", fmt.Errorf("publish: %w", err)
		}
		req.Header.Set("Content-Type", mediaLines)
		res, err := client.Do(req)
		if err != nil {
			return "", unreachable(base, err)
		}
		defer res.Body.Close()
		return readReceipt(res, base)
	}
}

func readReceipt(res *http.Response, base string) (string, error) {
	if res.StatusCode != http.StatusOK {
		var p struct{ Detail string }
		if json.NewDecoder(io.LimitReader(res.Body, 64<<10)).Decode(&p) != nil || p.Detail == "" {
			return "", fmt.Errorf("%s answered %s: is it a `runnel dev`?", base, res.Status)
		}
		return "", fmt.Errorf("%s refused: %s", base, p.Detail)
	}
	var r receipt
	if err := json.NewDecoder(res.Body).Decode(&r); err != nil {
		return "", fmt.Errorf("publish: the answer of %s: %w", base, err)
	}
	var b strings.Builder
	for _, at := range r.Stored {
		fmt.Fprintf(&b, "stored %s %s as number %d\n", at.Channel, at.EventType, at.Seq)
	}
	return b.String(), nil
}

// baseURL checks the address of a server.
func baseURL(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return "", usageError{fmt.Errorf("--url %q: want an address such as %s", text, defaultURL)}
	}
	return strings.TrimSuffix(u.Scheme+"://"+u.Host+u.Path, "/"), nil
}

// unreachable says what to do about a server that does not answer.
func unreachable(base string, err error) error {
	if errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("nothing listens at %s: start it with `make dev` or `runnel dev`, or name another server with --url", base)
	}
	return fmt.Errorf("%s does not answer: %w", base, err)
}

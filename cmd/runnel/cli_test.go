package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	deleted   = `{"channel":"CommentStream:item:42","event_type":"CommentDeleted","data":{"comment_id":"1","item_id":"42"}}`
	badDelete = `{"channel":"CommentStream:item:42","event_type":"CommentDeleted","data":{"comment_id":1,"item_id":"42"}}`
)

func TestAFaultIsOneLineThatSaysWhatToDo(t *testing.T) {
	t.Parallel()
	nobody := "http://" + closedAddr(t)
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = busy.Close() })
	for name, tc := range map[string]struct {
		args   []string
		stdin  string
		status int
		says   []string
	}{
		"unknown command":   {args: []string{"serve"}, status: statusUsage, says: []string{`unknown command "serve"`, "usage: runnel"}},
		"unknown flag":      {args: []string{"dev", "--port", "1"}, status: statusUsage, says: []string{"unknown flag: --port", "usage: runnel dev"}},
		"two arguments":     {args: []string{"publish", "a", "b"}, status: statusUsage, says: []string{"want CHANNEL TYPE JSON"}},
		"no channel":        {args: []string{"tail"}, status: statusUsage, says: []string{"at least one channel"}},
		"malformed channel": {args: []string{"tail", "nope"}, status: statusUsage, says: []string{"want Stream:key"}},
		"malformed since":   {args: []string{"tail", "--since", "yesterday", "SystemStream:all"}, status: statusUsage, says: []string{"--since"}},
		"not a URL":         {args: []string{"tail", "--url", "localhost", "SystemStream:all"}, status: statusUsage, says: []string{"such as http://127.0.0.1:8080"}},
		"not JSON":          {args: []string{"publish", "SystemStream:all", "SystemAlert", "{"}, status: statusFailed, says: []string{"the data is not JSON"}},
		"unknown stream":    {args: []string{"publish", "NoStream:all", "SystemAlert", "{}"}, status: statusFailed, says: []string{"not sent", "NoStream"}},
		"unknown event":     {args: []string{"publish", "SystemStream:all", "Alarm", "{}"}, status: statusFailed, says: []string{"not sent", `"Alarm"`, "SystemAlert"}},
		"field of wrong type": {
			args:   []string{"publish", "SystemStream:all", "SystemAlert", `{"message":"m","severity":"s","expires_at":"soon"}`},
			status: statusFailed, says: []string{"not sent", "SystemAlert.expires_at"},
		},
		"field missing":    {args: []string{"publish", "SystemStream:all", "SystemAlert", `{"message":"m","severity":"s"}`}, status: statusFailed, says: []string{"SystemAlert.expires_at"}},
		"nobody listens":   {args: []string{"publish", "--url", nobody, "CommentStream:item:42", "CommentDeleted", `{"comment_id":"1","item_id":"42"}`}, status: statusFailed, says: []string{"nothing listens at " + nobody, "runnel dev"}},
		"busy port":        {args: []string{"dev", "--addr", busy.Addr().String()}, status: statusFailed, says: []string{"the port is in use", "--addr"}},
		"data and aws":     {args: []string{"dev", "--data", "x", "--aws"}, status: statusFailed, says: []string{"data", "aws"}},
		"id for lines":     {args: []string{"publish", "--id", "1"}, status: statusUsage, says: []string{"--id is for one event"}},
		"a line at fault":  {args: []string{"publish", "--url", nobody}, stdin: deleted + "\n\n" + badDelete + "\n", status: statusFailed, says: []string{"line 3: CommentDeleted.comment_id", "0 sent before it"}},
		"a line too long":  {args: []string{"publish", "--url", nobody}, stdin: strings.Repeat("x", 300<<10), status: statusFailed, says: []string{"line 1: a message of 307200 bytes, at most 262144 are allowed"}},
		"a line, not JSON": {args: []string{"publish", "--url", nobody}, stdin: "hello\n", status: statusFailed, says: []string{"line 1: the message is not a JSON object"}},
		"no definitions":   {args: []string{"generate", "--from", filepath.Join(t.TempDir(), "none")}, status: statusFailed, says: []string{"none"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, out, errs := cli(t, tc.stdin, tc.args...)
			require.Equal(t, tc.status, status, errs)
			require.Empty(t, out)
			for _, say := range tc.says {
				require.Contains(t, errs, say)
			}
			lines := strings.Count(errs, "\n")
			if tc.status == statusUsage {
				lines-- // the usage line
			}
			require.Equal(t, 1, lines, errs)
		})
	}
}

func TestALockedDataFileIsOneLineThatSaysWhatToDo(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	serveDev(t, "--data", folder)
	status, _, errs := cli(t, "", "dev", "--addr", "127.0.0.1:0", "--data", folder)
	require.Equal(t, statusFailed, status)
	require.Contains(t, errs, "another process has it open: stop that one, or keep the events in another folder with --data")
	require.Equal(t, 1, strings.Count(errs, "\n"))
}

func TestWhatIsPrintedCanBeTypedAsItStands(t *testing.T) {
	t.Parallel()
	s := serveDev(t)
	require.Contains(t, s.said, "in memory")
	_, line, _ := strings.Cut(s.said, "\npublish   runnel ")
	line, _, _ = strings.Cut(line, "\n")
	args, data, ok := strings.Cut(line, " '")
	require.True(t, ok, s.said)
	status, out, errs := cli(t, "", append(strings.Fields(args), strings.TrimSuffix(data, "'"))...)
	require.Equal(t, statusOK, status, errs)
	require.Equal(t, "stored CommentStream:item:42 CommentAdded as number 1\n", out)
	require.Equal(t, statusOK, s.stop())
}

func TestLinesAreStoredInTheirOrder(t *testing.T) {
	t.Parallel()
	s := serveDev(t)
	var in strings.Builder
	const n = 1200 // more than two batches
	for i := range n {
		fmt.Fprintf(&in, `{"channel":"CommentStream:item:1","event_type":"CommentDeleted","data":{"comment_id":"%d","item_id":"1"}}`+"\n", i)
	}
	status, out, errs := cli(t, in.String(), "publish", "--url", s.url)
	require.Equal(t, statusOK, status, errs)
	require.Equal(t, n, strings.Count(out, "\n"))
	events := tailN(t, s.url, n-200, "--since", "-1000", "CommentStream:item:1")
	for i, line := range events {
		require.Contains(t, line, fmt.Sprintf(`"comment_id":"%d"`, i+200))
	}
}

func TestOfABatchWithAFaultNothingIsStored(t *testing.T) {
	t.Parallel()
	s := serveDev(t)
	status, out, errs := cli(t, deleted+"\n"+badDelete+"\n", "publish", "--url", s.url)
	require.Equal(t, statusFailed, status)
	require.Empty(t, out)
	require.Contains(t, errs, "line 2: CommentDeleted.comment_id")
	_, out, _ = cli(t, deleted+"\n", "publish", "--url", s.url)
	require.Contains(t, out, "as number 1\n", "the first to be stored")
}

func TestAnIdIsStoredOnce(t *testing.T) {
	t.Parallel()
	s := serveDev(t)
	for range 2 {
		_, out, errs := cli(t, "", "publish", "--url", s.url, "--id", "a", "CommentStream:item:1", "CommentDeleted", `{"comment_id":"1","item_id":"1"}`)
		require.Contains(t, out, "as number 1\n", errs)
	}
}

func TestADomainEventGoesThroughTheEventLogic(t *testing.T) {
	t.Parallel()
	s := serveDev(t)
	_, out, errs := cli(t, `{"event_type":"CommentAdded","payload":{"comment_id":"2","item_id":"42","author_name":"Bob","text":"<b>","timestamp":1},"context":{"item_owner_id":"7"}}`,
		"publish", "--url", s.url)
	require.Equal(t, "stored CommentStream:item:42 CommentAdded as number 1\nstored NotificationStream:user:7 NewCommentNotification as number 1\n", out, errs)
	require.Contains(t, tailN(t, s.url, 1, "--since", "earliest", "--json", "CommentStream:item:42")[0], `"channel":"CommentStream:item:42","event_type":"CommentAdded","data":{"comment_id":"2"`)
}

func TestTheStateOfTheGeneratedFilesIsSaid(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	source, err := os.ReadFile("../../events/comment_sse.go")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(folder, "comment_sse.go"), source, 0o600))
	status, _, errs := cli(t, "", "generate", "--from", folder, "--check")
	require.Equal(t, statusFailed, status)
	require.Contains(t, errs, "make generate")
	status, out, errs := cli(t, "", "generate", "--from", folder)
	require.Equal(t, statusOK, status, errs)
	require.Contains(t, out, "wrote ")
	status, out, errs = cli(t, "", "generate", "--from", folder, "--check")
	require.Equal(t, statusOK, status, errs)
	require.Contains(t, out, "everything is fresh")
}

func TestVersion(t *testing.T) {
	t.Parallel()
	_, out, _ := cli(t, "", "version")
	require.Equal(t, "runnel development\n", out)
}

// tailN follows until n events have come, and returns their lines.
func tailN(t *testing.T, url string, n int, args ...string) []string {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	out := &lineCounter{want: n, enough: stop}
	var errs bytes.Buffer
	status := run(ctx, append([]string{"tail", "--url", url}, args...), strings.NewReader(""), out, &errs)
	require.Equal(t, statusOK, status, errs.String())
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	require.GreaterOrEqual(t, len(lines), n, errs.String())
	return lines[:n]
}

// lineCounter calls enough when it has got the lines.
type lineCounter struct {
	bytes.Buffer
	want   int
	enough func()
}

func (c *lineCounter) Write(p []byte) (int, error) {
	if c.want -= bytes.Count(p, []byte("\n")); c.want <= 0 {
		c.enough()
	}
	return c.Buffer.Write(p)
}

var _ io.Writer = (*lineCounter)(nil)

func closedAddr(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer ln.Close()
	return ln.Addr().String()
}

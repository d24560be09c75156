package dynamo_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/dynamo"
	"github.com/runnel-sse/runnel/pkg/subscriber"
)

const (
	childTable   = "RUNNEL_DYNAMO_TEST_TABLE" // set: this process is a child of TestACrowdOverProcesses
	childProcess = "RUNNEL_DYNAMO_TEST_PROCESS"
)

const (
	crowdLimit     = 50
	crowdProcesses = 8
	crowdEach      = 63 // connects of each process: 504 in all
	// crowdLease is long enough that no process of a loaded machine is taken for
	// dead while it joins: its places would be given away, rightly.
	crowdLease = 10 * time.Second
)

var crowded = channel.MustParse("CommentStream:item:1")

func TestMain(m *testing.M) {
	if table := os.Getenv(childTable); table != "" {
		if err := child(context.Background(), table, os.Getenv(childProcess)); err != nil {
			fmt.Println("fault", err)
		}
		return
	}
	os.Exit(m.Run())
}

func seat(id, process string) subscriber.Connection {
	return subscriber.Connection{
		ID: id, Process: process, User: "user of " + id, Address: "192.0.2.7", Joined: time.Now(),
		Seats: []subscriber.Seat{{Channel: crowded, Limit: crowdLimit, Presence: true}},
	}
}

// child takes a lease, waits for a line, joins all at once and says how many got
// in, and then keeps its lease until its input ends, or it is killed.
func child(ctx context.Context, table, process string) error {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	r := dynamo.NewRegistry(dynamodb.NewFromConfig(cfg), table, dynamo.RegistryOptions{})
	renew := func() error { return r.Renew(ctx, process, time.Now().Add(crowdLease)) }
	if err := renew(); err != nil {
		return err
	}
	in := bufio.NewReader(os.Stdin)
	fmt.Println("ready")
	if _, err := in.ReadString('\n'); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- crowd(ctx, r, process) }()
	go func() {
		_, _ = io.Copy(io.Discard, in)
		done <- io.EOF
	}()
	for tick := time.NewTicker(crowdLease / 8); ; {
		select {
		case err := <-done:
			if err != nil {
				return err
			}
		case <-tick.C:
			if err := renew(); err != nil {
				return err
			}
		}
	}
}

func crowd(ctx context.Context, r *dynamo.Registry, process string) error {
	var wg sync.WaitGroup
	outcomes := make(chan error, crowdEach)
	for i := range crowdEach {
		wg.Go(func() {
			for {
				_, err := r.Join(ctx, seat(fmt.Sprintf("%s.%d", process, i), process), subscriber.Limits{})
				if !errors.Is(err, subscriber.ErrUnavailable) {
					outcomes <- err
					return
				}
			}
		})
	}
	wg.Wait()
	close(outcomes)
	in := 0
	for err := range outcomes {
		switch {
		case err == nil:
			in++
		case !errors.Is(err, subscriber.ErrFull):
			return err
		}
	}
	fmt.Println("in", in)
	return nil
}

type childOf struct {
	name  string
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines *bufio.Scanner
	got   int
}

func (c *childOf) line(t *testing.T) string {
	t.Helper()
	require.True(t, c.lines.Scan(), "%s has ended", c.name)
	require.False(t, strings.HasPrefix(c.lines.Text(), "fault"), c.lines.Text())
	return c.lines.Text()
}

// TestACrowdOverProcesses: of 504 that come at once over 8 processes, 50 get in;
// half of the processes are killed, and their places are free within one lease.
func TestACrowdOverProcesses(t *testing.T) {
	t.Parallel()
	client := open(t)
	table := newTable(t, client, dynamo.SubscribersTable)
	r := dynamo.NewRegistry(client, table, dynamo.RegistryOptions{})
	var children []*childOf
	for i := range crowdProcesses {
		c := &childOf{name: fmt.Sprint("process", i), cmd: exec.CommandContext(t.Context(), os.Args[0])}
		c.cmd.Env = append(os.Environ(), childTable+"="+table, childProcess+"="+c.name)
		var err error
		c.in, err = c.cmd.StdinPipe()
		require.NoError(t, err)
		out, err := c.cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, c.cmd.Start())
		c.lines = bufio.NewScanner(out)
		children = append(children, c)
	}
	for _, c := range children {
		require.Equal(t, "ready", c.line(t))
	}
	for _, c := range children {
		_, err := fmt.Fprintln(c.in)
		require.NoError(t, err)
	}
	in := 0
	for _, c := range children {
		_, err := fmt.Sscanf(c.line(t), "in %d", &c.got)
		require.NoError(t, err)
		in += c.got
	}
	require.Equal(t, crowdLimit, in)
	audit(t, client, table)

	killed, lost := time.Now(), 0
	for _, c := range children[:crowdProcesses/2] {
		require.NoError(t, c.cmd.Process.Kill())
		_ = c.cmd.Wait()
		lost += c.got
	}
	t.Logf("%d of %d places were those of the killed", lost, in)
	back := fill(t, r, lost, killed)
	require.Equal(t, lost, back, "each place is free again, and none besides")
	n, err := r.Count(t.Context(), crowded)
	require.NoError(t, err)
	require.Equal(t, crowdLimit, n)
	_, err = r.Reap(t.Context())
	require.NoError(t, err)
	audit(t, client, table)

	for _, c := range children[crowdProcesses/2:] {
		require.NoError(t, c.in.Close())
		require.NoError(t, c.cmd.Wait())
	}
}

// fill joins until so many are in, and one more, at latest one lease after the
// given time and a bit, and returns how many got in.
func fill(t *testing.T, r *dynamo.Registry, most int, killed time.Time) (in int) {
	t.Helper()
	const slack = 3 * time.Second // for this machine, and for a look that is due
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for ; time.Since(killed) < crowdLease+slack; <-tick.C {
		require.NoError(t, r.Renew(t.Context(), "late", time.Now().Add(time.Minute)))
		for in <= most {
			_, err := r.Join(t.Context(), seat(fmt.Sprint("late.", in), "late"), subscriber.Limits{})
			if errors.Is(err, subscriber.ErrFull) {
				break
			}
			require.NoError(t, err)
			in++
		}
	}
	return in
}

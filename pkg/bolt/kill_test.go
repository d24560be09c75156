package bolt_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/bolt"
	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/eventlog"
)

const (
	childFile = "RUNNEL_BOLT_TEST_FILE" // set: this process is the child of TestKill
	childLife = "RUNNEL_BOLT_TEST_LIFE"
)

var killed = channel.MustParse("CommentStream:item:1")

func TestMain(m *testing.M) {
	if path := os.Getenv(childFile); path != "" {
		appendUntilKilled(path, os.Getenv(childLife))
		return
	}
	os.Exit(m.Run())
}

// appendUntilKilled appends from several goroutines, and says of each event
// where it is once it was told.
func appendUntilKilled(path, life string) {
	s, err := bolt.Open(path, bolt.Options{})
	if err != nil {
		fmt.Println("fault", err)
		return
	}
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := 0; ; i++ {
				var batch []eventlog.Event
				for j := range 1 + (i+w)%4 {
					id := fmt.Sprintf("%s-%d-%d-%d", life, w, i, j)
					batch = append(batch, eventlog.Event{ID: id, Type: "A", Data: []byte(strings.Repeat(id, 20))})
				}
				at, err := s.Log().Append(context.Background(), killed, batch)
				if err != nil {
					fmt.Println("fault", err)
					return
				}
				for j, p := range at {
					// One write each: what is printed is out, whatever comes.
					_, _ = os.Stdout.WriteString(fmt.Sprintf("%d %d %s\n", p.Epoch, p.Seq, batch[j].ID))
				}
			}
		})
	}
	wg.Wait()
}

// TestKill: what was acknowledged survives kill -9 at any moment.
func TestKill(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	path := filepath.Join(t.TempDir(), "runnel.db")
	told := map[eventlog.Position]string{}
	for life := range 20 {
		live(t, path, life, 1+r.IntN(150), time.Duration(r.IntN(3000))*time.Microsecond, told)
		requireKept(t, path, told)
	}
	require.Greater(t, len(told), 200)
}

// live runs a child, kills it a moment after it has told of so many events, and
// adds what it told.
func live(t *testing.T, path string, life, events int, moment time.Duration, told map[eventlog.Position]string) {
	ctx, kill := context.WithCancel(t.Context()) // ends the child by SIGKILL
	defer kill()
	child := exec.CommandContext(ctx, os.Args[0])
	child.Env = append(os.Environ(), childFile+"="+path, fmt.Sprint(childLife, "=", life))
	out, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	lines := bufio.NewScanner(out)
	for n := 0; lines.Scan(); n++ {
		var at eventlog.Position
		var id string
		_, err := fmt.Sscanf(lines.Text(), "%d %d %s", &at.Epoch, &at.Seq, &id)
		require.NoError(t, err, lines.Text())
		require.Empty(t, told[at], "one place for two events")
		told[at] = id
		if n == events {
			time.AfterFunc(moment, kill)
		}
	}
	_ = child.Wait()
	require.Equal(t, -1, child.ProcessState.ExitCode(), "it was killed")
}

func requireKept(t *testing.T, path string, told map[eventlog.Position]string) {
	s, err := bolt.Open(path, bolt.Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	found := 0
	var after eventlog.Position
	for {
		records, err := s.Log().Read(t.Context(), killed, after, 1000)
		require.NoError(t, err)
		if len(records) == 0 {
			break
		}
		for _, r := range records {
			require.Equal(t, after.Seq+1, r.Position.Seq)
			require.Equal(t, strings.Repeat(r.ID, 20), string(r.Data))
			if id, ok := told[r.Position]; ok {
				require.Equal(t, id, r.ID)
				found++
			}
			after = r.Position
		}
	}
	require.Equal(t, len(told), found, "acknowledged and gone")
}

package e2e

import (
	"net/http"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/sse"
)

// TestAServerThatIsStoppedGivesEveryStreamItsPlannedEnd: Ctrl-C is no crash.
func TestAServerThatIsStoppedGivesEveryStreamItsPlannedEnd(t *testing.T) {
	s := startDev(t)
	var streams []*sse.Reader
	for range 50 {
		res, err := http.Get(s.url + "/sse/CommentStream/item:42")
		require.NoError(t, err)
		t.Cleanup(func() { _ = res.Body.Close() })
		in := sse.NewReader(res.Body)
		_, err = in.Next() // connected
		require.NoError(t, err)
		streams = append(streams, in)
	}
	require.NoError(t, s.cmd.Process.Signal(os.Interrupt))
	for _, in := range streams {
		e, err := in.Next()
		require.NoError(t, err)
		require.Equal(t, "sse.rotate", e.Type)
		require.JSONEq(t, `{"reason":"shutdown"}`, e.Data)
	}
	require.NoError(t, s.cmd.Wait(), "and it ends well")
}

package e2e

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestAFunctionThatIsSetUpWronglySaysAllOfIt and ends with 1, on standard error
// alone: what it would log is for a program that runs.
func TestAFunctionThatIsSetUpWronglySaysAllOfIt(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = taken.Close() }) // after the parallel cases
	for name, tc := range map[string]struct {
		program string
		env     []string
		lines   []string // how each begins, in their order
	}{
		"stream": {program: "stream", env: []string{"HEARTBEAT=soon", "MAX_CHANNELS=0", "ADDR=nowhere", "LOG_LEVEL=loud"}, lines: []string{
			"stream: EVENT_LOG_TABLE: not set", "SUBSCRIBERS_TABLE: not set", `ADDR="nowhere": want`,
			`HEARTBEAT="soon": want`, `MAX_CHANNELS="0": want`, `LOG_LEVEL="loud": want`,
		}},
		"ingest": {program: "ingest", env: []string{"LOG_LEVEL=loud"}, lines: []string{
			"ingest: EVENT_LOG_TABLE: not set", `LOG_LEVEL="loud": want`, "QUEUE_URL: not set",
		}},
		"sweep": {program: "sweep", env: []string{"LOG_LEVEL=loud"}, lines: []string{
			"sweep: EVENT_LOG_TABLE: not set", "SUBSCRIBERS_TABLE: not set", `LOG_LEVEL="loud": want`,
		}},
		"changes": {program: "changes", env: []string{"LOG_LEVEL=loud"}, lines: []string{
			"changes: runs on Lambda alone, which reads the table's stream for it; here, send to a queue and run functions/ingest",
		}},
		"changes on Lambda": {program: "changes", env: []string{"LOG_LEVEL=loud", "AWS_LAMBDA_RUNTIME_API=127.0.0.1:1"}, lines: []string{
			"changes: EVENT_LOG_TABLE: not set", `LOG_LEVEL="loud": want`,
		}},
		"stream without a region": {program: "stream", env: []string{"EVENT_LOG_TABLE=E", "SUBSCRIBERS_TABLE=S"}, lines: []string{
			"stream: no AWS region: set AWS_REGION",
		}},
		"ingest without a region": {program: "ingest", env: []string{"EVENT_LOG_TABLE=E", "QUEUE_URL=http://127.0.0.1:1/q"}, lines: []string{
			"ingest: no AWS region: set AWS_REGION",
		}},
		"sweep without a region": {program: "sweep", env: []string{"EVENT_LOG_TABLE=E", "SUBSCRIBERS_TABLE=S"}, lines: []string{
			"sweep: no AWS region: set AWS_REGION",
		}},
		"changes without a region": {program: "changes", env: []string{"EVENT_LOG_TABLE=E", "AWS_LAMBDA_RUNTIME_API=127.0.0.1:1"}, lines: []string{
			"changes: no AWS region: set AWS_REGION",
		}},
		"control": {program: "control", env: []string{"LOG_LEVEL=loud"}, lines: []string{
			"control: EVENT_LOG_TABLE: not set", "SUBSCRIBERS_TABLE: not set", `LOG_LEVEL="loud": want`,
		}},
		"stream on a busy port": {program: "stream", env: []string{
			"EVENT_LOG_TABLE=E", "SUBSCRIBERS_TABLE=S", "AWS_REGION=us-east-1", "ADDR=" + taken.Addr().String(),
		}, lines: []string{"stream: the port is in use: " + taken.Addr().String() + ": stop what runs there"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr bytes.Buffer
			cmd := exec.CommandContext(t.Context(), build(t, "functions/"+tc.program))
			// Nothing of this machine's: it may have a region, or a local cloud.
			cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "AWS_EC2_METADATA_DISABLED=true"}, tc.env...)
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			var exit *exec.ExitError
			require.ErrorAs(t, cmd.Run(), &exit)
			require.Equal(t, 1, exit.ExitCode(), "%s", &stderr)
			require.Empty(t, stdout.String())
			got := strings.Split(strings.TrimSuffix(stderr.String(), "\n"), "\n")
			require.Len(t, got, len(tc.lines), "%s", &stderr)
			for i, begins := range tc.lines {
				require.True(t, strings.HasPrefix(got[i], begins), "%q does not begin with %q", got[i], begins)
			}
		})
	}
}

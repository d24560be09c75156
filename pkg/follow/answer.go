package follow

import (
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"time"

	"github.com/runnel-sse/runnel/pkg/sse"
)

// admitted reports whether the answer is a stream, and if not, how it ends.
func (f *follower) admitted(resp *http.Response, body io.Reader) (ending, bool) {
	if resp.StatusCode == http.StatusOK {
		kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
		if kind == sse.ContentType {
			return ending{}, true
		}
		return ending{final: true, err: fmt.Errorf("follow: the server answers %q, not a stream", resp.Header.Get("Content-Type"))}, false
	}
	refusal := &StatusError{Status: resp.StatusCode}
	var problem struct{ Title, Detail string }
	if text, err := io.ReadAll(io.LimitReader(body, 64<<10)); err == nil && json.Unmarshal(text, &problem) == nil {
		refusal.Title, refusal.Detail = problem.Title, problem.Detail
	}
	transient := resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode >= 500
	return ending{err: refusal, final: !transient, notYet: f.retryAfter(resp.Header.Get("Retry-After"))}, false
}

// retryAfter reads both forms of the header: seconds, or a date.
func (f *follower) retryAfter(value string) time.Duration {
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return at.Sub(f.Now())
	}
	return 0
}

// watchdog calls bark when nothing has come for the time of silence while
// somebody waited for it. The time that the events take their handler is not
// counted: what the server sent meanwhile is not lost, only unread.
type watchdog struct {
	src     io.Reader
	silence time.Duration
	timer   *time.Timer
}

func newWatchdog(heartbeat time.Duration, bark func()) *watchdog {
	w := &watchdog{silence: time.Duration(patience * float64(heartbeat)), timer: time.AfterFunc(time.Hour, bark)}
	w.stop()
	return w
}

func (w *watchdog) start() { w.timer.Reset(w.silence) }
func (w *watchdog) stop()  { w.timer.Stop() }

// Read reads from src under watch.
func (w *watchdog) Read(p []byte) (int, error) {
	w.start()
	defer w.stop()
	return w.src.Read(p)
}

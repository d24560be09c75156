package load_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/bench/load"
)

// hub is a server of streams that can be told to fail.
type hub struct {
	mu      sync.Mutex
	readers map[string][]chan []byte
	events  int
	drop    func(event, reader int) bool
	double  func(event, reader int) bool
}

func (h *hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		h.publish(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	frames := make(chan []byte, 1000)
	h.mu.Lock()
	h.readers[r.URL.Path] = append(h.readers[r.URL.Path], frames)
	h.mu.Unlock()
	for {
		_ = http.NewResponseController(w).Flush()
		select {
		case <-r.Context().Done():
			return
		case frame := <-frames:
			if frame == nil {
				return
			}
			_, _ = w.Write(frame)
		}
	}
}

func (h *hub) publish(w http.ResponseWriter, r *http.Request) {
	var event struct {
		Channel string          `json:"channel"`
		Data    json.RawMessage `json:"data"`
	}
	if err := json.NewDecoder(r.Body).Decode(&event); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var number int
	_, _ = fmt.Sscanf(event.Channel, "CommentStream:item:%d", &number)
	h.mu.Lock()
	defer h.mu.Unlock()
	for i, frames := range h.readers[load.Path(number)] {
		if h.drop == nil || !h.drop(h.events, i) {
			frames <- fmt.Appendf(nil, "data: %s\n\n", event.Data)
		}
		if h.double != nil && h.double(h.events, i) {
			frames <- fmt.Appendf(nil, "data: %s\n\n", event.Data)
		}
	}
	h.events++
}

// run has 10 readers of the hub read 20 events.
func run(t *testing.T, h *hub, channels int) *load.Result {
	t.Helper()
	h.readers = map[string][]chan []byte{}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	g, err := load.New(netip.MustParseAddrPort(server.Listener.Addr().String()))
	require.NoError(t, err)
	t.Cleanup(g.Close)
	_, err = g.Connect(10, channels, 10*time.Second)
	require.NoError(t, err)
	require.NoError(t, g.Idle(50*time.Millisecond))
	result, err := g.Run(load.Plan{Rate: 200, For: 100 * time.Millisecond, Drain: time.Second})
	require.NoError(t, err)
	require.Equal(t, 20, result.Sent)
	require.Equal(t, uint64(result.Delivered), result.Latency.Count())
	return result
}

func TestAWholeRunIsCountedWhole(t *testing.T) {
	t.Parallel()
	result := run(t, &hub{}, 1)
	require.True(t, result.Whole(), "%+v", result)
	require.Equal(t, 200, result.Delivered)
}

func TestEachChannelGetsItsEvents(t *testing.T) {
	t.Parallel()
	result := run(t, &hub{}, 10)
	require.True(t, result.Whole(), "%+v", result)
	require.Equal(t, 20, result.Delivered)
}

func TestALostEventIsNoticed(t *testing.T) {
	t.Parallel()
	result := run(t, &hub{drop: func(event, reader int) bool { return event == 7 && reader == 3 }}, 1)
	require.False(t, result.Whole())
	require.Equal(t, 1, result.Missing)
	require.Equal(t, 199, result.Delivered)
}

func TestADoubledEventDoesNotMakeUpForALostOne(t *testing.T) {
	t.Parallel()
	result := run(t, &hub{
		drop:   func(event, reader int) bool { return event == 7 && reader == 3 },
		double: func(event, reader int) bool { return event == 9 && reader == 3 },
	}, 1)
	require.False(t, result.Whole())
	require.Equal(t, 1, result.Damaged)
}

func TestARefusedReaderIsAnError(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	g, err := load.New(netip.MustParseAddrPort(server.Listener.Addr().String()))
	require.NoError(t, err)
	t.Cleanup(g.Close)
	_, err = g.Connect(1, 1, 10*time.Second)
	require.ErrorContains(t, err, "404")
}

package wire

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/obs"
)

var errBroken = errors.New("broken")

// order notes what happened, in its order.
type order struct {
	mu  sync.Mutex
	all []string
}

func (o *order) note(what string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.all = append(o.all, what)
}

// until runs until ctx is done and then ends with err.
func (o *order) until(name string, err error) func(context.Context) error {
	return func(ctx context.Context) error {
		<-ctx.Done()
		o.note(name)
		if err != nil {
			return err
		}
		return ctx.Err()
	}
}

func broken(context.Context) error { return errBroken }

func TestWhatIsBesideEndsAfterWhatItServes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		var o order
		ended := make(chan error, 1)
		go func() {
			ended <- while(ctx, func(ctx context.Context) error {
				<-ctx.Done()
				time.Sleep(time.Second) // what is beside has all the time to end too early
				o.note("main")
				return nil
			}, o.until("beside", nil))
		}()
		synctest.Wait()
		require.Empty(t, o.all, "nothing ends by itself")
		stop()
		require.NoError(t, <-ended)
		require.Equal(t, []string{"main", "beside"}, o.all)
	})
}

func TestWhatEndsEndsTheOthers(t *testing.T) {
	t.Parallel()
	other := errors.New("other")
	for name, tc := range map[string]struct {
		run  func(ctx context.Context, o *order) error
		want []error
		left []string
	}{
		"one beside main": {run: func(ctx context.Context, o *order) error {
			return while(ctx, o.until("main", nil), broken, o.until("beside", nil))
		}, want: []error{errBroken}, left: []string{"beside", "main"}},
		"main itself": {run: func(ctx context.Context, o *order) error {
			return while(ctx, broken, o.until("beside", other))
		}, want: []error{errBroken, other}, left: []string{"beside"}},
		"one of some": {run: func(ctx context.Context, o *order) error {
			return together(ctx, o.until("a", nil), broken)
		}, want: []error{errBroken}, left: []string{"a"}},
		"and every fault is told": {run: func(ctx context.Context, o *order) error {
			return together(ctx, o.until("a", other), broken)
		}, want: []error{errBroken, other}, left: []string{"a"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var o order
				err := tc.run(t.Context(), &o)
				for _, want := range tc.want {
					require.ErrorIs(t, err, want)
				}
				require.Equal(t, tc.left, o.all)
			})
		})
	}
}

func TestTheEndOfAContextIsNoFault(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		stop()
		var o order
		require.NoError(t, together(ctx, o.until("a", nil), o.until("b", nil)))
		require.Len(t, o.all, 2, "it waits for all")
	})
}

// numbers is a Metrics that keeps them.
type numbers struct {
	mu   sync.Mutex
	sums map[obs.Metric]float64
	sets []float64
}

func (n *numbers) Add(m obs.Metric, k int) { n.Observe(m, float64(k)) }

func (n *numbers) Observe(m obs.Metric, v float64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.sums[m] += v
}

func (n *numbers) Set(_ obs.Metric, v float64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.sets = append(n.sets, v)
}

func TestAPanicIsAnsweredAndTold(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		handler http.HandlerFunc
		status  int
		body    string
		panics  float64
	}{
		"none":     {handler: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) }, status: http.StatusAccepted},
		"at once":  {handler: func(http.ResponseWriter, *http.Request) { panic("secret") }, status: http.StatusInternalServerError, panics: 1},
		"an abort": {handler: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, status: http.StatusOK},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var said bytes.Buffer
			n := &numbers{sums: map[obs.Metric]float64{}}
			res := httptest.NewRecorder()
			recovered(tc.handler, slog.New(slog.NewJSONHandler(&said, nil)), n).ServeHTTP(res, httptest.NewRequest(http.MethodGet, "/sse", nil))
			require.Equal(t, tc.status, res.Code)
			if tc.status != http.StatusInternalServerError {
				require.Equal(t, tc.body, res.Body.String(), "a reader sees nothing of it")
			}
			require.Equal(t, tc.panics, n.sums[obs.Panics])
			if tc.panics == 0 {
				require.Empty(t, said.String())
				return
			}
			var line map[string]any
			require.NoError(t, json.Unmarshal(said.Bytes(), &line), "one line: %s", &said)
			require.Equal(t, "ERROR", line["level"])
			require.Equal(t, "secret", line["panic"])
			require.Contains(t, said.String(), "wire_test.go", "with its stack")
		})
	}
}

func TestConnectionsAreCountedThoughTheirHandlerPanics(t *testing.T) {
	t.Parallel()
	n := &numbers{sums: map[obs.Metric]float64{}}
	open := 4
	h := counted(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		require.Equal(t, []float64{5}, n.sets, "with this one")
		panic("x")
	}), n, func() int { return open })
	require.Panics(t, func() { h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/sse", nil)) })
	require.Equal(t, []float64{5, 4}, n.sets)
	require.Equal(t, 1.0, n.sums[obs.ConnectionsOpened])
	require.Positive(t, n.sums[obs.ConnectionSeconds])
}

// TestAPanicIsAnAnswerWithABody: without one a function URL leaves the answer
// open until the function's time is up.
func TestAPanicIsAnAnswerWithABody(t *testing.T) {
	t.Parallel()
	h := recovered(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("secret") }), slog.New(slog.DiscardHandler), obs.Nop{})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/sse", nil))
	require.Equal(t, http.StatusInternalServerError, w.Code)
	require.Equal(t, "application/problem+json", w.Header().Get("Content-Type"))
	require.NotContains(t, w.Body.String(), "secret")
	var p struct {
		Type   string
		Status int
	}
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &p))
	require.Equal(t, "urn:runnel:problem:internal", p.Type)
	require.Equal(t, http.StatusInternalServerError, p.Status)
}

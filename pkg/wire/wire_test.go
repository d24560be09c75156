package wire

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/obs"
)

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

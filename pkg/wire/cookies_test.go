package wire_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/wire"
)

func TestCookiesOfTheEventAreCookiesOfTheRequest(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		header string
		event  []string
		want   map[string]string
	}{
		"in the event":     {event: []string{"a=1", "__Host-runnel=x.y.z"}, want: map[string]string{"a": "1", "__Host-runnel": "x.y.z"}},
		"none":             {want: map[string]string{}},
		"in both, as sent": {header: "a=1", event: []string{"a=1"}, want: map[string]string{"a": "1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := map[string]string{}
			h := wire.WithCookies(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				for _, c := range r.Cookies() {
					got[c.Name] = c.Value
				}
			}), func(context.Context) []string { return tc.event })
			r := httptest.NewRequest(http.MethodGet, "/sse", nil)
			if tc.header != "" {
				r.Header.Set("Cookie", tc.header)
			}
			h.ServeHTTP(httptest.NewRecorder(), r)
			require.Equal(t, tc.want, got)
		})
	}
}

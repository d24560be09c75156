package problem_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/problem"
)

type place struct {
	Line  int    `json:"line,omitempty"`
	Field string `json:"field,omitempty"`
}

func TestAProblemIsABodyOfRFC9457(t *testing.T) {
	t.Parallel()
	const busy = `{"type":"urn:runnel:problem:busy","title":"Service Unavailable","status":503,"detail":"come \"back\""`
	for name, tc := range map[string]struct {
		p         problem.Problem
		body      string
		retry     string
		challenge string
		transient bool
	}{
		"plain":               {p: problem.Problem{Status: 503, Code: "busy", Detail: `come "back"`}, body: busy + "}\n", transient: true},
		"with members":        {p: problem.Problem{Status: 503, Code: "busy", Detail: `come "back"`, Members: place{Line: 3, Field: "a.b"}}, body: busy + `,"line":3,"field":"a.b"}` + "\n", transient: true},
		"with no member said": {p: problem.Problem{Status: 503, Code: "busy", Detail: `come "back"`, Members: place{}}, body: busy + "}\n", transient: true},
		"members of no kind":  {p: problem.Problem{Status: 503, Code: "busy", Detail: `come "back"`, Members: func() {}}, body: busy + "}\n", transient: true},
		"later":               {p: problem.Problem{Status: 429, Code: "rate", RetryAfter: 2600 * time.Millisecond}, body: `{"type":"urn:runnel:problem:rate","title":"Too Many Requests","status":429,"detail":""}` + "\n", retry: "3", transient: true},
		"nobody known":        {p: problem.Problem{Status: 401, Code: "unauthorized"}, body: `{"type":"urn:runnel:problem:unauthorized","title":"Unauthorized","status":401,"detail":""}` + "\n", challenge: "Bearer"},
		"a bad token":         {p: problem.Problem{Status: 401, Code: "x", Challenge: `Bearer error="invalid_token"`}, body: `{"type":"urn:runnel:problem:x","title":"Unauthorized","status":401,"detail":""}` + "\n", challenge: `Bearer error="invalid_token"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rec := httptest.NewRecorder()
			problem.Write(rec, tc.p)
			res := rec.Result()
			body, err := io.ReadAll(res.Body)
			require.NoError(t, err)
			require.Equal(t, tc.body, string(body))
			require.Equal(t, tc.p.Status, res.StatusCode)
			require.Equal(t, http.Header{"Content-Type": {problem.MediaType}, "Cache-Control": {"no-store"}}, without(res.Header, "Retry-After", "Www-Authenticate"))
			require.Equal(t, tc.retry, res.Header.Get("Retry-After"))
			require.Equal(t, tc.challenge, res.Header.Get("WWW-Authenticate"))
			require.Equal(t, tc.transient, tc.p.Transient())
			require.EqualError(t, tc.p, tc.p.Detail)
		})
	}
}

func without(h http.Header, names ...string) http.Header {
	h = h.Clone()
	for _, name := range names {
		h.Del(name)
	}
	return h
}

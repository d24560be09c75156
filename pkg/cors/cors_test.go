package cors_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/cors"
	"github.com/runnel-sse/runnel/pkg/problem"
)

const (
	app  = "https://app.example.com"
	wild = "https://*.example.com"
)

func policy(t *testing.T, inFront bool, origins ...string) *cors.Policy {
	t.Helper()
	p, err := cors.New(cors.Config{Origins: origins, InFront: inFront, Methods: "GET, POST", Headers: "Authorization"})
	require.NoError(t, err)
	return p
}

// request is of a page of that origin, "" for none.
func request(origin string, header ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "https://sse.example.net/sse/CommentStream/item:42", nil)
	if origin != "" {
		r.Header.Set("Origin", origin)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

func TestWhichPagesMayRead(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		list    []string
		inFront bool
		origin  string
		want    string // Access-Control-Allow-Origin
		cookies bool
		vary    bool
	}{
		"on the list":         {list: []string{app}, origin: app, want: app, cookies: true, vary: true},
		"the second":          {list: []string{"https://a.example", app}, origin: app, want: app, cookies: true, vary: true},
		"not on the list":     {list: []string{app}, origin: "https://evil.example.com", vary: true},
		"a longer host":       {list: []string{app}, origin: app + ".evil.com", vary: true},
		"another scheme":      {list: []string{app}, origin: "http://app.example.com", vary: true},
		"another port":        {list: []string{app}, origin: app + ":8443", vary: true},
		"no origin":           {list: []string{app}, vary: true},
		"the null origin":     {list: []string{app}, origin: "null", vary: true},
		"everybody":           {list: []string{"*"}, origin: "https://a.example", want: "*", vary: true},
		"everybody, no page":  {list: []string{"*"}, vary: true},
		"nobody knows":        {origin: app},
		"answered in front":   {list: []string{app}, inFront: true, origin: app},
		"a subdomain":         {list: []string{wild}, origin: "https://a.example.com", want: "https://a.example.com", vary: true},
		"at any depth":        {list: []string{wild}, origin: "https://a-1.b_c.example.com", want: "https://a-1.b_c.example.com", vary: true},
		"also exact":          {list: []string{wild, app}, origin: app, want: app, cookies: true, vary: true},
		"not the bare domain": {list: []string{wild}, origin: "https://example.com", vary: true},
		"not a longer name":   {list: []string{wild}, origin: "https://evilexample.com", vary: true},
		"not an empty label":  {list: []string{wild}, origin: "https://.example.com", vary: true},
		"not two dots":        {list: []string{wild}, origin: "https://a..example.com", vary: true},
		"not a suffix":        {list: []string{wild}, origin: "https://a.example.com.evil.com", vary: true},
		"not a fragment":      {list: []string{wild}, origin: "https://evil.com#.example.com", vary: true},
		"not a path":          {list: []string{wild}, origin: "https://evil.com/.example.com", vary: true},
		"not a user":          {list: []string{wild}, origin: "https://evil.com:x@a.example.com", vary: true},
		"not a capital":       {list: []string{wild}, origin: "https://A.example.com", vary: true},
		"not http":            {list: []string{wild}, origin: "http://a.example.com", vary: true},
		"not another port":    {list: []string{wild}, origin: "https://a.example.com:8443", vary: true},
		"a wildcard's port":   {list: []string{"http://*.example.test:3000"}, origin: "http://a.example.test:3000", want: "http://a.example.test:3000", vary: true},
		"a star is no label":  {list: []string{wild}, origin: wild, vary: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := policy(t, tc.inFront, tc.list...)
			check := func(h http.Header) {
				require.Equal(t, tc.want, h.Get("Access-Control-Allow-Origin"))
				require.Equal(t, tc.cookies, h.Get("Access-Control-Allow-Credentials") == "true")
				require.Equal(t, tc.vary, h.Get("Vary") == "Origin")
				require.Equal(t, tc.want != "", h.Get("Access-Control-Expose-Headers") == "Retry-After")
			}
			h := http.Header{}
			p.Answer(h, request(tc.origin))
			check(h)

			rec := httptest.NewRecorder()
			r := request(tc.origin, "Access-Control-Request-Method", "POST")
			p.Answer(rec.Header(), r)
			p.Preflight(rec, r)
			check(rec.Header())
			require.Equal(t, http.StatusOK, rec.Code)
			require.NotEmpty(t, rec.Body.String())
			require.Equal(t, "GET, POST, OPTIONS", rec.Header().Get("Allow"))
			require.Equal(t, tc.want != "", rec.Header().Get("Access-Control-Allow-Methods") == "GET, POST")
			require.Equal(t, tc.want != "", rec.Header().Get("Access-Control-Allow-Headers") == "Authorization")
		})
	}
}

// TestCredentialsOfAForeignPageAreRefused: CORS alone would have the server send
// all of it, and the browser throw it away.
func TestCredentialsOfAForeignPageAreRefused(t *testing.T) {
	t.Parallel()
	const other, sub = "https://evil.example.org", "https://a.example.com"
	cookie, token := []string{"Cookie", "__Host-runnel=x"}, []string{"Authorization", "Bearer x"}
	for name, tc := range map[string]struct {
		list    []string
		inFront bool
		origin  string
		header  []string
		ticket  bool
		refused string // a part of why
	}{
		"a cookie":                       {list: []string{app}, origin: other, header: cookie, refused: "cookies"},
		"a token":                        {list: []string{app}, origin: other, header: token, refused: "tokens"},
		"a ticket":                       {list: []string{app}, origin: other, ticket: true, refused: "tokens"},
		"of no origin":                   {list: []string{app}, origin: "null", header: token, refused: "tokens"},
		"also where it is said in front": {list: []string{app}, inFront: true, origin: other, header: cookie, refused: "cookies"},
		"a cookie under a wildcard":      {list: []string{wild}, origin: sub, header: cookie, refused: "cookies"},
		"a cookie from everywhere":       {list: []string{"*"}, origin: other, header: cookie, refused: "cookies"},
		"of a name that begins like us":  {list: []string{app}, origin: "https://sse.example.net.evil.org", header: token, refused: "tokens"},
		"none":                           {list: []string{app}, origin: other},
		"on the list":                    {list: []string{app}, origin: app, header: cookie},
		"on the list, with a token":      {list: []string{app}, origin: app, header: token},
		"a token under a wildcard":       {list: []string{wild}, origin: sub, header: token},
		"a ticket under a wildcard":      {list: []string{wild}, origin: sub, ticket: true},
		"a token from everywhere":        {list: []string{"*"}, origin: other, header: token},
		"a program":                      {list: []string{app}, header: token},
		"our own page":                   {list: []string{app}, origin: "https://sse.example.net", header: cookie},
		"a cookie, and no list":          {origin: other, header: cookie, refused: "cookies"},
		"a ticket, and no list in front": {inFront: true, origin: other, ticket: true, refused: "tokens"},
		"our own page, and no list":      {origin: "https://sse.example.net", header: cookie},
		"no list, and nobody's":          {origin: other},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := request(tc.origin, tc.header...)
			if tc.ticket {
				r.URL.RawQuery = url.Values{"ticket": {"x"}}.Encode()
			}
			err := policy(t, tc.inFront, tc.list...).Refusal(r)
			if tc.refused == "" {
				require.NoError(t, err)
				return
			}
			var p problem.Problem
			require.ErrorAs(t, err, &p)
			require.Equal(t, http.StatusForbidden, p.Status)
			require.Equal(t, "foreign-origin", p.Code)
			require.Contains(t, p.Detail, tc.refused)
		})
	}
}

func TestEveryFaultOfTheListIsSaid(t *testing.T) {
	t.Parallel()
	wrong := []string{
		"", "app.example.com", "https://a.example/", "https://a.example/x", "https://a.example?x", "https://a.example#x", "https://u@a.example",
		"https://A.example", "HTTPS://a.example", "ftp://a.example", "file://x", "https://", "https://a.example:443", "http://a.example:80", "https://a.example:",
		"null", "https://*", "https://*.com", "https://*.*.example.com", "https://a.*.example.com", "https://*a.example.com", "*.example.com", "https://a.example,https://b.example",
	}
	_, err := cors.New(cors.Config{Origins: wrong})
	for _, s := range wrong {
		require.Error(t, cors.Check(s), s)
		require.ErrorContains(t, err, cors.Check(s).Error())
	}
	for _, s := range []string{app, wild, "*", "http://localhost:3000", "https://[::1]:8443", "https://*.example.com:8443", "https://xn--bcher-kva.example"} {
		require.NoError(t, cors.Check(s), s)
	}
	_, err = cors.New(cors.Config{Origins: []string{"*", app}})
	require.ErrorContains(t, err, "stands alone")
	_, err = cors.New(cors.Config{Origins: []string{"*", wild}})
	require.ErrorContains(t, err, "stands alone")
}

package gateway

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// origins is the allow-list of CORS. The zero origins answers nothing: then
// something in front does (a function URL's own configuration, say), and two
// answers would make a browser refuse both.
type origins struct {
	any   bool
	exact []string
}

func newOrigins(allowed []string) (origins, error) {
	var o origins
	for _, s := range allowed {
		if s == "*" {
			o.any = true
			continue
		}
		u, err := url.Parse(s)
		if err != nil || u.Scheme == "" || u.Host == "" || u.Scheme+"://"+u.Host != strings.ToLower(s) || u.User != nil {
			return origins{}, fmt.Errorf("gateway: origin %q: want scheme and host alone, such as https://app.example.com, or *", s)
		}
		o.exact = append(o.exact, strings.ToLower(s))
	}
	if o.any && len(o.exact) > 0 {
		return origins{}, fmt.Errorf("gateway: origins: * stands alone or not at all")
	}
	return o, nil
}

// answer sets the headers that every answer needs, refusals too. Credentials
// (cookies) go with exact origins only.
func (o origins) answer(h http.Header, r *http.Request) {
	if !o.any && len(o.exact) == 0 {
		return
	}
	h.Add("Vary", "Origin") // also without an Origin: caches must keep the answers apart
	origin := r.Header.Get("Origin")
	switch {
	case origin == "":
		return
	case o.any:
		h.Set("Access-Control-Allow-Origin", "*")
	case slices.Contains(o.exact, origin):
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Allow-Credentials", "true")
	default:
		return
	}
	h.Set("Access-Control-Expose-Headers", "Retry-After")
}

// preflight answers OPTIONS. Clients on fetch ask before they send one of these
// headers; a native EventSource never asks. It has a body, since an empty one is
// never ended by a function URL that streams; a 204 could have none.
func preflight(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	if h.Get("Access-Control-Allow-Origin") != "" && r.Header.Get("Access-Control-Request-Method") != "" {
		h.Set("Access-Control-Allow-Methods", "GET")
		h.Set("Access-Control-Allow-Headers", "Authorization, Cache-Control, Last-Event-ID")
		h.Set("Access-Control-Max-Age", "7200") // no browser keeps it longer
	}
	h.Set("Allow", "GET, OPTIONS")
	h.Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, "GET, OPTIONS\n") // a client that has left needs no answer
}

// Package cors is the allow-list of origins: which pages may read what a host
// answers.
//
// It keeps out no program, which says any origin it likes: who may read what is
// for package auth.
package cors

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Config of a Policy.
type Config struct {
	Origins []string // exact origins, or "*" alone; none: something in front answers for CORS
	Methods string   // that a preflight allows, such as "GET"; OPTIONS is always
	Headers string   // and the headers beside those that need no preflight
}

// Policy answers for CORS. One without origins answers nothing: then something
// in front does (a function URL's own configuration, say), and two answers would
// make a browser refuse both.
type Policy struct {
	any     bool
	exact   []string
	methods string
	headers string
}

// New returns a Policy, or says which origin is none.
func New(c Config) (*Policy, error) {
	p := &Policy{methods: c.Methods, headers: c.Headers}
	for _, s := range c.Origins {
		if s == "*" {
			p.any = true
			continue
		}
		u, err := url.Parse(s)
		if err != nil || u.Scheme == "" || u.Host == "" || u.Scheme+"://"+u.Host != strings.ToLower(s) || u.User != nil {
			return nil, fmt.Errorf("cors: origin %q: want scheme and host alone, such as https://app.example.com, or *", s)
		}
		p.exact = append(p.exact, strings.ToLower(s))
	}
	if p.any && len(p.exact) > 0 {
		return nil, fmt.Errorf("cors: origins: * stands alone or not at all")
	}
	return p, nil
}

// Answer sets the headers that every answer needs, refusals too. Credentials
// (cookies) go with exact origins only.
func (p *Policy) Answer(h http.Header, r *http.Request) {
	if !p.any && len(p.exact) == 0 {
		return
	}
	h.Add("Vary", "Origin") // also without an Origin: caches must keep the answers apart
	origin := r.Header.Get("Origin")
	switch {
	case origin == "":
		return
	case p.any:
		h.Set("Access-Control-Allow-Origin", "*")
	case slices.Contains(p.exact, origin):
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Allow-Credentials", "true")
	default:
		return
	}
	h.Set("Access-Control-Expose-Headers", "Retry-After")
}

// Preflight answers OPTIONS, after Answer. Clients on fetch ask before they send
// one of the headers; a native EventSource never asks.
func (p *Policy) Preflight(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	if h.Get("Access-Control-Allow-Origin") != "" && r.Header.Get("Access-Control-Request-Method") != "" {
		h.Set("Access-Control-Allow-Methods", p.methods)
		h.Set("Access-Control-Allow-Headers", p.headers)
		h.Set("Access-Control-Max-Age", "7200") // no browser keeps it longer
	}
	h.Set("Allow", p.methods+", OPTIONS")
	w.WriteHeader(http.StatusNoContent)
}

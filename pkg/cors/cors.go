// Package cors is the allow-list of origins: which pages may read what a host
// answers, and which may not even ask it to answer.
//
// A browser that may not show an answer to a page still receives it, so a stream
// to a foreign page would cost as much as any. A host that streams, or acts,
// therefore asks Policy.Refusal before it does:
//
//	policy.Answer(w.Header(), r)            // first, for refusals too
//	if err := policy.Refusal(r); err != nil // then, before anything is looked up
//
// It keeps out no program, which says any origin it likes: who may read what is
// for package auth.
package cors

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/runnel-sse/runnel/pkg/problem"
)

// Config of a Policy.
type Config struct {
	// Origins are the allow-list. An entry is an exact origin,
	// "https://app.example.com"; a wildcard, "https://*.example.com", for every
	// subdomain of it at any depth, and never for example.com itself; or "*"
	// alone, for every page there is. None: no page of another host.
	Origins []string
	// InFront says that something in front sets the headers, as a function URL
	// does by its own configuration. Two answers would make a browser refuse
	// both, so the list then only refuses.
	InFront bool
	Methods string // that a preflight allows, such as "GET"; OPTIONS is always
	Headers string // and the headers beside those that need no preflight
}

// Policy answers for CORS and knows whom to refuse.
type Policy struct {
	any     bool
	exact   []string
	under   []wildcard
	inFront bool
	methods string
	headers string
}

// wildcard is an entry in two parts: what stands before the subdomain, and behind.
type wildcard struct{ before, behind string } // "https://", ".example.com"

// New returns a Policy, or every fault of the list.
func New(c Config) (*Policy, error) {
	p := &Policy{inFront: c.InFront, methods: c.Methods, headers: c.Headers}
	var faults []error
	for _, s := range c.Origins {
		if err := Check(s); err != nil {
			faults = append(faults, err)
			continue
		}
		before, behind, wild := strings.Cut(s, "*")
		switch {
		case s == "*":
			p.any = true
		case wild:
			p.under = append(p.under, wildcard{before, behind})
		default:
			p.exact = append(p.exact, s)
		}
	}
	if p.any && len(c.Origins) > 1 {
		faults = append(faults, errors.New("cors: origins: * stands alone or not at all"))
	}
	return p, errors.Join(faults...)
}

// Check says what is wrong with an entry of the list. One that no browser ever
// sends ("a.example", "https://a.example/") would silently match nothing.
func Check(s string) error {
	if s == "*" {
		return nil
	}
	rest, wild := s, false
	for _, scheme := range []string{"https://", "http://"} {
		if host, ok := strings.CutPrefix(s, scheme+"*."); ok {
			rest, wild = scheme+host, true
		}
	}
	u, err := url.Parse(rest)
	switch {
	case err != nil, u.Scheme != "https" && u.Scheme != "http", u.Hostname() == "",
		rest != u.Scheme+"://"+strings.ToLower(u.Host), strings.ContainsAny(u.Host, "*,"):
		return fmt.Errorf("cors: origin %q: want scheme and host alone, such as https://app.example.com or https://*.example.com, or *", s)
	case u.Scheme == "https" && u.Port() == "443", u.Scheme == "http" && u.Port() == "80", strings.HasSuffix(u.Host, ":"):
		return fmt.Errorf("cors: origin %q: a browser leaves that port out; leave it out too", s)
	case wild && !strings.Contains(u.Hostname(), "."):
		return fmt.Errorf("cors: origin %q: that is everybody under a whole top-level domain; name a domain, such as https://*.example.com", s)
	}
	return nil
}

// silent reports whether the policy sets no headers.
func (p *Policy) silent() bool { return p.inFront || p.empty() }

func (p *Policy) empty() bool { return !p.any && len(p.exact) == 0 && len(p.under) == 0 }

// allows reports whether a page of the origin may read what this host answers.
func (p *Policy) allows(origin string) bool {
	return p.any || slices.Contains(p.exact, origin) ||
		slices.ContainsFunc(p.under, func(w wildcard) bool { return w.matches(origin) })
}

// matches reports whether the origin is of a subdomain. What stands for the
// wildcard has to be labels of a host and nothing else: "evil.com#" is none.
func (w wildcard) matches(origin string) bool {
	sub, ok := strings.CutPrefix(origin, w.before)
	if !ok {
		return false
	}
	if sub, ok = strings.CutSuffix(sub, w.behind); !ok {
		return false
	}
	for label := range strings.SplitSeq(sub, ".") {
		if label == "" || strings.ContainsFunc(label, func(r rune) bool {
			return !('a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '-' || r == '_')
		}) {
			return false
		}
	}
	return true
}

// Answer sets the headers that every answer needs, refusals too. Credentials
// (cookies) go with exact origins only: a subdomain that somebody else may get
// hold of must not read with the cookies of whoever looks at it.
func (p *Policy) Answer(h http.Header, r *http.Request) {
	if p.silent() {
		return
	}
	h.Add("Vary", "Origin") // also without an Origin: caches must keep the answers apart
	origin := r.Header.Get("Origin")
	switch {
	case origin == "" || !p.allows(origin):
		return
	case p.any:
		h.Set("Access-Control-Allow-Origin", "*")
	default:
		h.Set("Access-Control-Allow-Origin", origin)
		if slices.Contains(p.exact, origin) {
			h.Set("Access-Control-Allow-Credentials", "true")
		}
	}
	h.Set("Access-Control-Expose-Headers", "Retry-After")
}

// Refusal is why a request with credentials may not be served, a 403, or nil.
// A token or a ticket, which the page itself holds, may come from any origin of
// the list; a cookie, which the browser adds, from an exact one alone.
//
// It is nil without credentials: what everybody may read is nobody's secret, and
// the browser keeps it from a foreign page. It is nil without an Origin (a
// program, or a page of this very host) and where the Origin is this host.
func (p *Policy) Refusal(r *http.Request) error {
	origin := r.Header.Get("Origin")
	if origin == "" || own(origin, r) {
		return nil
	}
	cookie := r.Header.Get("Cookie") != ""
	token := r.Header.Get("Authorization") != "" || r.URL.Query().Has("ticket")
	switch {
	case cookie && !slices.Contains(p.exact, origin):
		return foreign("a page of this origin may not use cookies here: it is not on the allow-list as an exact one")
	case token && !p.allows(origin):
		return foreign("a page of this origin may not use tokens here: it is not on the allow-list")
	}
	return nil
}

// own reports whether the origin is the host that was asked. Whatever stands
// before it may speak TLS, so the scheme says nothing.
func own(origin string, r *http.Request) bool {
	_, host, ok := strings.Cut(origin, "://")
	return ok && strings.EqualFold(host, r.Host)
}

func foreign(detail string) error {
	return problem.Problem{Status: http.StatusForbidden, Code: "foreign-origin", Detail: detail}
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
	h.Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, p.methods+", OPTIONS\n") // a client that has left needs no answer
}

package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/runnel-sse/runnel/events"
	"github.com/runnel-sse/runnel/pkg/ingest"
	"github.com/runnel-sse/runnel/pkg/problem"
)

// publisher is what the page and `runnel publish` need of the server.
type publisher interface {
	Streams() http.Handler
	Publish(ctx context.Context, body []byte) ([]ingest.Stored, error)
}

//go:embed page.html
var page []byte

// web is what `runnel dev` serves: the streams, the page, and the way in.
type web struct {
	server   publisher
	loopback bool   // it listens on this machine alone
	control  string // where control requests go
	catalog  []byte
	policy   string // Content-Security-Policy of the page
}

func newWeb(server publisher, addr net.Addr, control string, app *os.Root) http.Handler {
	w := &web{
		server: server, catalog: describe(&events.Catalog), policy: policyOf(page, control),
		loopback: onLoopback(addr), control: control,
	}
	mux := http.NewServeMux()
	mux.Handle("/sse", server.Streams())
	mux.Handle("/sse/", server.Streams())
	mux.HandleFunc("GET /{$}", w.page)
	if app != nil {
		mux.Handle("GET /app/", w.app(app))
	}
	mux.HandleFunc("GET /catalog.json", w.describe)
	mux.HandleFunc("POST /publish", w.publish)
	mux.HandleFunc("POST /token", w.token)
	mux.HandleFunc("GET /healthz", func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Cache-Control", "no-store")
		_, _ = io.WriteString(rw, "ok\n")
	})
	return ours(addr, mux)
}

func onLoopback(addr net.Addr) bool {
	tcp, ok := addr.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// ours refuses what comes by another name than this machine's: a site that has
// its name point here would otherwise be read by its own pages as the same origin.
func ours(addr net.Addr, next http.Handler) http.Handler {
	loopback := onLoopback(addr)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if loopback && !local(r.Host) {
			problem.Write(w, problem.Problem{Status: http.StatusMisdirectedRequest, Code: "foreign-host", Detail: "this server answers to localhost and 127.0.0.1 only"})
			return
		}
		next.ServeHTTP(w, r)
	})
}

func local(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

func (web *web) page(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", web.policy)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	_, _ = w.Write(page)
}

func (web *web) describe(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(web.catalog)
}

// policyOf allows the page its own style and script, by their hashes, and its
// own server at both ports: nothing that an event brings could run.
func policyOf(html []byte, control string) string {
	hash := func(tag string) string {
		_, rest, _ := bytes.Cut(html, []byte("<"+tag+">"))
		body, _, _ := bytes.Cut(rest, []byte("</"+tag+">"))
		sum := sha256.Sum256(body)
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return "default-src 'none'; connect-src 'self' " + control + "; img-src data:; style-src " + hash("style") +
		"; script-src " + hash("script") + "; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}

// foreign reports whether a page of another site sent the request. Programs send
// neither header.
func foreign(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
	default:
		return true
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return false
	}
	u, err := url.Parse(origin)
	return err != nil || u.Host != r.Host
}

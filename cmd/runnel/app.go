package main

import (
	"fmt"
	"net/http"
	"os"
	"strings"
)

// app serves a folder below /app/: a page under development, of the same origin
// as the streams, so that it may ask for a token. An os.Root keeps what is
// served inside of the folder, whatever a path or a symbolic link says.
func (web *web) app(root *os.Root) http.Handler {
	files := http.FileServerFS(root.FS())
	policy := "default-src 'none'; connect-src 'self' " + web.control + "; img-src 'self' data:; style-src 'self'; " +
		"script-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	return http.StripPrefix("/app", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "/.") { // .env, .git and their like were not meant
			http.NotFound(w, r)
			return
		}
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		files.ServeHTTP(w, r)
	}))
}

// openApp opens the folder of --app, nil where none is named.
func openApp(dir string) (*os.Root, error) {
	if dir == "" {
		return nil, nil
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("--app: %w", err)
	}
	if _, err := root.Stat("index.html"); err != nil {
		_ = root.Close()
		return nil, fmt.Errorf("--app: %s has no index.html; is the page built? %w", dir, err)
	}
	return root, nil
}

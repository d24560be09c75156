package main

import (
	"encoding/json"
	"mime"
	"net/http"
	"time"

	"github.com/runnel-sse/runnel/pkg/auth"
	"github.com/runnel-sse/runnel/pkg/problem"
)

const signedIn = time.Hour

// token signs the page in as anybody. It is for the page of this server on this
// machine: a page of another site could else read what its visitor develops.
func (web *web) token(w http.ResponseWriter, r *http.Request) {
	if !web.loopback || foreign(r) {
		problem.Write(w, problem.Problem{Status: http.StatusForbidden, Code: "cross-site", Detail: "only this server's own page, on this machine, gets a token here; see runnel token"})
		return
	}
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != mediaJSON {
		problem.Write(w, problem.Problem{Status: http.StatusUnsupportedMediaType, Code: "media-type", Detail: "want Content-Type: " + mediaJSON})
		return
	}
	var q struct {
		Sub string `json:"sub"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4<<10)).Decode(&q); err != nil || q.Sub == "" {
		problem.Write(w, problem.Problem{Status: http.StatusBadRequest, Code: "malformed-body", Detail: `want {"sub": "7"}, the id of a user`})
		return
	}
	token, err := auth.MintDevelopment(q.Sub, signedIn, nil)
	if err != nil {
		problem.Write(w, problem.Problem{Status: http.StatusBadRequest, Code: "malformed-body", Detail: err.Error()})
		return
	}
	body, _ := json.Marshal(map[string]string{"token": token, "control": web.control}) // strings: cannot fail
	w.Header().Set("Content-Type", mediaJSON)
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(append(body, '\n'))
}

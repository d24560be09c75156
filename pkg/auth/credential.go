package auth

import (
	"net/http"
	"strings"

	"github.com/runnel-sse/runnel/pkg/subscriber"
)

// credential is what a request says of who it is from; kind "" is nothing.
type credential struct {
	kind kind
	text string
}

// credentialOf finds the one credential of a request. Two are refused, as RFC
// 6750 asks: which of them counts would be a guess, and the other one may be
// somebody else's.
func credentialOf(r *http.Request, cookie string) (credential, error) {
	var found []credential
	for _, header := range r.Header.Values("Authorization") {
		// Other schemes are other people's: a proxy's, or a function URL's own.
		if scheme, token, _ := strings.Cut(header, " "); strings.EqualFold(scheme, "Bearer") {
			found = append(found, credential{kindToken, token})
		}
	}
	for _, c := range r.CookiesNamed(cookie) {
		found = append(found, credential{kindToken, c.Value})
	}
	for _, t := range r.URL.Query()["ticket"] {
		found = append(found, credential{kindTicket, t})
	}
	switch {
	case len(found) == 0:
		return credential{}, nil
	case len(found) > 1:
		return credential{}, &Refusal{
			Code: CodeInvalidRequest, Text: "send one credential: the Authorization header, the cookie or a ticket",
			Why: "more than one credential",
		}
	case found[0].text == "":
		return credential{}, &Refusal{
			Code: CodeInvalidRequest, Text: "the " + string(found[0].kind) + " is empty", Why: "an empty credential",
		}
	}
	return found[0], nil
}

// Address is whence the request comes, in the form that counts. header is the one
// that a trusted proxy writes the address into, last; empty: there is none.
func Address(r *http.Request, header string) string {
	if header != "" {
		said := strings.Join(r.Header.Values(header), ",")
		last := said[strings.LastIndexByte(said, ',')+1:]
		if a := subscriber.AddressOf(strings.TrimSpace(last)); a != "" {
			return a
		}
	}
	return subscriber.AddressOf(r.RemoteAddr)
}

package auth

import (
	"encoding/base64"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

// kind is what a credential calls itself, in texts for the client.
type kind string

const (
	kindToken  kind = "token"
	kindTicket kind = "ticket"
)

// algorithms are all that there are. A key is of one of them, by its type.
var algorithms = map[string]jwt.SigningMethod{
	algHS256: jwt.SigningMethodHS256,
	algRS256: jwt.SigningMethodRS256,
	algES256: jwt.SigningMethodES256,
	algEdDSA: jwt.SigningMethodEdDSA,
}

const (
	algHS256 = "HS256"
	algRS256 = "RS256"
	algES256 = "ES256"
	algEdDSA = "EdDSA"
)

// What a client may hear of a token that no key has signed.
const (
	textMalformed = "is malformed"
	textUnsigned  = "is not signed by a key that is accepted here"
)

func (k kind) refuse(text, why string) error {
	return &Refusal{Code: CodeInvalidToken, Text: "the " + string(k) + " " + text, Why: why}
}

// envelope is a token of which nothing is known to be true yet.
type envelope struct {
	kind           kind
	alg, kid, typ  string
	signed         string // what the signature is of
	payload, proof []byte // proof is the signature
}

// open takes a token apart. Where anything in it could be read in two ways, it
// does not read it.
func open(k kind, token string) (envelope, error) {
	if len(token) > MaxToken {
		return envelope{}, k.refuse("is too long", "too long")
	}
	switch strings.Count(token, ".") {
	case 2:
	case 4:
		return envelope{}, k.refuse(textMalformed, "five parts: encrypted")
	default:
		return envelope{}, k.refuse(textMalformed, "not three parts")
	}
	header, rest, _ := strings.Cut(token, ".")
	payload, proof, _ := strings.Cut(rest, ".")
	e := envelope{kind: k, signed: token[:len(header)+1+len(payload)]}
	var head []byte
	var ok [3]bool
	head, ok[0] = decode(header)
	e.payload, ok[1] = decode(payload)
	e.proof, ok[2] = decode(proof)
	if ok != [3]bool{true, true, true} {
		return envelope{}, k.refuse(textMalformed, "not base64url")
	}
	return e, e.readHeader(head)
}

var base64url = base64.RawURLEncoding.Strict()

// decode reads base64url in its one form. encoding/base64 skips line ends
// wherever they stand, and those are no part of a token.
func decode(s string) ([]byte, bool) {
	if s == "" || strings.ContainsAny(s, "\r\n") {
		return nil, false
	}
	b, err := base64url.DecodeString(s)
	return b, err == nil
}

func (e *envelope) readHeader(head []byte) error {
	members, err := object(head)
	if err != nil {
		return e.kind.refuse(textMalformed, "header: "+err.Error())
	}
	for _, m := range members {
		switch m.name {
		case "alg":
			e.alg, err = text(m.value)
		case "kid":
			e.kid, err = text(m.value)
		case "typ":
			e.typ, err = text(m.value)
		case "crit", "b64", "zip", "enc":
			return e.kind.refuse(textMalformed, "header: asks for an extension")
		case "cty":
			return e.kind.refuse(textMalformed, "header: nested")
		}
		// What else there is, jwk, jku, x5u and x5c among it, is the sender's own
		// word for which key to trust. It is not looked at.
		if err != nil {
			return e.kind.refuse(textMalformed, "header: a member of the wrong type")
		}
	}
	if e.alg == "" {
		return e.kind.refuse(textMalformed, "header: no algorithm")
	}
	return nil
}

// verify checks the signature with a key, which is bound to its algorithm.
func (e *envelope) verify(k key) error {
	if e.alg != k.alg {
		return e.kind.refuse(textUnsigned, "another algorithm than the key's")
	}
	if err := algorithms[k.alg].Verify(e.signed, e.proof, k.key); err != nil {
		return e.kind.refuse(textUnsigned, "the signature does not fit")
	}
	return nil
}

// bearerType reports whether typ is of a token that may be a credential.
// RFC 9068 names access tokens so; of others, such as those for a logout or our
// own tickets, the type says that they are something else.
func bearerType(typ string) bool {
	switch strings.ToLower(typ) {
	case "", "jwt", "at+jwt", "application/at+jwt":
		return true
	}
	return false
}

package auth_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/auth"
)

// issuerHost answers for the issuer, inside a synctest bubble.
type issuerHost struct {
	calls  atomic.Int64
	mu     sync.Mutex
	answer func(*http.Request) (*http.Response, error) // guarded by mu
}

func (h *issuerHost) RoundTrip(r *http.Request) (*http.Response, error) {
	h.calls.Add(1)
	h.mu.Lock()
	answer := h.answer
	h.mu.Unlock()
	return answer(r)
}

func (h *issuerHost) set(answer func(*http.Request) (*http.Response, error)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answer = answer
}

func says(status int, body string, headers ...string) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) {
		h := http.Header{}
		for i := 0; i < len(headers); i += 2 {
			h.Set(headers[i], headers[i+1])
		}
		return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body))}, nil
	}
}

func isDown(*http.Request) (*http.Response, error) { return nil, errUnreachable }

// hangs answers when the request is given up, and not before.
func hangs(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// drips sends its headers, and then nothing.
func drips(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: dripping{r.Context()}}, nil
}

type dripping struct{ ctx context.Context }

func (d dripping) Read([]byte) (int, error) { <-d.ctx.Done(); return 0, d.ctx.Err() }
func (d dripping) Close() error             { return nil }

const jwksURL = "https://issuer.example.com/jwks.json"

// remoteGuard takes its keys from the host alone.
func remoteGuard(t *testing.T, h *issuerHost, log *logbook) *auth.Guard {
	t.Helper()
	g, err := auth.New(auth.Config{
		Issuer: issuer, Audience: audience, JWKSURL: jwksURL, Client: &http.Client{Transport: h}, Logger: log.logger(),
	})
	require.NoError(t, err)
	return g
}

// today is good claims by the bubble's clock.
func today() jwt.MapClaims {
	c := good()
	c["iat"], c["nbf"], c["exp"] = time.Now().Unix(), time.Now().Unix(), time.Now().Add(100*time.Hour).Unix()
	return c
}

func oldKeys() string {
	return keySet(map[string]crypto.PublicKey{"ed": edKey().Public(), "rsa": rsaKey().Public()})
}

func signedBy(kid string, key crypto.PrivateKey, claims jwt.MapClaims) string {
	if _, ok := key.(*ecdsa.PrivateKey); ok {
		return sign(jwt.SigningMethodES256, kid, key, claims)
	}
	return sign(jwt.SigningMethodEdDSA, kid, key, claims)
}

// timed authenticates a token and returns how long that took.
func timed(g *auth.Guard, token string) (time.Duration, error) {
	began := time.Now()
	_, err := g.Authenticate(bearer(token))
	return time.Since(began), err
}

func checks(g *auth.Guard, kid string, key crypto.PrivateKey, claims jwt.MapClaims) (time.Duration, error) {
	return timed(g, signedBy(kid, key, claims))
}

package auth_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/auth"
)

const (
	issuer   = "https://issuer.example.com"
	audience = "runnel"
)

// The house's keys. Each is made once; they are as real as a deployment's.
var (
	secret       = []byte("a secret of forty bytes, for tests alone")
	ticketSecret = []byte("another secret of forty bytes, for tests")
	rsaKey       = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	ecKey        = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })
	edKey        = sync.OnceValue(func() ed25519.PrivateKey { return ed25519.NewKeyFromSeed(must(randomSeed())) })
)

func randomSeed() ([]byte, error) {
	seed := make([]byte, ed25519.SeedSize)
	_, err := rand.Read(seed)
	return seed, err
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// noon is the time of every test whose clock stands still.
var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

func publicKeys() []auth.PublicKey {
	return []auth.PublicKey{
		{ID: "rsa", Key: rsaKey().Public()}, {ID: "ec", Key: ecKey().Public()}, {ID: "ed", Key: edKey().Public()},
	}
}

// config accepts every algorithm.
func config() auth.Config {
	return auth.Config{
		Issuer: issuer, Audience: audience, Secret: secret, Keys: publicKeys(),
		TicketSecret: ticketSecret, Once: auth.NewOnce(1000, func() time.Time { return noon }),
		Now: func() time.Time { return noon },
	}
}

func newGuard(t testing.TB, change ...func(*auth.Config)) *auth.Guard {
	t.Helper()
	c := config()
	for _, f := range change {
		f(&c)
	}
	g, err := auth.New(c)
	require.NoError(t, err)
	t.Cleanup(g.Close)
	return g
}

// good is what a token says that is accepted.
func good() jwt.MapClaims {
	return jwt.MapClaims{
		"iss": issuer, "aud": audience, "sub": "7", "exp": noon.Add(time.Hour).Unix(),
		"nbf": noon.Add(-time.Hour).Unix(), "iat": noon.Add(-time.Hour).Unix(),
	}
}

func goodWith(name string, value any) jwt.MapClaims {
	c := good()
	c[name] = value
	return c
}

func goodWithout(name string) jwt.MapClaims {
	c := good()
	delete(c, name)
	return c
}

// sign makes a token as an issuer does.
func sign(method jwt.SigningMethod, kid string, key any, claims jwt.MapClaims) string {
	t := jwt.NewWithClaims(method, claims)
	if kid != "" {
		t.Header["kid"] = kid
	}
	return must(t.SignedString(key))
}

func hs256(claims jwt.MapClaims) string { return sign(jwt.SigningMethodHS256, "", secret, claims) }

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// forge signs any two texts with the house's own secret, so that nothing but
// what they say is wrong with them.
func forge(header, payload string) string { return forgeRaw(b64(header), b64(payload)) }

func forgeRaw(header, payload string) string {
	signed := header + "." + payload
	return signed + "." + b64(string(must(jwt.SigningMethodHS256.Sign(signed, secret))))
}

const plainHeader = `{"alg":"HS256","typ":"JWT"}`

func text(claims jwt.MapClaims) string { return string(must(json.Marshal(claims))) }

// bearer is a request with the token in its header.
func bearer(token string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/sse/CommentStream/item:42", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	return r
}

func withTicket(ticket string) *http.Request {
	return httptest.NewRequest(http.MethodGet, "/sse/CommentStream/item:42?ticket="+ticket, nil)
}

// requireRefused holds that the error is a refusal for the reason given, and
// that nothing of the credential is in it.
func requireRefused(t *testing.T, err error, code, why, credential string) {
	t.Helper()
	var refusal *auth.Refusal
	require.ErrorAs(t, err, &refusal)
	require.ErrorIs(t, err, auth.ErrUnauthorized)
	require.NotErrorIs(t, err, auth.ErrForbidden)
	require.Equal(t, code, refusal.Code)
	require.Contains(t, refusal.Why, why)
	require.Contains(t, auth.Challenge(err), `error="`+code+`"`)
	requireSilent(t, credential, fmt.Sprintf("%+v %v %s", *refusal, err, auth.Challenge(err)))
}

// requireSilent holds that no piece of the credential is in the text.
func requireSilent(t *testing.T, credential, said string) {
	t.Helper()
	for part := range strings.SplitSeq(credential, ".") {
		if len(part) >= 8 {
			require.NotContains(t, said, part[:8])
		}
	}
	for _, s := range [][]byte{secret, ticketSecret} {
		require.NotContains(t, said, string(s))
	}
}

// logbook is a logger that a test can read.
type logbook struct {
	mu  sync.Mutex
	buf bytes.Buffer // guarded by mu
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func (l *logbook) logger() *slog.Logger {
	return slog.New(slog.NewJSONHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// keySet is what an issuer publishes of the keys, name by name.
func keySet(keys map[string]crypto.PublicKey) string {
	var list []map[string]string
	for id, k := range keys {
		switch k := k.(type) {
		case *rsa.PublicKey:
			list = append(list, map[string]string{"kid": id, "kty": "RSA", "use": "sig", "alg": "RS256", "n": b64(string(k.N.Bytes())), "e": "AQAB"})
		case *ecdsa.PublicKey:
			point := must(k.Bytes())
			list = append(list, map[string]string{"kid": id, "kty": "EC", "crv": "P-256", "x": b64(string(point[1:33])), "y": b64(string(point[33:]))})
		case ed25519.PublicKey:
			list = append(list, map[string]string{"kid": id, "kty": "OKP", "crv": "Ed25519", "x": b64(string(k))})
		}
	}
	return string(must(json.Marshal(map[string]any{"keys": list})))
}

var errUnreachable = errors.New("unreachable")

func lines(s string) []string { return strings.Split(strings.TrimSuffix(s, "\n"), "\n") }

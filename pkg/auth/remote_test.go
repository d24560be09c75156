package auth_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
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

func TestKeysAreFetchedOnceForManyAndThenNoMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var h issuerHost
		var log logbook
		h.set(func(r *http.Request) (*http.Response, error) {
			time.Sleep(time.Second)
			return says(http.StatusOK, oldKeys())(r)
		})
		g := remoteGuard(t, &h, &log)
		defer g.Close()
		require.Zero(t, h.calls.Load(), "nobody has asked yet")
		claims := today()
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				took, err := checks(g, "ed", edKey(), claims)
				if err != nil || took != time.Second {
					t.Errorf("after %v: %v", took, err)
				}
			})
		}
		all.Wait()
		for range 1000 {
			took, err := checks(g, "ed", edKey(), claims)
			require.NoError(t, err)
			require.Zero(t, took)
		}
		require.EqualValues(t, 1, h.calls.Load(), "no call while the keys are cached")
		require.Empty(t, log.String())
	})
}

func TestKeysAreRenewedBehindTheReadersBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var h issuerHost
		var log logbook
		h.set(says(http.StatusOK, oldKeys(), "Cache-Control", "public, max-age=600"))
		g := remoteGuard(t, &h, &log)
		defer g.Close()
		claims := today()
		_, err := checks(g, "ed", edKey(), claims)
		require.NoError(t, err)

		time.Sleep(449 * time.Second)
		_, err = checks(g, "ed", edKey(), claims)
		require.NoError(t, err)
		synctest.Wait()
		require.EqualValues(t, 1, h.calls.Load())

		// From three quarters on, a request starts a fetch and does not wait for it.
		h.set(func(r *http.Request) (*http.Response, error) {
			time.Sleep(2 * time.Second)
			return says(http.StatusOK, keySet(map[string]crypto.PublicKey{"ec": ecKey().Public()}), "Cache-Control", "max-age=600")(r)
		})
		time.Sleep(2 * time.Second)
		took, err := checks(g, "ed", edKey(), claims)
		require.NoError(t, err)
		require.Zero(t, took)
		time.Sleep(3 * time.Second)
		require.EqualValues(t, 2, h.calls.Load())

		// A key that the issuer has withdrawn is no longer good.
		took, err = checks(g, "ed", edKey(), claims)
		require.ErrorIs(t, err, auth.ErrUnauthorized)
		require.Zero(t, took, "it was asked a short while ago")
		_, err = checks(g, "ec", ecKey(), claims)
		require.NoError(t, err)

		// After a long silence a request waits for what is true now.
		h.set(says(http.StatusOK, oldKeys()))
		time.Sleep(time.Hour)
		_, err = checks(g, "ec", ecKey(), claims)
		require.ErrorIs(t, err, auth.ErrUnauthorized)
		require.EqualValues(t, 3, h.calls.Load())
	})
}

func TestAKeyThatIsNewIsFetchedAtMostTwiceAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var h issuerHost
		var log logbook
		h.set(says(http.StatusOK, oldKeys()))
		g := remoteGuard(t, &h, &log)
		defer g.Close()
		claims := today()
		_, err := checks(g, "ed", edKey(), claims)
		require.NoError(t, err)
		time.Sleep(30 * time.Second)
		h.set(says(http.StatusOK, keySet(map[string]crypto.PublicKey{"ed": edKey().Public(), "new": ecKey().Public()})))
		_, err = checks(g, "new", ecKey(), claims)
		require.NoError(t, err)
		require.EqualValues(t, 2, h.calls.Load())

		// An attacker makes up a name a token: five minutes of ten a second.
		for range 3000 {
			_, err = checks(g, rand.Text(), ecKey(), claims)
			require.ErrorIs(t, err, auth.ErrUnauthorized)
			time.Sleep(100 * time.Millisecond)
		}
		require.LessOrEqual(t, h.calls.Load(), int64(2+300/30))
		require.GreaterOrEqual(t, h.calls.Load(), int64(2+300/30-1), "and yet it looks")
	})
}

func TestWhenTheIssuerFailsKnownKeysGoOn(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]func(*http.Request) (*http.Response, error){
		"down": isDown, "hanging": hangs, "dripping": drips,
		"an error":      says(http.StatusInternalServerError, oldKeys()),
		"a redirect":    says(http.StatusFound, "", "Location", "https://evil.example.com/jwks.json"),
		"rubbish":       says(http.StatusOK, "<html>"),
		"a list":        says(http.StatusOK, "[]"),
		"nothing":       says(http.StatusOK, ""),
		"no keys":       says(http.StatusOK, `{"keys":[]}`),
		"no key of use": says(http.StatusOK, `{"keys":[{"kty":"oct","kid":"ed","k":"AAAA"},{"kty":"RSA","n":"AQAB","e":"AQAB"}]}`),
		"too many":      says(http.StatusOK, `{"keys":[`+strings.Repeat(`{},`, 64)+`{}]}`),
		"without end":   says(http.StatusOK, oldKeys()+strings.Repeat(" ", 300<<10)),
		"a body that breaks": func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Body: io.NopCloser(io.MultiReader(strings.NewReader(`{"keys":`), &failing{}))}, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var h issuerHost
				var log logbook
				h.set(answer)
				g := remoteGuard(t, &h, &log)
				defer g.Close()
				claims := today()

				// With no keys at all it is nobody's fault that asks, and soon over.
				took, err := checks(g, "ed", edKey(), claims)
				require.ErrorIs(t, err, auth.ErrUnavailable)
				require.NotErrorIs(t, err, auth.ErrUnauthorized)
				require.LessOrEqual(t, took, 3*time.Second)
				h.set(says(http.StatusOK, oldKeys()))
				time.Sleep(5 * time.Second)
				_, err = checks(g, "ed", edKey(), claims)
				require.NoError(t, err)

				h.set(answer)
				before := len(lines(log.String()))
				waited := time.Duration(0)
				known, unknown := signedBy("ed", edKey(), claims), signedBy("new", ecKey(), claims)
				for range 40 * 60 / 10 { // forty minutes of requests every ten seconds
					took, err := timed(g, known)
					require.NoError(t, err)
					require.LessOrEqual(t, took, 3*time.Second)
					waited += took
					took, err = timed(g, unknown)
					require.ErrorIs(t, err, auth.ErrUnauthorized)
					require.LessOrEqual(t, took, 3*time.Second)
					time.Sleep(10 * time.Second)
				}
				minutes := 40 + int(waited/time.Minute) + 10
				said := len(lines(log.String())) - before
				require.LessOrEqual(t, said, minutes)
				require.GreaterOrEqual(t, said, 20)
				require.Contains(t, log.String(), "the ones that are known go on")
			})
		})
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// TestCloseLeavesNoGoroutine: a bubble does not end before its goroutines do.
func TestCloseLeavesNoGoroutine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var h issuerHost
		var log logbook
		h.set(hangs)
		g := remoteGuard(t, &h, &log)
		claims := today()
		var waiting sync.WaitGroup
		waiting.Go(func() {
			took, err := checks(g, "ed", edKey(), claims)
			if err == nil || took != 0 {
				t.Errorf("after %v: %v", took, err)
			}
		})
		synctest.Wait()
		began := time.Now()
		g.Close()
		g.Close()
		waiting.Wait()
		require.Zero(t, time.Since(began))
		time.Sleep(time.Minute)
		_, err := checks(g, "ed", edKey(), claims)
		require.ErrorIs(t, err, auth.ErrUnavailable)
		require.EqualValues(t, 1, h.calls.Load(), "nothing starts any more")
		require.Empty(t, log.String(), "an end that was asked for is no fault")
	})
}

func TestATransportThatNeverGivesUpHoldsNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var h issuerHost
		var log logbook
		h.set(func(r *http.Request) (*http.Response, error) {
			time.Sleep(time.Minute)
			return says(http.StatusOK, oldKeys())(r)
		})
		g := remoteGuard(t, &h, &log)
		defer g.Close()
		claims := today()
		for range 10 {
			took, err := checks(g, "ed", edKey(), claims)
			require.ErrorIs(t, err, auth.ErrUnavailable)
			require.Equal(t, 3*time.Second, took)
		}
		require.EqualValues(t, 1, h.calls.Load(), "one fetch at a time")
	})
}

func TestAReaderWhoLeavesDoesNotEndTheFetchOfOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var h issuerHost
		var log logbook
		h.set(func(r *http.Request) (*http.Response, error) {
			select {
			case <-r.Context().Done():
				return nil, r.Context().Err()
			case <-time.After(2 * time.Second):
				return says(http.StatusOK, oldKeys())(r)
			}
		})
		g := remoteGuard(t, &h, &log)
		defer g.Close()
		claims := today()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := g.Authenticate(bearer(sign(jwt.SigningMethodEdDSA, "ed", edKey(), claims)).WithContext(ctx))
		require.ErrorIs(t, err, auth.ErrUnavailable)
		took, err := checks(g, "ed", edKey(), claims)
		require.NoError(t, err)
		require.Equal(t, time.Second, took)
		require.EqualValues(t, 1, h.calls.Load())
	})
}

func TestKeysComeFromThisMachineToo(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/away" {
			http.Redirect(w, r, "/jwks.json", http.StatusFound)
			return
		}
		_, _ = io.WriteString(w, oldKeys())
	}))
	t.Cleanup(server.Close)
	for path, want := range map[string]error{"/jwks.json": nil, "/away": auth.ErrUnavailable} {
		g := newGuard(t, func(c *auth.Config) { c.Keys, c.JWKSURL = nil, server.URL+path })
		_, err := checks(g, "ed", edKey(), good())
		require.ErrorIs(t, err, want)
	}
}

func TestAStaticKeyNeedsNoIssuer(t *testing.T) {
	t.Parallel()
	var h issuerHost
	h.set(isDown)
	g := newGuard(t, func(c *auth.Config) { c.JWKSURL, c.Client = jwksURL, &http.Client{Transport: &h} })
	_, err := checks(g, "ed", edKey(), good())
	require.NoError(t, err)
	_, err = g.Authenticate(bearer(hs256(good())))
	require.NoError(t, err)
	require.Zero(t, h.calls.Load())
	_, err = checks(g, "", edKey(), good())
	require.ErrorIs(t, err, auth.ErrUnavailable, "whether it is the only one cannot be known")
}

func TestParseKeySet(t *testing.T) {
	t.Parallel()
	p384 := must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	keys, err := auth.ParseKeySet([]byte(keySet(map[string]crypto.PublicKey{"rsa": rsaKey().Public(), "ec": ecKey().Public(), "ed": edKey().Public()})))
	require.NoError(t, err)
	require.ElementsMatch(t, publicKeys(), keys)

	good := keySet(map[string]crypto.PublicKey{"ed": edKey().Public()})
	member := func(s string) string { return strings.Replace(good, `"kid"`, s+`,"kid"`, 1) }
	point := must(ecKey().PublicKey.Bytes())
	for name, tc := range map[string]struct{ in, says string }{
		"a private key":            {member(`"d":"AAAA"`), "key 0: a private key"},
		"for encryption":           {member(`"use":"enc"`), "not for checking signatures"},
		"for signing":              {member(`"key_ops":["sign"]`), "not for checking signatures"},
		"for another algorithm":    {member(`"alg":"Ed448"`), "an algorithm that is not accepted"},
		"RSA as HS256":             {`{"keys":[` + strings.Replace(keySet(map[string]crypto.PublicKey{"a": rsaKey().Public()})[9:], "RS256", "HS256", 1), "an algorithm that is not accepted"},
		"a secret":                 {`{"keys":[{"kty":"oct","k":"AAAA"}]}`, "neither RSA, P-256 nor Ed25519"},
		"P-384":                    {`{"keys":[{"kty":"EC","crv":"P-384","x":"` + b64(p384.X.String()) + `"}]}`, "neither RSA, P-256 nor Ed25519"},
		"a point off the curve":    {`{"keys":[{"kty":"EC","crv":"P-256","x":"` + b64(string(point[1:33])) + `","y":"` + b64(string(bytes.Repeat([]byte{1}, 32))) + `"}]}`, "key 0"},
		"half a point":             {`{"keys":[{"kty":"EC","crv":"P-256","x":"` + b64(string(point[1:33])) + `"}]}`, "32 bytes"},
		"a short Ed25519":          {`{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AAAA"}]}`, "32 bytes"},
		"an RSA key of nothing":    {`{"keys":[{"kty":"RSA"}]}`, "2048 to 4096 bits"},
		"an RSA key of exponents":  {`{"keys":[{"kty":"RSA","n":"` + b64(string(rsaKey().N.Bytes())) + `","e":"` + b64(strings.Repeat("\xff", 100)) + `"}]}`, "exponent is too large"},
		"an RSA key, far too long": {`{"keys":[{"kty":"RSA","e":"AQAB","n":"` + b64(strings.Repeat("\xff", 4096)) + `"}]}`, "2048 to 4096 bits"},
		"a number as a key":        {`{"keys":[7]}`, "key 0: malformed"},
		"no keys":                  {`{}`, "without a key"},
		"no JSON":                  {`-----BEGIN PUBLIC KEY-----`, "must be a JSON object"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			keys, err := auth.ParseKeySet([]byte(tc.in))
			require.ErrorContains(t, err, tc.says)
			require.Empty(t, keys)
		})
	}
	mixed, err := auth.ParseKeySet([]byte(strings.Replace(good, `{"keys":[`, `{"keys":[{"kty":"oct","k":"AAAA"},7,`, 1)))
	require.NoError(t, err)
	require.Len(t, mixed, 1, "what is of no use is passed over")
}

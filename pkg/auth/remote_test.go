package auth_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/auth"
)

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

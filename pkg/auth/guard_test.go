package auth_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/auth"
	"github.com/runnel-sse/runnel/pkg/channel"
)

func TestWhereCredentialsStand(t *testing.T) {
	t.Parallel()
	g := newGuard(t)
	token := hs256(good())
	p, err := g.Authenticate(bearer(token))
	require.NoError(t, err)
	ticket, _, err := g.Ticket(p, []channel.Name{channel.MustParse("S:a")}, false)
	require.NoError(t, err)
	for name, tc := range map[string]struct {
		headers []string // Authorization
		cookies []string // Cookie
		query   string
		code    string // of the refusal
		nobody  bool
	}{
		"nothing":                      {nobody: true},
		"header":                       {headers: []string{"Bearer " + token}},
		"header in capitals":           {headers: []string{"BEARER " + token}},
		"another scheme":               {headers: []string{"Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="}, nobody: true},
		"another scheme besides":       {headers: []string{"Basic QQ==", "Bearer " + token}},
		"a function URL's own":         {headers: []string{"AWS4-HMAC-SHA256 Credential=x"}, nobody: true},
		"cookie":                       {cookies: []string{"__Host-runnel=" + token}},
		"cookie among others":          {cookies: []string{"a=b; __Host-runnel=" + token + "; c=d"}},
		"a cookie of another name":     {cookies: []string{"runnel=" + token}, nobody: true},
		"a cookie in another case":     {cookies: []string{"__host-runnel=" + token}, nobody: true},
		"ticket":                       {query: "ticket=" + ticket},
		"ticket among others":          {query: "channel=S:a&ticket=" + ticket},
		"ticket, its name escaped":     {query: "channel=S:a&ticket=" + ticket + "&tick%65t2=x"},
		"Bearer alone":                 {headers: []string{"Bearer"}, code: auth.CodeInvalidRequest},
		"Bearer and a space":           {headers: []string{"Bearer "}, code: auth.CodeInvalidRequest},
		"an empty cookie":              {cookies: []string{"__Host-runnel="}, code: auth.CodeInvalidRequest},
		"an empty ticket":              {query: "ticket=", code: auth.CodeInvalidRequest},
		"header twice":                 {headers: []string{"Bearer " + token, "Bearer " + token}, code: auth.CodeInvalidRequest},
		"cookie twice":                 {cookies: []string{"__Host-runnel=" + token + "; __Host-runnel=x"}, code: auth.CodeInvalidRequest},
		"cookie twice, in two headers": {cookies: []string{"__Host-runnel=" + token, "__Host-runnel=x"}, code: auth.CodeInvalidRequest},
		"ticket twice":                 {query: "ticket=" + ticket + "&ticket=" + ticket, code: auth.CodeInvalidRequest},
		"header and cookie":            {headers: []string{"Bearer " + token}, cookies: []string{"__Host-runnel=" + token}, code: auth.CodeInvalidRequest},
		"header and ticket":            {headers: []string{"Bearer " + token}, query: "ticket=" + ticket, code: auth.CodeInvalidRequest},
		"header and an escaped ticket": {headers: []string{"Bearer " + token}, query: "tick%65t=" + ticket, code: auth.CodeInvalidRequest},
		"cookie and ticket":            {cookies: []string{"__Host-runnel=" + token}, query: "ticket=" + ticket, code: auth.CodeInvalidRequest},
		"two in one header":            {headers: []string{"Bearer " + token + ", Bearer " + token}, code: auth.CodeInvalidToken},
		"a parameter behind":           {headers: []string{"Bearer " + token + ";x=y"}, code: auth.CodeInvalidToken},
		"two spaces":                   {headers: []string{"Bearer  " + token}, code: auth.CodeInvalidToken},
		"a ticket as a token":          {headers: []string{"Bearer " + ticket}, code: auth.CodeInvalidToken},
		"a ticket as a cookie":         {cookies: []string{"__Host-runnel=" + ticket}, code: auth.CodeInvalidToken},
		"a token as a ticket":          {query: "ticket=" + token, code: auth.CodeInvalidToken},
		"a token in the query":         {query: "access_token=" + token, nobody: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(http.MethodGet, "/sse?"+tc.query, nil)
			r.Header["Authorization"], r.Header["Cookie"] = tc.headers, tc.cookies
			p, err := g.Authenticate(r)
			if tc.code != "" {
				requireRefused(t, err, tc.code, "", token)
				require.Zero(t, p)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tc.nobody, p.Subject == "")
		})
	}
}

func TestTheNameOfTheCookieIsConfigured(t *testing.T) {
	t.Parallel()
	g := newGuard(t, func(c *auth.Config) { c.CookieName = "session" })
	r := httptest.NewRequest(http.MethodGet, "/sse", nil)
	r.AddCookie(&http.Cookie{Name: "session", Value: hs256(good())})
	p, err := g.Authenticate(r)
	require.NoError(t, err)
	require.Equal(t, "7", p.Subject)
}

func TestWhereSeveralKeysAreATokenNamesOne(t *testing.T) {
	t.Parallel()
	second := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	g := newGuard(t, func(c *auth.Config) { c.Keys = append(c.Keys, auth.PublicKey{ID: "ec2", Key: second.Public()}) })
	for kid, key := range map[string]*ecdsa.PrivateKey{"ec": ecKey(), "ec2": second} {
		_, err := g.Authenticate(bearer(sign(jwt.SigningMethodES256, kid, key, good())))
		require.NoError(t, err)
		token := sign(jwt.SigningMethodES256, "", key, good())
		_, err = g.Authenticate(bearer(token))
		requireRefused(t, err, auth.CodeInvalidToken, "no one key", token)
	}
	token := sign(jwt.SigningMethodES256, "ec", second, good())
	_, err := g.Authenticate(bearer(token))
	requireRefused(t, err, auth.CodeInvalidToken, "signature does not fit", token)
}

func TestAClockThatGoesBackRevivesNoToken(t *testing.T) {
	t.Parallel()
	var now atomic.Int64
	var log logbook
	now.Store(noon.Unix())
	g := newGuard(t, func(c *auth.Config) {
		c.Now = func() time.Time { return time.Unix(now.Load(), 0) }
		c.Logger = log.logger()
	})
	p, err := g.Authenticate(bearer(hs256(good())))
	require.NoError(t, err)
	ticket, _, err := g.Ticket(p, []channel.Name{channel.MustParse("S:a")}, false)
	require.NoError(t, err)

	now.Store(noon.Add(2 * time.Hour).Unix())
	_, err = g.Authenticate(bearer(hs256(good())))
	requireRefused(t, err, auth.CodeInvalidToken, "expired", hs256(good()))

	now.Store(noon.Unix())
	for range 3 {
		_, err = g.Authenticate(bearer(hs256(good())))
		requireRefused(t, err, auth.CodeInvalidToken, "expired", hs256(good()))
		_, err = g.Authenticate(withTicket(ticket))
		requireRefused(t, err, auth.CodeInvalidToken, "expired", ticket)
		_, _, err = g.Ticket(p, []channel.Name{channel.MustParse("S:a")}, false)
		require.ErrorIs(t, err, auth.ErrUnauthorized)
	}
	require.Len(t, lines(log.String()), 1)
	require.Contains(t, log.String(), "the clock went back")

	// Nor does it make one valid early.
	early := goodWith("nbf", noon.Add(time.Hour).Unix())
	early["exp"] = noon.Add(9 * time.Hour).Unix()
	_, err = g.Authenticate(bearer(hs256(early)))
	requireRefused(t, err, auth.CodeInvalidToken, "nbf", hs256(early))
}

func TestAConfigurationThatIsNotSafeIsRefused(t *testing.T) {
	t.Parallel()
	short, weak := must(rsa.GenerateKey(rand.Reader, 1024)), must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	for name, tc := range map[string]struct {
		change func(*auth.Config)
		says   string
	}{
		"a secret one byte short":        {func(c *auth.Config) { c.Secret = secret[:31] }, "Secret has 31 bytes, at least 32"},
		"an empty secret":                {func(c *auth.Config) { c.Secret = []byte{} }, "Secret has 0 bytes"},
		"a ticket secret one byte short": {func(c *auth.Config) { c.TicketSecret = secret[:31] }, "TicketSecret has 31 bytes"},
		"one secret for two things":      {func(c *auth.Config) { c.TicketSecret = secret }, "a secret is for one thing"},
		"the development key":            {func(c *auth.Config) { c.Secret = []byte(auth.DevelopmentSecret) }, "Secret is the development key"},
		"the development key, tickets":   {func(c *auth.Config) { c.TicketSecret = []byte(auth.DevelopmentTicketSecret) }, "TicketSecret is the development key"},
		"the development keys, crossed":  {func(c *auth.Config) { c.TicketSecret = []byte(auth.DevelopmentSecret) }, "TicketSecret is the development key"},
		"too much skew":                  {func(c *auth.Config) { c.Skew = auth.MaxSkew + 1 }, "at most 2m0s"},
		"a cookie with a space":          {func(c *auth.Config) { c.CookieName = "a b" }, "no name of a cookie"},
		"a claim with a meaning":         {func(c *auth.Config) { c.ChannelsClaim = "aud" }, "a meaning of its own"},
		"an RSA key of 1024 bits":        {func(c *auth.Config) { c.Keys = []auth.PublicKey{{Key: short.Public()}} }, "key 0: an RSA key must have 2048"},
		"an RSA key of exponent 3":       {func(c *auth.Config) { c.Keys = []auth.PublicKey{{Key: &rsa.PublicKey{N: rsaKey().N, E: 3}}} }, "exponent 65537"},
		"P-384":                          {func(c *auth.Config) { c.Keys = []auth.PublicKey{{Key: weak.Public()}} }, "on P-256"},
		"a private key":                  {func(c *auth.Config) { c.Keys = []auth.PublicKey{{Key: edKey()}} }, "none of RSA, P-256 and Ed25519"},
		"a secret as a key":              {func(c *auth.Config) { c.Keys = []auth.PublicKey{{Key: secret}} }, "none of RSA, P-256 and Ed25519"},
		"no key":                         {func(c *auth.Config) { c.Keys = []auth.PublicKey{{}} }, "none of RSA, P-256 and Ed25519"},
		"keys over http":                 {func(c *auth.Config) { c.JWKSURL = "http://issuer.example.com/jwks.json" }, "must begin with https"},
		"keys from a file":               {func(c *auth.Config) { c.JWKSURL = "file:///etc/keys" }, "must be a URL"},
		"keys with a password":           {func(c *auth.Config) { c.JWKSURL = "https://a:b@issuer.example.com" }, "without a user"},
		"keys of a look-alike":           {func(c *auth.Config) { c.JWKSURL = "http://localhost.example.com" }, "must begin with https"},
		"two faults":                     {func(c *auth.Config) { c.Secret, c.Skew = secret[:3], time.Hour }, "at most 2m0s"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := config()
			tc.change(&c)
			g, err := auth.New(c)
			require.ErrorContains(t, err, tc.says)
			require.Nil(t, g)
			require.NotContains(t, err.Error(), string(secret))
			if name == "two faults" {
				require.ErrorContains(t, err, "Secret has 3 bytes")
			}
		})
	}
}

func TestWithoutKeysNoTokenIsGood(t *testing.T) {
	t.Parallel()
	g, err := auth.New(auth.Config{Now: func() time.Time { return noon }})
	require.NoError(t, err)
	p, err := g.Authenticate(httptest.NewRequest(http.MethodGet, "/sse", nil))
	require.NoError(t, err)
	require.Zero(t, p)
	for _, token := range []string{hs256(good()), sign(jwt.SigningMethodEdDSA, "ed", edKey(), good())} {
		_, err = g.Authenticate(bearer(token))
		requireRefused(t, err, auth.CodeInvalidToken, "", token)
	}
	_, err = g.Authenticate(withTicket("a.b.c"))
	requireRefused(t, err, auth.CodeInvalidToken, "no secret for tickets", "a.b.c")
	_, _, err = g.Ticket(auth.Principal{Subject: "7", Expires: noon.Add(time.Hour)}, []channel.Name{channel.MustParse("S:a")}, false)
	require.ErrorIs(t, err, auth.ErrNoTickets)
}

func TestTheDevelopmentKeyOpensNoOtherServer(t *testing.T) {
	t.Parallel()
	token, err := auth.MintDevelopment("7", time.Hour, map[string]any{"channels": []string{"S:**"}})
	require.NoError(t, err)
	dev, err := auth.New(auth.Development())
	require.NoError(t, err)
	p, err := dev.Authenticate(bearer(token))
	require.NoError(t, err)
	require.Equal(t, "7", p.Subject)
	require.NotEmpty(t, p.Channels)

	_, err = newGuard(t, func(c *auth.Config) { c.Issuer, c.Audience, c.Now = "", "", time.Now }).Authenticate(bearer(token))
	requireRefused(t, err, auth.CodeInvalidToken, "signature does not fit", token)

	for name, tc := range map[string]struct {
		subject string
		ttl     time.Duration
		claims  map[string]any
		says    string
	}{
		"no subject":       {"", time.Hour, nil, "no subject"},
		"a subject's mark": {"a b", time.Hour, nil, "a subject that is not allowed"},
		"no time":          {"7", 0, nil, "at least 1s"},
		"its own claim":    {"7", time.Hour, map[string]any{"exp": 1}, "claim exp is the token's own"},
		"a wrong pattern":  {"7", time.Hour, map[string]any{"channels": []string{"*"}}, "malformed"},
		"too much":         {"7", time.Hour, map[string]any{"x": make([]byte, auth.MaxToken)}, "too long"},
		"not JSON":         {"7", time.Hour, map[string]any{"x": make(chan int)}, "making a token"},
	} {
		_, err := auth.MintDevelopment(tc.subject, tc.ttl, tc.claims)
		require.ErrorContains(t, err, tc.says, name)
	}
}

func TestAChallengeSaysWhatRFC6750Says(t *testing.T) {
	t.Parallel()
	require.Equal(t, `Bearer realm="runnel"`, auth.Challenge(auth.ErrUnauthorized))
	require.Equal(t, `Bearer realm="runnel", error="insufficient_scope"`, auth.Challenge(auth.ErrForbidden))
	require.Empty(t, auth.Challenge(auth.ErrUnavailable))
	require.Empty(t, auth.Challenge(nil))
	_, err := newGuard(t).Authenticate(bearer(hs256(goodWith("exp", 1))))
	require.Equal(t, `Bearer realm="runnel", error="invalid_token", error_description="the token has expired"`, auth.Challenge(err))
	var refusal *auth.Refusal
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, http.StatusUnauthorized, refusal.Status())
	_, err = newGuard(t).Authenticate(bearer(""))
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, http.StatusBadRequest, refusal.Status())
}

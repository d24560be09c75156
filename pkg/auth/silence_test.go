package auth_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/auth"
	"github.com/runnel-sse/runnel/pkg/channel"
)

// TestNothingOfACredentialIsSaid drives a guard through every kind of end with
// one logger, and looks for the credentials in all that came out: log lines,
// errors in every verb, what a client hears.
func TestNothingOfACredentialIsSaid(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var h issuerHost
		var log logbook
		now := time.Now()
		h.set(isDown)
		g, err := auth.New(auth.Config{
			Issuer: issuer, Audience: audience, Secret: secret, TicketSecret: ticketSecret, Logger: log.logger(),
			JWKSURL: jwksURL, Client: &http.Client{Transport: &h}, Now: func() time.Time { return now },
			Once: onceFunc(func(string, time.Time) (bool, error) { return false, nil }),
		})
		require.NoError(t, err)
		defer g.Close()
		claims := today()
		p, err := g.Authenticate(bearer(hs256(claims)))
		require.NoError(t, err)
		ticket, _, err := g.Ticket(p, []channel.Name{channel.MustParse("S:a")}, true)
		require.NoError(t, err)

		credentials := []string{ticket, ticket + "x", hs256(claims) + "x", signedBy("ed", edKey(), claims), signedBy("new", ecKey(), claims)}
		for _, cases := range []map[string]hostile{forgedKeys(), malformedForms(), wrongClaims(), wildcardAbuse()} {
			for _, tc := range cases {
				credentials = append(credentials, tc.token)
			}
		}
		var said strings.Builder
		requests := 0
		for _, c := range credentials {
			query := withTicket("x")
			query.URL.RawQuery = "ticket=" + c
			both := bearer(c)
			both.AddCookie(&http.Cookie{Name: auth.DefaultCookie, Value: hs256(claims)})
			for _, r := range []*http.Request{bearer(c), query, both} {
				_, err := g.Authenticate(r.WithContext(context.WithoutCancel(t.Context())))
				require.Error(t, err)
				said.WriteString(fmt.Sprintf("%v %+v %#v %s\n", err, err, err, auth.Challenge(err)))
				requests++
			}
		}
		now = now.Add(1000 * time.Hour)
		_, err = g.Authenticate(bearer(hs256(claims)))
		said.WriteString(fmt.Sprintf("%+v %#v", err, err))
		now = now.Add(-2000 * time.Hour)
		_, err = g.Authenticate(bearer(hs256(claims)))
		said.WriteString(fmt.Sprintf("%+v %#v", err, err))
		said.WriteString(log.String())
		require.Contains(t, said.String(), "could not be fetched")
		require.Contains(t, said.String(), "the clock went back")
		require.Greater(t, requests, 500)
		for _, c := range append(credentials, hs256(claims), sign(jwt.SigningMethodHS256, "", secret, good())) {
			requireSilent(t, c, said.String())
		}
	})
}

package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/auth"
)

func TestATokenIsGoodForADevelopmentServerAlone(t *testing.T) {
	t.Parallel()
	dev, err := auth.New(auth.Development())
	require.NoError(t, err)
	deployed, err := auth.New(auth.Config{Secret: []byte(strings.Repeat("a deployment's own", 2))})
	require.NoError(t, err)
	for name, tc := range map[string]struct {
		args []string
		ttl  time.Duration
		says func(auth.Principal)
	}{
		"a subject": {[]string{"--sub", "7"}, time.Hour, func(p auth.Principal) { require.Empty(t, p.Channels) }},
		"claims": {[]string{"--sub", "7", "--claims", `{"org":"acme","n":12345678901234567890}`, "--ttl", "10m"}, 10 * time.Minute, func(p auth.Principal) {
			require.Equal(t, map[string]string{"org": "acme"}, p.Claims)
		}},
		"channels": {[]string{"--sub", "7", "--channels", "CommentStream:item:*", "--channels", "S:**"}, time.Hour, func(p auth.Principal) {
			require.Len(t, p.Channels, 2)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, out, errs := cli(t, "", append([]string{"token"}, tc.args...)...)
			require.Equal(t, statusOK, status, errs)
			require.Empty(t, errs)
			require.Equal(t, 1, strings.Count(out, "\n"))
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1/sse", nil)
			require.NoError(t, err)
			r.Header.Set("Authorization", "Bearer "+strings.TrimSpace(out))
			p, err := dev.Authenticate(r)
			require.NoError(t, err)
			require.Equal(t, "7", p.Subject)
			require.WithinDuration(t, time.Now().Add(tc.ttl+auth.DefaultSkew), p.Expires, patience)
			tc.says(p)
			_, err = deployed.Authenticate(r)
			require.ErrorIs(t, err, auth.ErrUnauthorized)
		})
	}
}

func TestATokenThatNoServerTakesIsNotMade(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		args []string
		says string
	}{
		"nobody":              {nil, "--sub is needed"},
		"an empty subject":    {[]string{"--sub", ""}, "--sub is needed"},
		"a subject's space":   {[]string{"--sub", "a b"}, "a subject that is not allowed"},
		"a wrong pattern":     {[]string{"--sub", "7", "--channels", "**"}, "want Stream:key"},
		"a list as claims":    {[]string{"--sub", "7", "--claims", "[1]"}, "--claims must be a JSON object"},
		"null as claims":      {[]string{"--sub", "7", "--claims", "null"}, "--claims must be a JSON object"},
		"claims and more":     {[]string{"--sub", "7", "--claims", "{} {}"}, "something behind"},
		"its own claims":      {[]string{"--sub", "7", "--claims", `{"iss":"x"}`}, "claim iss is the token's own"},
		"channels as a text":  {[]string{"--sub", "7", "--claims", `{"channels":"S:*"}`}, "a claim of the wrong type"},
		"no time":             {[]string{"--sub", "7", "--ttl", "0s"}, "at least 1s"},
		"no duration":         {[]string{"--sub", "7", "--ttl", "soon"}, "--ttl"},
		"claims and channels": {[]string{"--sub", "7", "--claims", "{}", "--channels", "S:*"}, "claims channels"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, out, errs := cli(t, "", append([]string{"token"}, tc.args...)...)
			require.NotEqual(t, statusOK, status)
			require.Empty(t, out)
			require.Contains(t, errs, tc.says)
		})
	}
}

package main

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAnAppIsServedAndNothingBesideIt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret.txt")
	inside := filepath.Join(dir, "app")
	require.NoError(t, os.MkdirAll(filepath.Join(inside, "sub"), 0o755))
	for path, text := range map[string]string{
		secret:                                 "secret",
		filepath.Join(inside, "index.html"):    "<!doctype html>the page",
		filepath.Join(inside, "app.js"):        "let a",
		filepath.Join(inside, ".env"):          "secret",
		filepath.Join(inside, "sub", "a.html"): "below",
	} {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	require.NoError(t, os.Symlink(secret, filepath.Join(inside, "link.txt")))
	s := serveDev(t, "--app", inside)
	require.Contains(t, s.said, s.url+"/app/")
	for path, want := range map[string]struct {
		status int
		body   string
	}{
		"/app/":                         {200, "<!doctype html>the page"},
		"/app/app.js":                   {200, "let a"},
		"/app/sub/a.html":               {200, "below"},
		"/app/nothing":                  {status: 404},
		"/app/.env":                     {status: 404},
		"/app/link.txt":                 {status: 500}, // it leads out, which the server says to nobody
		"/app/..%2fsecret.txt":          {status: 404},
		"/app/%2e%2e/secret.txt":        {status: 404},
		"/app/sub/..%2f..%2fsecret.txt": {status: 404},
		"/app/..%5csecret.txt":          {status: 404},
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			res, body := send(t, http.MethodGet, s.url+path, "", nil)
			require.Equal(t, want.status, res.StatusCode, body)
			require.NotContains(t, body, "secret")
			if want.status == http.StatusOK {
				require.Equal(t, want.body, body)
				policy := res.Header.Get("Content-Security-Policy")
				require.Contains(t, policy, "default-src 'none'")
				require.Contains(t, policy, "script-src 'self';")
				require.NotContains(t, policy, "unsafe")
			}
		})
	}
	res, _ := send(t, http.MethodGet, s.url+"/app/", "", headers{"Host": "evil.example"})
	require.Equal(t, http.StatusMisdirectedRequest, res.StatusCode)
	res, _ = send(t, http.MethodPost, s.url+"/app/", "", nil)
	require.Equal(t, http.StatusMethodNotAllowed, res.StatusCode)
}

func TestAnAppThatIsNotThereIsSaid(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ dir, says string }{
		"no folder":     {filepath.Join(t.TempDir(), "none"), "no such file"},
		"nothing built": {t.TempDir(), "no index.html; is the page built?"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, _, errs := cli(t, "", "dev", "--addr", "127.0.0.1:0", "--app", tc.dir)
			require.NotEqual(t, statusOK, status)
			require.Contains(t, errs, "--app: ")
			require.Contains(t, errs, tc.says)
		})
	}
}

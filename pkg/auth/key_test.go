package auth_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/auth"
)

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

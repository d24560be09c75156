package auth_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"maps"
	"math/big"
	"strings"

	"github.com/golang-jwt/jwt/v5"

	"github.com/runnel-sse/runnel/pkg/auth"
)

// flip changes one bit of the character at i, within the alphabet.
func flip(token string, i int) string {
	c := "A"
	if token[i] == 'A' {
		c = "B"
	}
	return token[:i] + c + token[i+1:]
}

func pemOf(key any) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: must(x509.MarshalPKIXPublicKey(key))})
}

// forgedKeys: signed by a key that is not the one that the server means.
func forgedKeys() map[string]hostile {
	none := must(jwt.NewWithClaims(jwt.SigningMethodNone, good()).SignedString(jwt.UnsafeAllowNoneSignatureType))
	_, strangerEd, _ := ed25519.GenerateKey(rand.Reader)
	strangerEC := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	hs, ed := hs256(good()), sign(jwt.SigningMethodEdDSA, "ed", edKey(), good())
	embedded := jwt.NewWithClaims(jwt.SigningMethodEdDSA, good())
	maps.Copy(embedded.Header, map[string]any{
		"jwk": map[string]string{"kty": "OKP", "crv": "Ed25519", "x": b64(string(strangerEd.Public().(ed25519.PublicKey)))},
		"jku": "https://evil.example.com/jwks.json", "x5u": "https://evil.example.com/x.pem", "x5c": []string{"MIIB"},
		"kid": "ed",
	})
	onlyEmbedded := jwt.NewWithClaims(jwt.SigningMethodEdDSA, good())
	onlyEmbedded.Header["jwk"], onlyEmbedded.Header["kid"] = embedded.Header["jwk"], "mine"
	unsigned := hs[:strings.LastIndexByte(hs, '.')]
	return map[string]hostile{
		"none":                           {none, "not base64url"},
		"none with a signature":          {forge(`{"alg":"none"}`, text(good())), "algorithm that is not accepted"},
		"None":                           {forge(`{"alg":"None"}`, text(good())), "algorithm that is not accepted"},
		"NONE":                           {forge(`{"alg":"NONE"}`, text(good())), "algorithm that is not accepted"},
		"nOnE":                           {forge(`{"alg":"nOnE"}`, text(good())), "algorithm that is not accepted"},
		"none, and a space":              {forge(`{"alg":"none "}`, text(good())), "algorithm that is not accepted"},
		"hs256 in small letters":         {forge(`{"alg":"hs256"}`, text(good())), "algorithm that is not accepted"},
		"HS256 and NUL":                  {forge(`{"alg":"HS256\u0000"}`, text(good())), "algorithm that is not accepted"},
		"HS384":                          {sign(jwt.SigningMethodHS384, "", secret, good()), "algorithm that is not accepted"},
		"HS512":                          {sign(jwt.SigningMethodHS512, "", secret, good()), "algorithm that is not accepted"},
		"RS512 by our key":               {sign(jwt.SigningMethodRS512, "rsa", rsaKey(), good()), "algorithm that is not accepted"},
		"PS256 by our key":               {sign(jwt.SigningMethodPS256, "rsa", rsaKey(), good()), "algorithm that is not accepted"},
		"no algorithm":                   {forge(`{"typ":"JWT"}`, text(good())), "no algorithm"},
		"empty algorithm":                {forge(`{"alg":""}`, text(good())), "no algorithm"},
		"algorithm as a list":            {forge(`{"alg":["HS256"]}`, text(good())), "wrong type"},
		"ALG in capitals":                {forge(`{"ALG":"HS256"}`, text(good())), "no algorithm"},
		"HS256 by the RSA key's PEM":     {sign(jwt.SigningMethodHS256, "rsa", pemOf(rsaKey().Public()), good()), "signature does not fit"},
		"HS256 by the RSA key's DER":     {sign(jwt.SigningMethodHS256, "rsa", must(x509.MarshalPKIXPublicKey(rsaKey().Public())), good()), "signature does not fit"},
		"HS256 by the RSA modulus":       {sign(jwt.SigningMethodHS256, "rsa", rsaKey().N.Bytes(), good()), "signature does not fit"},
		"HS256 by the Ed25519 key":       {sign(jwt.SigningMethodHS256, "ed", []byte(edKey().Public().(ed25519.PublicKey)), good()), "signature does not fit"},
		"HS256 by the EC key's PEM":      {sign(jwt.SigningMethodHS256, "ec", pemOf(ecKey().Public()), good()), "signature does not fit"},
		"HS256 by the empty secret":      {sign(jwt.SigningMethodHS256, "", []byte{}, good()), "signature does not fit"},
		"HS256 by the development key":   {sign(jwt.SigningMethodHS256, "", []byte(auth.DevelopmentSecret), good()), "signature does not fit"},
		"HS256 by the ticket's secret":   {sign(jwt.SigningMethodHS256, "", ticketSecret, good()), "signature does not fit"},
		"EdDSA under the RSA key's kid":  {sign(jwt.SigningMethodEdDSA, "rsa", edKey(), good()), "no one key"},
		"ES256 under the Ed key's kid":   {sign(jwt.SigningMethodES256, "ed", ecKey(), good()), "no one key"},
		"RS256 under the EC key's kid":   {sign(jwt.SigningMethodRS256, "ec", rsaKey(), good()), "no one key"},
		"unknown kid":                    {sign(jwt.SigningMethodEdDSA, "ed2", edKey(), good()), "no one key"},
		"kid as a path":                  {sign(jwt.SigningMethodEdDSA, "../../dev/null", edKey(), good()), "no one key"},
		"kid as SQL":                     {sign(jwt.SigningMethodEdDSA, "x' UNION SELECT 'k", edKey(), good()), "no one key"},
		"kid as a number":                {forge(`{"alg":"HS256","kid":7}`, text(good())), "wrong type"},
		"a stranger's Ed25519":           {sign(jwt.SigningMethodEdDSA, "ed", strangerEd, good()), "signature does not fit"},
		"a stranger's P-256":             {sign(jwt.SigningMethodES256, "ec", strangerEC, good()), "signature does not fit"},
		"embedded jwk, jku, x5u and x5c": {must(embedded.SignedString(strangerEd)), "signature does not fit"},
		"embedded jwk under its own kid": {must(onlyEmbedded.SignedString(strangerEd)), "no one key"},
		"ES256 of zeros":                 {b64(`{"alg":"ES256","kid":"ec"}`) + "." + b64(text(good())) + "." + b64(strings.Repeat("\x00", 64)), "signature does not fit"},
		"ES256 of the order":             {b64(`{"alg":"ES256","kid":"ec"}`) + "." + b64(text(good())) + "." + b64(strings.Repeat(string(elliptic.P256().Params().N.Bytes()), 2)), "signature does not fit"},
		"ES256 as DER":                   {derES256(), "signature does not fit"},
		"Ed25519 of zeros":               {ed[:strings.LastIndexByte(ed, '.')+1] + b64(strings.Repeat("\x00", 64)), "signature does not fit"},
		"signature cut":                  {hs[:len(hs)-2], ""},
		"signature of another token":     {unsigned + ed[strings.LastIndexByte(ed, '.'):], "signature does not fit"},
		"signature changed":              {flip(hs, len(hs)-5), "signature does not fit"},
		"claims changed":                 {strings.Replace(hs, b64(text(good())), b64(text(goodWith("sub", "1"))), 1), "signature does not fit"},
	}
}

// derES256 is a good signature in the form that X.509 has, and JWS has not.
func derES256() string {
	good := sign(jwt.SigningMethodES256, "ec", ecKey(), good())
	at := strings.LastIndexByte(good, '.')
	raw := must(jwt.NewParser().DecodeSegment(good[at+1:]))
	r, s := new(big.Int).SetBytes(raw[:32]), new(big.Int).SetBytes(raw[32:])
	der := append([]byte{2, 33, 0}, r.FillBytes(make([]byte, 32))...)
	der = append(append(der, 2, 33, 0), s.FillBytes(make([]byte, 32))...)
	return good[:at+1] + b64(string(append([]byte{0x30, byte(len(der))}, der...)))
}

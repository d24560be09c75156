package auth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
)

// Bounds of keys. An RSA key that is longer makes each check slow; one with
// another exponent than everybody's is slow, or weak.
const (
	minRSA      = 2048 // bits
	maxRSA      = 4096
	maxKeys     = 64
	exponentRSA = 65537
)

// PublicKey is a key that signatures are checked with. It is good for the one
// algorithm of its type and no other: RS256 for *rsa.PublicKey of 2048 to 4096
// bits, ES256 for *ecdsa.PublicKey on P-256, EdDSA for ed25519.PublicKey.
type PublicKey struct {
	ID  string // the token's kid
	Key crypto.PublicKey
}

// key is a key with its algorithm.
type key struct {
	id, alg string
	key     any // as the library takes it
}

func (p PublicKey) bind() (key, error) {
	switch k := p.Key.(type) {
	case *rsa.PublicKey:
		if bits := k.N.BitLen(); bits < minRSA || bits > maxRSA || k.E != exponentRSA {
			return key{}, fmt.Errorf("an RSA key must have %d to %d bits and exponent %d", minRSA, maxRSA, exponentRSA)
		}
		return key{p.ID, algRS256, k}, nil
	case *ecdsa.PublicKey:
		if k.Curve != elliptic.P256() {
			return key{}, errors.New("an elliptic key must be on P-256")
		}
		return key{p.ID, algES256, k}, nil
	case ed25519.PublicKey:
		if len(k) != ed25519.PublicKeySize {
			return key{}, errors.New("an Ed25519 key must have 32 bytes")
		}
		return key{p.ID, algEdDSA, k}, nil
	}
	return key{}, fmt.Errorf("a key of type %T is none of RSA, P-256 and Ed25519", p.Key)
}

func bindAll(public []PublicKey) ([]key, error) {
	keys := make([]key, len(public))
	for i, p := range public {
		k, err := p.bind()
		if err != nil {
			return nil, fmt.Errorf("key %d: %w", i, err)
		}
		keys[i] = k
	}
	return keys, nil
}

// find returns the key of the algorithm and the name. A token that names none
// can only mean the one that there is; where two answer, neither does.
func find(alg, kid string, lists ...[]key) (found key, ok bool) {
	for _, keys := range lists {
		for _, k := range keys {
			if k.alg == alg && (kid == "" || k.id == kid) {
				if ok {
					return key{}, false
				}
				found, ok = k, true
			}
		}
	}
	return found, ok
}

// jwk is a key as RFC 7517 writes it.
type jwk struct {
	Kty string   `json:"kty"`
	Kid string   `json:"kid"`
	Use string   `json:"use"`
	Alg string   `json:"alg"`
	Ops []string `json:"key_ops"`
	Crv string   `json:"crv"`
	N   string   `json:"n"`
	E   string   `json:"e"`
	X   string   `json:"x"`
	Y   string   `json:"y"`
	D   string   `json:"d"`
}

// ParseKeySet reads a JSON Web Key Set (RFC 7517), as issuers publish it. It
// leaves out what signatures are not checked with here, such as keys for
// encryption, and secrets; when nothing is left it says why.
func ParseKeySet(data []byte) ([]PublicKey, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(data, &set); err != nil {
		return nil, errors.New("auth: a key set must be a JSON object with a list of keys")
	}
	if len(set.Keys) > maxKeys {
		return nil, fmt.Errorf("auth: a key set of %d keys, at most %d are allowed", len(set.Keys), maxKeys)
	}
	var keys []PublicKey
	var faults []error
	for i, raw := range set.Keys {
		k, err := parseKey(raw)
		if err != nil {
			faults = append(faults, fmt.Errorf("key %d: %w", i, err))
			continue
		}
		keys = append(keys, k)
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("auth: a key set without a key for RS256, ES256 or EdDSA: %w", errors.Join(faults...))
	}
	return keys, nil
}

func parseKey(raw []byte) (PublicKey, error) {
	var j jwk
	if json.Unmarshal(raw, &j) != nil {
		return PublicKey{}, errors.New("malformed")
	}
	switch {
	case j.D != "":
		return PublicKey{}, errors.New("a private key: it belongs to the issuer alone")
	case j.Use != "" && j.Use != "sig", j.Ops != nil && !slices.Contains(j.Ops, "verify"):
		return PublicKey{}, errors.New("not for checking signatures")
	}
	public, err := j.public()
	if err != nil {
		return PublicKey{}, err
	}
	k := PublicKey{ID: j.Kid, Key: public}
	bound, err := k.bind()
	if err != nil {
		return PublicKey{}, err
	}
	if j.Alg != "" && j.Alg != bound.alg {
		return PublicKey{}, errors.New("for an algorithm that is not accepted")
	}
	return k, nil
}

func (j jwk) public() (crypto.PublicKey, error) {
	part := func(s string) []byte {
		b, _ := base64.RawURLEncoding.DecodeString(s) // what fails is no key, below
		return b
	}
	switch {
	case j.Kty == "RSA":
		e := new(big.Int).SetBytes(part(j.E))
		if e.BitLen() > 31 {
			return nil, errors.New("the exponent is too large")
		}
		return &rsa.PublicKey{N: new(big.Int).SetBytes(part(j.N)), E: int(e.Int64())}, nil
	case j.Kty == "EC" && j.Crv == "P-256":
		x, y := part(j.X), part(j.Y)
		if len(x) != 32 || len(y) != 32 {
			return nil, errors.New("a coordinate has not 32 bytes")
		}
		return ecdsa.ParseUncompressedPublicKey(elliptic.P256(), slices.Concat([]byte{4}, x, y))
	case j.Kty == "OKP" && j.Crv == "Ed25519":
		return ed25519.PublicKey(part(j.X)), nil
	}
	return nil, errors.New("neither RSA, P-256 nor Ed25519")
}

package auth

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"
)

// FuzzObject: what this package reads of an object is what encoding/json reads,
// or nothing.
func FuzzObject(f *testing.F) {
	for _, s := range []string{
		`{}`, `{"a":1}`, ` { "a" : [ 1 , {"b":"}"} ] , "c" : "\"\\" } `, `{"a":1,"a":2}`, `{"a":1,"\u0061":2}`, `[]`, `{"a":{}}x`,
		`{"a":"\ud800"}`, "{\"a\":\"\xff\"}", `{"a":-1.5e9,"b":true,"c":null}`, `{"a":[],"b":[[]],"c":{}}`, `{"":""}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		members, err := object(data)
		var want map[string]json.RawMessage
		reads := json.Unmarshal(data, &want) == nil && want != nil
		if err != nil {
			if reads {
				refused := errors.Is(err, errDuplicate) || errors.Is(err, errDeep) || errors.Is(err, errNumerous) || errors.Is(err, errNotUnicode)
				require.True(t, refused, "%v", err)
			}
			return
		}
		require.True(t, reads)
		require.Len(t, members, len(want))
		for _, m := range members {
			require.Equal(t, string(want[m.name]), string(m.value))
			var s string
			got, err := text(m.value)
			isText := m.value[0] == '"'
			require.Equal(t, isText, err == nil)
			if isText {
				require.NoError(t, json.Unmarshal(m.value, &s))
				require.Equal(t, s, got)
			}
		}
	})
}

// FuzzToken: nothing that a stranger sends is accepted, panics, or comes back in
// an error; and what is opened has one form, that of the bytes that came.
func FuzzToken(f *testing.F) {
	secret := []byte("a secret that the fuzzer does not know")
	good := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"sub": "7", "exp": time.Now().Add(time.Hour).Unix()})
	token, err := good.SignedString(secret)
	require.NoError(f, err)
	for _, s := range []string{token, token + "=", token + ".", "..", "a.b.c", strings.Replace(token, ".", "\n.", 1), strings.ToUpper(token)} {
		f.Add(s)
	}
	g, err := New(Config{Secret: secret})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, s string) {
		p, err := g.token(t.Context(), s)
		if s == token {
			require.NoError(t, err)
			return
		}
		var refusal *Refusal
		require.ErrorAs(t, err, &refusal)
		require.Zero(t, p)
		e, err := open(kindToken, s)
		if err != nil {
			return
		}
		again := e.signed + "." + base64url.EncodeToString(e.proof)
		require.Equal(t, s, again)
		_, payload, _ := strings.Cut(e.signed, ".")
		require.Equal(t, payload, base64url.EncodeToString(e.payload))
	})
}

// FuzzClaims: claims that somebody did sign are read whole, or refused.
func FuzzClaims(f *testing.F) {
	f.Add([]byte(`{"sub":"7","exp":4000000000,"aud":["a"],"channels":["S:*"],"org":"acme"}`))
	f.Add([]byte(`{"sub":7}`))
	f.Add([]byte(`{"sub":"7","exp":1e9}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		c, err := readClaims(envelope{kind: kindToken, payload: payload}, DefaultChannelsClaim)
		if err != nil {
			require.ErrorIs(t, err, ErrUnauthorized)
			return
		}
		now := time.Unix(1_800_000_000, 0)
		if c.check(kindToken, now, now, 0, 0) == nil {
			require.Greater(t, c.exp, now.Unix())
			require.NotEmpty(t, c.subject)
			require.NotContains(t, c.subject, "\x00")
			require.LessOrEqual(t, len(c.subject), maxSubject)
		}
		patterns, err := c.patterns(kindToken)
		if err == nil {
			require.Len(t, patterns, len(c.channels))
		}
	})
}

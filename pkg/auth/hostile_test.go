package auth_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/auth"
)

// hostile is a token, and why it is refused.
type hostile struct{ token, why string }

// loose makes the last character of the part end in bits that mean nothing.
func loose(part string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	i := strings.IndexByte(alphabet, part[len(part)-1])
	return part[:len(part)-1] + string(alphabet[i|1])
}

// malformedForms: what two parsers might read in two ways. All but the first
// few bear a good signature.
func malformedForms() map[string]hostile {
	hs := hs256(good())
	header, payload := b64(plainHeader), b64(text(good()))
	exp := noon.Add(time.Hour).Unix()
	twice := fmt.Sprintf(`{"sub":"7","sub":"1","iss":%q,"aud":%q,"exp":%d}`, issuer, audience, exp)
	escaped := fmt.Sprintf(`{"sub":"7","\u0073ub":"1","iss":%q,"aud":%q,"exp":%d}`, issuer, audience, exp)
	inner := fmt.Sprintf(`{"sub":"7","o":[{"a":{"b":1,"b":2}}],"iss":%q,"aud":%q,"exp":%d}`, issuer, audience, exp)
	capitals := fmt.Sprintf(`{"SUB":"7","iss":%q,"aud":%q,"exp":%d}`, issuer, audience, exp)
	// A header whose length is no multiple of three, so that its last character
	// has bits to spare.
	spare := b64(`{"alg":"HS256" }`)
	return map[string]hostile{
		"a megabyte":                {strings.Repeat("A", 1<<20), "too long"},
		"one byte too long":         {strings.Repeat("A", auth.MaxToken+1), "too long"},
		"long, and well signed":     {hs256(goodWith("x", strings.Repeat("x", auth.MaxToken))), "too long"},
		"only dots":                 {"..", "not base64url"},
		"one part":                  {"abc", "not three parts"},
		"two parts":                 {header + "." + payload, "not three parts"},
		"four parts":                {hs + ".AA", "not three parts"},
		"encrypted (JWE)":           {hs + ".AA.AA", "encrypted"},
		"trailing dot":              {hs + ".", "not three parts"},
		"trailing space":            {hs + " ", "not base64url"},
		"leading space":             {" " + hs, "not base64url"},
		"trailing line end":         {hs + "\n", "not base64url"},
		"line end in a part":        {forgeRaw(header[:4]+"\r\n"+header[4:], payload), "not base64url"},
		"NUL behind":                {hs + "\x00", "not base64url"},
		"padding in the signature":  {hs + "=", "not base64url"},
		"padding in the header":     {forgeRaw(spare+"==", payload), "not base64url"},
		"standard alphabet":         {forgeRaw(header, "+/"+payload), "not base64url"},
		"loose bits, header":        {forgeRaw(loose(spare), payload), "not base64url"},
		"loose bits, signature":     {loose(hs), "not base64url"},
		"lookalike dot":             {strings.Replace(hs, ".", "\u2024", 1), "not three parts"},
		"lookalike letter":          {strings.Replace(hs, "e", "\u0435", 1), "not base64url"},
		"JSON serialization":        {`{"payload":"` + payload + `","protected":"` + header + `","signature":"x.y.z"}`, "not base64url"},
		"header twice alg":          {forge(`{"alg":"none","alg":"HS256"}`, text(good())), "stands twice"},
		"header twice kid, escaped": {forge(`{"alg":"HS256","kid":"a","k\u0069d":"b"}`, text(good())), "stands twice"},
		"header not JSON":           {forge(`alg=HS256`, text(good())), "not a JSON object"},
		"header a list":             {forge(`["HS256"]`, text(good())), "not a JSON object"},
		"header and more":           {forge(plainHeader+`{}`, text(good())), "not a JSON object"},
		"header not UTF-8":          {forge("{\"alg\":\"HS256\",\"x\":\"\xff\"}", text(good())), "not UTF-8"},
		"crit":                      {forge(`{"alg":"HS256","crit":["exp"]}`, text(good())), "extension"},
		"crit, empty":               {forge(`{"alg":"HS256","crit":[]}`, text(good())), "extension"},
		"b64 false":                 {forge(`{"alg":"HS256","b64":false}`, text(good())), "extension"},
		"compressed":                {forge(`{"alg":"HS256","zip":"DEF"}`, text(good())), "extension"},
		"encrypted in three parts":  {forge(`{"alg":"HS256","enc":"A256GCM"}`, text(good())), "extension"},
		"nested by cty":             {forge(`{"alg":"HS256","cty":"JWT"}`, hs), "nested"},
		"nested without cty":        {forge(plainHeader, hs), "not a JSON object"},
		"typ of a ticket":           {forge(`{"alg":"HS256","typ":"runnel-ticket+jwt"}`, text(good())), "another type"},
		"typ of a logout":           {forge(`{"alg":"HS256","typ":"logout+jwt"}`, text(good())), "another type"},
		"typ of a proof":            {forge(`{"alg":"HS256","typ":"dpop+jwt"}`, text(good())), "another type"},
		"sub twice":                 {forge(plainHeader, twice), "stands twice"},
		"sub twice, escaped":        {forge(plainHeader, escaped), "stands twice"},
		"twice, deep inside":        {forge(plainHeader, inner), "stands twice"},
		"SUB in capitals":           {forge(plainHeader, capitals), "no sub"},
		"nested too deep":           {forge(plainHeader, strings.Repeat(`{"a":`, 17)+"1"+strings.Repeat("}", 17)), "too deep"},
		"lists too deep":            {forge(plainHeader, `{"a":`+strings.Repeat(`[`, 2000)+strings.Repeat("]", 2000)+"}"), "too deep"},
		"too many members":          {forge(plainHeader, manyMembers(129)), "too many members"},
		"claims null":               {forge(plainHeader, `null`), "not a JSON object"},
		"claims and more":           {forge(plainHeader, text(good())+"x"), "not a JSON object"},
		"claims with a comment":     {forge(plainHeader, "/**/"+text(good())), "not a JSON object"},
		"claims with a BOM":         {forge(plainHeader, "\ufeff"+text(good())), "not a JSON object"},
		"claims not UTF-8":          {forge(plainHeader, "{\"sub\":\"\xff\"}"), "not UTF-8"},
		"claims empty":              {forge(plainHeader, `{}`), "another iss"},
	}
}

func manyMembers(n int) string {
	m := map[string]int{}
	for i := range n {
		m[fmt.Sprint("c", i)] = i
	}
	return string(must(json.Marshal(m)))
}

// wrongClaims: well signed, and still no good.
func wrongClaims() map[string]hostile {
	at := func(d time.Duration) int64 { return noon.Add(d).Unix() }
	cases := map[string]hostile{}
	set := func(name, claim string, value any, why string) {
		cases[name] = hostile{hs256(goodWith(claim, value)), why}
	}
	raw := func(name, claim, value, why string) { set(name, claim, json.RawMessage(value), why) }
	for _, claim := range []string{"exp", "sub", "iss", "aud"} {
		why := map[string]string{"iss": "another iss", "aud": "another aud"}[claim]
		if why == "" {
			why = "no " + claim
		}
		cases["without "+claim] = hostile{hs256(goodWithout(claim)), why}
	}
	set("expired, at the end of the skew", "exp", at(-auth.DefaultSkew), "expired")
	set("expired by one second beyond the skew", "exp", at(-auth.DefaultSkew-time.Second), "expired")
	set("expired long ago", "exp", 1, "expired")
	set("not valid yet by one second", "nbf", at(auth.DefaultSkew+time.Second), "nbf is in the future")
	set("issued in the future", "iat", at(auth.DefaultSkew+time.Second), "iat is in the future")
	cases["issued after its end"] = hostile{hs256(jwt.MapClaims{"iss": issuer, "aud": audience, "sub": "7", "iat": at(20 * time.Second), "exp": at(10 * time.Second)}), "not after iat"}
	raw("exp as a string", "exp", fmt.Sprintf(`"%d"`, at(time.Hour)), "seconds")
	raw("exp as a float", "exp", fmt.Sprintf(`%d.5`, at(time.Hour)), "seconds")
	raw("exp as a float that is whole", "exp", fmt.Sprintf(`%d.0`, at(time.Hour)), "seconds")
	raw("exp with an exponent", "exp", `2e9`, "seconds")
	raw("exp huge", "exp", `1e400`, "seconds")
	raw("exp of 30 digits", "exp", strings.Repeat("9", 30), "seconds")
	raw("exp beyond 9999", "exp", `253402300800`, "seconds")
	raw("exp in milliseconds", "exp", fmt.Sprint(noon.Add(time.Hour).UnixMilli()), "seconds")
	raw("exp negative", "exp", `-1`, "seconds")
	raw("exp zero", "exp", `0`, "no exp")
	raw("exp null", "exp", `null`, "seconds")
	raw("exp true", "exp", `true`, "seconds")
	raw("exp a list", "exp", `[2000000000]`, "seconds")
	raw("nbf as a string", "nbf", `"0"`, "seconds")
	raw("iat huge", "iat", `1e19`, "seconds")
	set("wrong issuer", "iss", "https://evil.example.com", "another iss")
	set("issuer with a slash behind", "iss", issuer+"/", "another iss")
	raw("issuer as a list", "iss", `["`+issuer+`"]`, "not a string")
	set("wrong audience", "aud", "other", "another aud")
	set("audience in capitals", "aud", "RUNNEL", "another aud")
	set("audience longer", "aud", "runnel2", "another aud")
	raw("audience, none of the list", "aud", `["a","b"]`, "another aud")
	raw("audience, an empty list", "aud", `[]`, "another aud")
	raw("audience an object", "aud", `{"runnel":true}`, "list of strings")
	raw("audience with a number", "aud", `["runnel",7]`, "not a string")
	raw("audience null", "aud", `null`, "list of strings")
	raw("sub as a number", "sub", `7`, "not a string")
	raw("sub null", "sub", `null`, "not a string")
	set("sub empty", "sub", "", "no sub")
	set("sub with NUL", "sub", "7\x00", "controls")
	set("sub with a space", "sub", "7 ", "white space")
	set("sub with a line end", "sub", "7\n", "white space")
	set("sub with an invisible mark", "sub", "7\u200b", "controls")
	set("sub turned round", "sub", "\u202e7", "controls")
	raw("sub with half a surrogate", "sub", `"7\ud800"`, "controls")
	set("sub too long", "sub", strings.Repeat("7", 257), "too long")
	return cases
}

// wildcardAbuse: patterns that would stand for more than their issuer meant.
func wildcardAbuse() map[string]hostile {
	cases := map[string]hostile{}
	for name, pattern := range map[string]string{
		"everything": "*", "everything, deep": "**", "any stream": "*:x", "any stream, deep": "**:x", "any stream, any key": "*:**",
		"a part of a stream's name": "Comment*:item:1", "stream with a mark": "Comment-Stream:1", "no key": "CommentStream", "empty key": "CommentStream:",
		"** in the middle": "CommentStream:**:x", "** twice": "CommentStream:**:**", "***": "CommentStream:***", "half a part": "CommentStream:item:4*",
		"half a part, before": "CommentStream:*2", "an empty part": "CommentStream::42", "an empty last part": "CommentStream:item:", "empty": "",
		"a lookalike star": "CommentStream:\u2217", "a full-width star": "CommentStream:\uff0a", "a lookalike letter": "C\u043emmentStream:*",
		"NUL": "CommentStream:item:42\x00", "a space": "CommentStream: *", "a question mark": "CommentStream:item:?", "a regular expression": "CommentStream:.*",
		"a set": "CommentStream:[a-z]", "braces": "CommentStream:{item_id}", "percent": "CommentStream:%2a", "a slash": "CommentStream/item:42", "too long": "CommentStream:" + strings.Repeat("x", 129),
	} {
		cases["pattern: "+name] = hostile{hs256(goodWith("channels", []string{"CommentStream:item:1", pattern})), "malformed pattern"}
	}
	for name, value := range map[string]string{"a string": `"CommentStream:**"`, "null": `null`, "an object": `{"CommentStream:**":true}`, "numbers": `[7]`, "null in it": `[null]`} {
		why := "list of strings"
		if strings.HasPrefix(value, "[") {
			why = "not a string"
		}
		cases["patterns as "+name] = hostile{hs256(goodWith("channels", json.RawMessage(value))), why}
	}
	return cases
}

func TestHostileTokensAreRefusedCaseByCase(t *testing.T) {
	t.Parallel()
	var log logbook
	guard := newGuard(t, func(c *auth.Config) { c.Logger = log.logger() })
	count := 0
	for group, cases := range map[string]map[string]hostile{
		"key": forgedKeys(), "form": malformedForms(), "claim": wrongClaims(), "pattern": wildcardAbuse(),
	} {
		for name, tc := range cases {
			count++
			t.Run(group+"/"+name, func(t *testing.T) {
				t.Parallel()
				p, err := guard.Authenticate(bearer(tc.token))
				requireRefused(t, err, auth.CodeInvalidToken, tc.why, tc.token)
				require.Zero(t, p)
			})
		}
	}
	t.Cleanup(func() { require.Empty(t, log.String()) })
	require.GreaterOrEqual(t, count, 40)
	t.Log(count, "hostile tokens")
}

func TestTheSameTokensWithoutTheirFaultAreAccepted(t *testing.T) {
	t.Parallel()
	guard := newGuard(t)
	at := func(d time.Duration) int64 { return noon.Add(d).Unix() }
	for name, token := range map[string]string{
		"HS256": hs256(good()),
		"RS256": sign(jwt.SigningMethodRS256, "rsa", rsaKey(), good()),
		"ES256": sign(jwt.SigningMethodES256, "ec", ecKey(), good()),
		"EdDSA": sign(jwt.SigningMethodEdDSA, "ed", edKey(), good()),
		"the only key of its algorithm needs no kid": sign(jwt.SigningMethodEdDSA, "", edKey(), good()),
		"HS256 under any kid":                        sign(jwt.SigningMethodHS256, "rsa", secret, good()),
		"typ at+jwt":                                 forge(`{"alg":"HS256","typ":"application/at+JWT"}`, text(good())),
		"no typ":                                     forge(`{"alg":"HS256"}`, text(good())),
		"spaces in the JSON":                         forge(" {\n\"alg\" : \"HS256\" } ", text(good())),
		"escapes in the JSON":                        forge(`{"\u0061lg":"HS25\u0036"}`, text(good())),
		"jwk, jku, x5u and x5c, not looked at":       forge(`{"alg":"HS256","jwk":{"kty":"oct","k":"AA"},"jku":"https://evil.example.com","x5u":"x","x5c":["x"]}`, text(good())),
		"the last second of the skew":                hs256(goodWith("exp", at(-auth.DefaultSkew+time.Second))),
		"nbf at the skew":                            hs256(goodWith("nbf", at(auth.DefaultSkew))),
		"iat at the skew":                            hs256(goodWith("iat", at(auth.DefaultSkew))),
		"without nbf":                                hs256(goodWithout("nbf")),
		"without iat":                                hs256(goodWithout("iat")),
		"audience among others":                      hs256(goodWith("aud", []string{"other", audience})),
		"the longest sub":                            hs256(goodWith("sub", strings.Repeat("7", 256))),
		"no patterns":                                hs256(goodWith("channels", []string{})),
		"every wildcard":                             hs256(goodWith("channels", []string{"CommentStream:*:x:**", "S:**"})),
		"other claims of any type":                   hs256(goodWith("x", map[string]any{"a": []any{1, nil, true, "s", 1.5}})),
		"16 deep":                                    forge(plainHeader, strings.Replace(text(good()), "{", `{"x":`+strings.Repeat("[", 15)+strings.Repeat("]", 15)+",", 1)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := guard.Authenticate(bearer(token))
			require.NoError(t, err)
			require.NotEmpty(t, p.Subject)
		})
	}
}

package auth

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/runnel-sse/runnel/pkg/channel"
)

// maxSubject bounds a subject in bytes: it is an attribute of log lines and a
// key of the registry.
const maxSubject = 256

// claims are what a token says. A number of 0 and an empty text are not there.
type claims struct {
	issuer, subject string
	audience        []string
	exp, nbf, iat   int64 // seconds since 1970
	channels        []string
	texts           map[string]string // every other claim that is a string
}

// readClaims reads the payload. A claim of the wrong type is a fault and not
// passed over: whoever signed it meant something that is not understood here.
func readClaims(e envelope, channelsClaim string) (claims, error) {
	var c claims
	members, err := object(e.payload)
	if err != nil {
		return c, e.kind.refuse(textMalformed, "claims: "+err.Error())
	}
	for _, m := range members {
		if err := c.read(m, channelsClaim); err != nil {
			return c, e.kind.refuse("has a claim of the wrong type", "claims: "+err.Error())
		}
	}
	return c, nil
}

func (c *claims) read(m member, channelsClaim string) (err error) {
	switch m.name {
	case "iss":
		c.issuer, err = text(m.value)
	case "sub":
		c.subject, err = text(m.value)
	case "aud":
		c.audience, err = textOrTexts(m.value)
	case "exp":
		c.exp, err = seconds(m.value)
	case "nbf":
		c.nbf, err = seconds(m.value)
	case "iat":
		c.iat, err = seconds(m.value)
	case channelsClaim:
		c.channels, err = texts(m.value)
	default:
		if s, err := text(m.value); err == nil {
			if c.texts == nil {
				c.texts = map[string]string{}
			}
			c.texts[m.name] = s
		}
	}
	return err
}

func textOrTexts(raw []byte) ([]string, error) {
	if s, err := text(raw); err == nil {
		return []string{s}, nil
	}
	return texts(raw)
}

var errNotTime = errors.New("not a whole number of seconds since 1970")

// seconds reads a date. Fractions and exponents, which RFC 7519 lets pass, are
// refused: what is read as a float here and as an integer there ends at two times.
func seconds(raw []byte) (int64, error) {
	const lastOf9999 = 253402300799
	n, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil || n < 0 || n > lastOf9999 {
		return 0, errNotTime
	}
	return n, nil
}

// check decides whether the claims hold now. now is the clock's word, latest the
// latest that it ever said: what has ended does not begin again when it goes back.
func (c *claims) check(k kind, now, latest time.Time, expSkew, skew time.Duration) error {
	after := now.Add(skew)
	switch {
	case c.exp == 0:
		return k.refuse("has no expiry", "no exp")
	case !latest.Before(time.Unix(c.exp, 0).Add(expSkew)):
		return k.refuse("has expired", "expired")
	case time.Unix(c.nbf, 0).After(after):
		return k.refuse("is not valid yet", "nbf is in the future")
	case time.Unix(c.iat, 0).After(after):
		return k.refuse("is not valid yet", "iat is in the future")
	case c.iat >= c.exp, c.nbf >= c.exp:
		return k.refuse("is never valid", "exp is not after iat and nbf")
	case c.subject == "":
		return k.refuse("has no subject", "no sub")
	case !plain(c.subject):
		return k.refuse("has a subject that is not allowed", "sub is too long, or has white space or controls in it")
	}
	return nil
}

// plain reports whether a subject can be told from every other: what is not
// visible, and the mark that stands for broken text, is in none.
func plain(subject string) bool {
	return len(subject) <= maxSubject && !strings.ContainsFunc(subject, func(r rune) bool {
		return r == utf8.RuneError || !unicode.IsGraphic(r) || unicode.IsSpace(r)
	})
}

// meant decides whether the token is from the issuer, and for this service.
func (c *claims) meant(k kind, issuer, audience string) error {
	switch {
	case issuer != "" && c.issuer != issuer:
		return k.refuse("is of another issuer", "another iss")
	case audience != "" && !slices.Contains(c.audience, audience):
		return k.refuse("is for another audience", "another aud")
	}
	return nil
}

// patterns are the channels that the token lists. One that is malformed spoils
// the token: to pass it over would hide from its issuer that it means nothing.
func (c *claims) patterns(k kind) ([]channel.Pattern, error) {
	if len(c.channels) == 0 {
		return nil, nil
	}
	patterns := make([]channel.Pattern, len(c.channels))
	for i, s := range c.channels {
		p, err := channel.ParsePattern(s)
		if err != nil {
			return nil, k.refuse("lists a pattern of channels that is malformed", "a malformed pattern of channels")
		}
		patterns[i] = p
	}
	return patterns, nil
}

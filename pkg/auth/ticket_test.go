package auth_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/auth"
	"github.com/runnel-sse/runnel/pkg/channel"
)

func principal(t testing.TB, g *auth.Guard) auth.Principal {
	t.Helper()
	p, err := g.Authenticate(bearer(hs256(good())))
	require.NoError(t, err)
	return p
}

var twoChannels = []channel.Name{channel.MustParse("S:user:7"), channel.MustParse("T:all")}

func TestATicketIsForItsChannelsAndAsLongAsItsToken(t *testing.T) {
	t.Parallel()
	var now atomic.Int64
	now.Store(noon.Unix())
	g := newGuard(t, func(c *auth.Config) { c.Now = func() time.Time { return time.Unix(now.Load(), 0) } })
	p := principal(t, g)
	ticket, expires, err := g.Ticket(p, twoChannels, false)
	require.NoError(t, err)
	require.True(t, expires.Equal(p.Expires))
	for range 3 { // an EventSource comes back with the same URL
		got, err := g.Authenticate(withTicket(ticket))
		require.NoError(t, err)
		require.Equal(t, auth.Principal{Subject: "7", Expires: time.Unix(p.Expires.Unix(), 0), Ticket: true, Only: twoChannels}, got)
	}
	now.Store(p.Expires.Unix() - 1)
	_, err = g.Authenticate(withTicket(ticket))
	require.NoError(t, err)
	_, err = g.Authenticate(bearer(hs256(good())))
	require.NoError(t, err, "the token is as good as its ticket")
	now.Store(p.Expires.Unix())
	_, err = g.Authenticate(withTicket(ticket))
	requireRefused(t, err, auth.CodeInvalidToken, "expired", ticket)
	_, err = g.Authenticate(bearer(hs256(good())))
	requireRefused(t, err, auth.CodeInvalidToken, "expired", hs256(good()))
}

func TestATicketIsNotGivenToEverybody(t *testing.T) {
	t.Parallel()
	g := newGuard(t)
	p := principal(t, g)
	ticket, _, err := g.Ticket(p, twoChannels, false)
	require.NoError(t, err)
	byTicket, err := g.Authenticate(withTicket(ticket))
	require.NoError(t, err)
	expired := p
	expired.Expires = noon
	long := make([]channel.Name, auth.MaxTicketChannels)
	for i := range long {
		long[i] = channel.MustParse(fmt.Sprintf("S:%0120d", i))
	}
	most := make([]channel.Name, auth.MaxTicketChannels)
	for i := range most {
		most[i] = channel.MustParse(fmt.Sprintf("CommentStream:item:%d", i))
	}
	for name, tc := range map[string]struct {
		who  auth.Principal
		chs  []channel.Name
		want error
		says string
	}{
		"the most channels":    {who: p, chs: most},
		"nobody":               {auth.Principal{}, twoChannels, auth.ErrUnauthorized, "a token that has not expired"},
		"expired":              {expired, twoChannels, auth.ErrUnauthorized, "a token that has not expired"},
		"a token without end":  {auth.Principal{Subject: "7"}, twoChannels, auth.ErrUnauthorized, "a token that has not expired"},
		"a ticket for another": {byTicket, twoChannels, auth.ErrForbidden, "a ticket gives no other"},
		"no channel":           {p, nil, nil, "0 channels, want 1 to 64"},
		"one channel too many": {p, append(most, twoChannels[0]), nil, "65 channels, want 1 to 64"},
		"channels too long":    {p, long, nil, "ask for fewer channels"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ticket, _, err := g.Ticket(tc.who, tc.chs, false)
			if tc.says != "" {
				require.ErrorContains(t, err, tc.says)
				require.Empty(t, ticket)
				if tc.want != nil {
					require.ErrorIs(t, err, tc.want)
				}
				return
			}
			require.NoError(t, err)
			got, err := g.Authenticate(withTicket(ticket))
			require.NoError(t, err)
			require.Equal(t, tc.chs, got.Only)
		})
	}
}

func TestHostileTicketsAreRefusedCaseByCase(t *testing.T) {
	t.Parallel()
	g := newGuard(t)
	real, _, err := g.Ticket(principal(t, g), twoChannels, false)
	require.NoError(t, err)
	claims := func(change ...any) jwt.MapClaims {
		c := jwt.MapClaims{"sub": "7", "iat": noon.Unix(), "exp": noon.Add(time.Hour).Unix(), "jti": "x", "use": "", "channels": []string{"S:a"}}
		for i := 0; i < len(change); i += 2 {
			if c[change[i].(string)] = change[i+1]; change[i+1] == nil {
				delete(c, change[i].(string))
			}
		}
		return c
	}
	make := func(typ string, method jwt.SigningMethod, key any, c jwt.MapClaims) string {
		tk := jwt.NewWithClaims(method, c)
		tk.Header["typ"] = typ
		return must(tk.SignedString(key))
	}
	const typ = "runnel-ticket+jwt"
	fair := func(c jwt.MapClaims) string { return make(typ, jwt.SigningMethodHS256, ticketSecret, c) }
	got, err := g.Authenticate(withTicket(fair(claims())))
	require.NoError(t, err, "the others have one fault each")
	require.Equal(t, "7", got.Subject)
	for name, tc := range map[string]hostile{
		"a token":                  {hs256(good()), "another type"},
		"a token by our key":       {make("JWT", jwt.SigningMethodHS256, ticketSecret, claims()), "another type"},
		"no type":                  {make("", jwt.SigningMethodHS256, ticketSecret, claims()), "another type"},
		"type in capitals":         {make(strings.ToUpper(typ), jwt.SigningMethodHS256, ticketSecret, claims()), "another type"},
		"by the tokens' secret":    {make(typ, jwt.SigningMethodHS256, secret, claims()), "signature does not fit"},
		"by the development key":   {make(typ, jwt.SigningMethodHS256, []byte(auth.DevelopmentTicketSecret), claims()), "signature does not fit"},
		"none":                     {forge(`{"alg":"none","typ":"runnel-ticket+jwt"}`, text(claims())), "another algorithm"},
		"EdDSA by a token's key":   {make(typ, jwt.SigningMethodEdDSA, edKey(), claims()), "another algorithm"},
		"HS512":                    {make(typ, jwt.SigningMethodHS512, ticketSecret, claims()), "another algorithm"},
		"another's channels":       {strings.Split(real, ".")[0] + "." + b64(text(claims())) + "." + strings.Split(real, ".")[2], "signature does not fit"},
		"expired":                  {fair(claims("exp", noon.Unix())), "expired"},
		"expired, within the skew": {fair(claims("exp", noon.Unix()-1, "iat", noon.Unix()-9)), "expired"},
		"no end":                   {fair(claims("exp", nil)), "no exp"},
		"nobody":                   {fair(claims("sub", nil)), "no sub"},
		"from the future":          {fair(claims("iat", noon.Add(time.Minute).Unix())), "in the future"},
		"a pattern as a channel":   {fair(claims("channels", []string{"S:**"})), "malformed channel"},
		"a string as channels":     {fair(claims("channels", "S:a")), "list of strings"},
		"single, without an id":    {fair(claims("use", "single", "jti", nil)), "no Once"},
		"too long":                 {fair(claims("x", strings.Repeat("x", auth.MaxToken))), "too long"},
		"rubbish":                  {"rubbish", "not three parts"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := g.Authenticate(withTicket(tc.token))
			requireRefused(t, err, auth.CodeInvalidToken, tc.why, tc.token)
			require.Zero(t, p)
		})
	}
}

func TestOfManyUsesOfASingleTicketTheFirstWins(t *testing.T) {
	t.Parallel()
	g := newGuard(t)
	ticket, _, err := g.Ticket(principal(t, g), twoChannels, true)
	require.NoError(t, err)
	other, _, err := g.Ticket(principal(t, g), twoChannels, true)
	require.NoError(t, err)
	require.NotEqual(t, ticket, other)
	var in atomic.Int64
	var all sync.WaitGroup
	for range 200 {
		all.Go(func() {
			p, err := g.Authenticate(withTicket(ticket))
			if err == nil && p.Subject == "7" {
				in.Add(1)
				return
			}
			requireRefused(t, err, auth.CodeInvalidToken, "used before", ticket)
		})
	}
	all.Wait()
	require.EqualValues(t, 1, in.Load())
	_, err = g.Authenticate(withTicket(other))
	require.NoError(t, err, "another one is not used up")
}

type onceFunc func(id string, until time.Time) (bool, error)

func (f onceFunc) First(_ context.Context, id string, until time.Time) (bool, error) {
	return f(id, until)
}

func TestASingleTicketNeedsSomebodyWhoRemembers(t *testing.T) {
	t.Parallel()
	var until time.Time
	broken := newGuard(t, func(c *auth.Config) {
		c.Once = onceFunc(func(_ string, u time.Time) (bool, error) { until = u; return true, errUnreachable })
	})
	ticket, expires, err := broken.Ticket(principal(t, broken), twoChannels, true)
	require.NoError(t, err)
	p, err := broken.Authenticate(withTicket(ticket))
	require.ErrorIs(t, err, auth.ErrUnavailable)
	require.ErrorIs(t, err, errUnreachable)
	require.NotErrorIs(t, err, auth.ErrUnauthorized)
	require.Zero(t, p)
	require.Equal(t, expires, until)

	without := newGuard(t, func(c *auth.Config) { c.Once = nil })
	_, _, err = without.Ticket(principal(t, without), twoChannels, true)
	require.ErrorIs(t, err, auth.ErrNoTickets)
	_, err = without.Authenticate(withTicket(ticket))
	requireRefused(t, err, auth.CodeInvalidToken, "no Once", ticket)
}

func TestOnceForgetsWhatHasRunOutAndNothingElse(t *testing.T) {
	t.Parallel()
	now := noon
	once := auth.NewOnce(3, func() time.Time { return now })
	first := func(id string, d time.Duration) (bool, error) {
		return once.First(t.Context(), id, noon.Add(d))
	}
	for i, id := range []string{"c", "a", "b"} {
		ok, err := first(id, time.Duration(3-i)*time.Minute)
		require.NoError(t, err)
		require.True(t, ok)
	}
	ok, err := first("d", time.Hour)
	require.ErrorIs(t, err, auth.ErrUnavailable, "full: it may not forget one that is still good")
	require.False(t, ok)
	ok, err = first("a", time.Hour)
	require.NoError(t, err)
	require.False(t, ok, "known, although full")

	now = noon.Add(time.Minute) // b has run out
	ok, err = first("d", time.Hour)
	require.NoError(t, err)
	require.True(t, ok)
	for _, id := range []string{"a", "c", "d"} {
		ok, err = first(id, time.Hour)
		require.NoError(t, err)
		require.False(t, ok, id)
	}
}

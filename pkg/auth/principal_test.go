package auth_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/auth"
	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/schema"
)

func stream(policy schema.Policy, template string) *schema.Stream {
	return &schema.Stream{Name: "S", Policy: policy, Template: channel.MustParseTemplate(template)}
}

func pattern(t *testing.T, s string) channel.Pattern {
	t.Helper()
	p, err := channel.ParsePattern(s)
	require.NoError(t, err)
	return p
}

func TestAPolicyDecides(t *testing.T) {
	t.Parallel()
	seven := auth.Principal{Subject: "7", Expires: noon}
	member := auth.Principal{Subject: "7", Claims: map[string]string{"org": "acme"}}
	owned := func(template, field, claim string) *schema.Stream {
		s := stream(schema.PolicyOwner, template)
		s.Owner = schema.Owner{Field: field, Claim: claim}
		return s
	}
	lists := func(patterns ...string) auth.Principal {
		p := seven
		for _, s := range patterns {
			p.Channels = append(p.Channels, pattern(t, s))
		}
		return p
	}
	ticket := auth.Principal{Subject: "7", Expires: noon, Ticket: true, Only: []channel.Name{channel.MustParse("S:user:7"), channel.MustParse("S:all")}}
	for name, tc := range map[string]struct {
		who    auth.Principal
		stream *schema.Stream
		ch     string
		want   error
	}{
		"public, nobody":                    {auth.Principal{}, stream(schema.PolicyPublic, "all"), "S:all", nil},
		"public, somebody":                  {seven, stream(schema.PolicyPublic, "all"), "S:all", nil},
		"authenticated, nobody":             {auth.Principal{}, stream(schema.PolicyAuthenticated, "all"), "S:all", auth.ErrUnauthorized},
		"authenticated, somebody":           {seven, stream(schema.PolicyAuthenticated, "all"), "S:all", nil},
		"owner, nobody":                     {auth.Principal{}, stream(schema.PolicyOwner, "user:{user_id}"), "S:user:7", auth.ErrUnauthorized},
		"owner, the owner":                  {seven, stream(schema.PolicyOwner, "user:{user_id}"), "S:user:7", nil},
		"owner, another":                    {seven, stream(schema.PolicyOwner, "user:{user_id}"), "S:user:77", auth.ErrForbidden},
		"owner, a key of another form":      {seven, stream(schema.PolicyOwner, "user:{user_id}"), "S:item:7", auth.ErrForbidden},
		"owner, two fields and none named":  {seven, stream(schema.PolicyOwner, "{a}:{b}"), "S:7:7", auth.ErrForbidden},
		"owner, by the first field":         {seven, owned("{a}:{b}", "a", ""), "S:7:8", nil},
		"owner, by the second field":        {seven, owned("{a}:{b}", "b", "sub"), "S:7:8", auth.ErrForbidden},
		"owner, by a claim":                 {member, owned("org:{org}", "org", "org"), "S:org:acme", nil},
		"owner, by a claim, another":        {member, owned("org:{org}", "org", "org"), "S:org:7", auth.ErrForbidden},
		"owner, by a claim that is not":     {seven, owned("org:{org}", "org", "org"), "S:org:7", auth.ErrForbidden},
		"owner, a field that is not":        {seven, owned("org:{org}", "x", ""), "S:org:7", auth.ErrForbidden},
		"owner, no field":                   {seven, stream(schema.PolicyOwner, "all"), "S:all", auth.ErrForbidden},
		"owner, a list does not help":       {lists("S:**"), stream(schema.PolicyOwner, "user:{user_id}"), "S:user:8", auth.ErrForbidden},
		"claim, nobody":                     {auth.Principal{}, stream(schema.PolicyClaim, "user:{id}"), "S:user:7", auth.ErrUnauthorized},
		"claim, listed":                     {lists("T:**", "S:user:*"), stream(schema.PolicyClaim, "user:{id}"), "S:user:8", nil},
		"claim, not listed":                 {lists("S:user:7", "T:**"), stream(schema.PolicyClaim, "user:{id}"), "S:user:8", auth.ErrForbidden},
		"claim, no list":                    {seven, stream(schema.PolicyClaim, "user:{id}"), "S:user:7", auth.ErrForbidden},
		"unknown policy":                    {lists("S:**"), stream("owners", "all"), "S:all", auth.ErrForbidden},
		"no policy":                         {lists("S:**"), stream("", "all"), "S:all", auth.ErrForbidden},
		"a channel of another stream":       {seven, stream(schema.PolicyPublic, "all"), "T:all", auth.ErrForbidden},
		"no stream":                         {seven, nil, "S:all", auth.ErrForbidden},
		"ticket, its channel":               {ticket, stream(schema.PolicyOwner, "user:{id}"), "S:user:7", nil},
		"ticket, its channel of any policy": {ticket, stream(schema.PolicyClaim, "user:{id}"), "S:user:7", nil},
		"ticket, another channel":           {ticket, stream(schema.PolicyAuthenticated, "user:{id}"), "S:user:8", auth.ErrForbidden},
		"ticket, a public channel besides":  {ticket, stream(schema.PolicyPublic, "x"), "S:x", auth.ErrForbidden},
		"ticket for nothing":                {auth.Principal{Subject: "7", Ticket: true}, stream(schema.PolicyAuthenticated, "all"), "S:all", auth.ErrForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := tc.who.Allows(tc.stream, channel.MustParse(tc.ch))
			require.ErrorIs(t, err, tc.want)
			if tc.want == nil {
				require.NoError(t, err)
			}
		})
	}
	require.ErrorIs(t, seven.Allows(stream(schema.PolicyPublic, "all"), channel.Name{}), auth.ErrForbidden)
}

func TestATokenSaysWhoAndUntilWhen(t *testing.T) {
	t.Parallel()
	claims := goodWith("channels", []string{"S:a:*"})
	claims["org"], claims["level"] = "acme", 3
	p, err := newGuard(t).Authenticate(bearer(hs256(claims)))
	require.NoError(t, err)
	require.Equal(t, "7", p.Subject)
	require.True(t, noon.Add(time.Hour+auth.DefaultSkew).Equal(p.Expires), "the end of what is accepted")
	require.Equal(t, []channel.Pattern{pattern(t, "S:a:*")}, p.Channels)
	require.Equal(t, map[string]string{"org": "acme"}, p.Claims)
	require.False(t, p.Ticket)
	require.Empty(t, p.Only)
}

func TestTheListMayHaveAnotherName(t *testing.T) {
	t.Parallel()
	g := newGuard(t, func(c *auth.Config) { c.ChannelsClaim = "https://example.com/rooms" })
	claims := goodWith("https://example.com/rooms", []string{"S:a"})
	claims["channels"] = "of no meaning here"
	p, err := g.Authenticate(bearer(hs256(claims)))
	require.NoError(t, err)
	require.Equal(t, []channel.Pattern{pattern(t, "S:a")}, p.Channels)
}

package auth_test

import (
	"crypto"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/auth"
	"github.com/runnel-sse/runnel/pkg/channel"
)

// ordinary is a token as issuers make them: a dozen claims, a few patterns.
func ordinary() jwt.MapClaims {
	c := good()
	c["jti"], c["scope"], c["name"], c["email"] = "8f14e45f-ceea-467f-a0e6-2b1f0a9d1c3e", "openid profile", "Ada Lovelace", "ada@example.com"
	c["roles"] = []string{"reader", "writer"}
	c["channels"] = []string{"CommentStream:item:*", "NotificationStream:user:7"}
	return c
}

// cases are the requests that are measured, on a guard whose keys are cached:
// those of public keys came from an issuer, whose calls are counted.
func cases(tb testing.TB) (*auth.Guard, *atomic.Int64, map[string]*http.Request) {
	tb.Helper()
	calls := new(atomic.Int64)
	set := keySet(map[string]crypto.PublicKey{"rsa": rsaKey().Public(), "ec": ecKey().Public(), "ed": edKey().Public()})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		_, _ = w.Write([]byte(set))
	}))
	tb.Cleanup(server.Close)
	g, err := auth.New(auth.Config{
		Issuer: issuer, Audience: audience, Secret: secret, TicketSecret: ticketSecret, JWKSURL: server.URL,
		Now: func() time.Time { return noon },
	})
	require.NoError(tb, err)
	tb.Cleanup(g.Close)
	ticket, _, err := g.Ticket(principal(tb, g), []channel.Name{channel.MustParse("CommentStream:item:42"), channel.MustParse("NotificationStream:user:7")}, false)
	require.NoError(tb, err)
	requests := map[string]*http.Request{
		"HS256":  bearer(hs256(ordinary())),
		"RS256":  bearer(sign(jwt.SigningMethodRS256, "rsa", rsaKey(), ordinary())),
		"ES256":  bearer(sign(jwt.SigningMethodES256, "ec", ecKey(), ordinary())),
		"EdDSA":  bearer(sign(jwt.SigningMethodEdDSA, "ed", edKey(), ordinary())),
		"ticket": withTicket(ticket),
	}
	for _, r := range requests {
		_, err := g.Authenticate(r)
		require.NoError(tb, err)
	}
	return g, calls, requests
}

func BenchmarkAuthenticate(b *testing.B) {
	g, _, requests := cases(b)
	for name, r := range requests {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := g.Authenticate(r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestACheckCostsNoCallAndFewAllocations pins what a connection pays for its
// token while the keys are cached.
func TestACheckCostsNoCallAndFewAllocations(t *testing.T) { // alone: allocations of others would count
	g, calls, requests := cases(t)
	before := calls.Load()
	require.EqualValues(t, 1, before)
	for name, most := range map[string]float64{"HS256": 55, "EdDSA": 50, "ES256": 80, "RS256": 65, "ticket": 45} {
		got := testing.AllocsPerRun(100, func() {
			if _, err := g.Authenticate(requests[name]); err != nil {
				t.Error(err)
			}
		})
		t.Log(name, got)
		require.LessOrEqual(t, got, most, name)
	}
	require.Equal(t, before, calls.Load())
}

package gateway_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/auth"
	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/command"
	"github.com/runnel-sse/runnel/pkg/gateway"
)

// TestATokenOpensItsStreamUntilItEnds runs the gateway with the Guard that
// programs have, by every place that a token may stand in.
func TestATokenOpensItsStreamUntilItEnds(t *testing.T) {
	t.Parallel()
	const path = "/sse/NotificationStream/user:7"
	for name, ask := range map[string]func(token, ticket string) (path, header, value string){
		"a header": func(token, _ string) (string, string, string) { return path, "Authorization", "Bearer " + token },
		"a cookie": func(token, _ string) (string, string, string) { return path, "Cookie", auth.DefaultCookie + "=" + token },
		"a ticket": func(_, ticket string) (string, string, string) { return path + "?ticket=" + ticket, "X-Nothing", "" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				cfg := auth.Development()
				cfg.Skew = -1 // none
				guard, err := auth.New(cfg)
				require.NoError(t, err)
				defer guard.Close()
				h := open(t, func(c *gateway.Config) { c.Guard, c.MaxLife = guard, 24*time.Hour })
				began := time.Now()
				token, err := auth.MintDevelopment("7", 10*time.Minute, nil)
				require.NoError(t, err)
				ticket, _, err := guard.Ticket(auth.Principal{Subject: "7", Expires: began.Add(10 * time.Minute)}, []channel.Name{user}, false)
				require.NoError(t, err)

				at, header, value := ask(token, ticket)
				require.Equal(t, http.StatusUnauthorized, h.get(path).StatusCode)
				s := h.connect(at, header, value)
				require.True(t, began.Add(10*time.Minute).Equal(s.hello.Expires))
				time.Sleep(10 * time.Second)
				h.post(command.Command{Type: command.Renew, Connection: s.hello.Connection, Subject: "7", Expires: began.Add(20 * time.Minute)})
				renewed(t, s)
				events, err := s.end()
				require.NoError(t, err)
				require.Equal(t, "sse.expired", events[len(events)-1].Type)
				require.Equal(t, 20*time.Minute, time.Since(began))

				res := h.get(at, header, value)
				require.Equal(t, http.StatusUnauthorized, res.StatusCode, "it is no good any more")
				require.Contains(t, res.Header.Get("WWW-Authenticate"), `error="invalid_token"`)
				require.NotContains(t, h.lines.String(), token)
				require.NotContains(t, h.lines.String(), ticket)
			})
		})
	}
}

package wire

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/events"
	"github.com/runnel-sse/runnel/pkg/auth"
	"github.com/runnel-sse/runnel/pkg/command"
	"github.com/runnel-sse/runnel/pkg/config"
	"github.com/runnel-sse/runnel/pkg/ingest"
)

func TestAMailboxIsKeptAndAStreamAsItSays(t *testing.T) {
	t.Parallel()
	require.Equal(t, command.Retention, retention(command.Stream))
	require.Equal(t, events.Catalog.Streams[0].Retention, retention(events.Catalog.Streams[0].Name))
	require.Zero(t, retention("NoStream"))
	_, reserved := events.Catalog.Stream(command.Stream)
	require.False(t, reserved)
}

func TestOrdersNeedARegistry(t *testing.T) {
	t.Parallel()
	order := []byte(`{"command":"kick","user":"7","until":"2100-01-02T03:04:05Z"}`)
	s := openMemory()
	in := newIngest(s, s.orders(), slog.New(slog.DiscardHandler))
	_, err := in.Publish(t.Context(), "", order)
	require.NoError(t, err)
	s.registry = nil
	in = newIngest(s, s.orders(), slog.New(slog.DiscardHandler))
	_, err = in.Publish(t.Context(), "", order)
	require.ErrorIs(t, err, ingest.ErrRefused)
	_, err = Check(t.Context(), order)
	require.NoError(t, err)
	_, err = Check(t.Context(), []byte(`{"command":"kick"}`))
	require.ErrorIs(t, err, ingest.ErrRefused)
}

func TestADeploymentsGuardRefusesTheDevelopmentKey(t *testing.T) {
	t.Parallel()
	once := auth.NewOnce(10, time.Now)
	logger := slog.New(slog.DiscardHandler)
	for name, tc := range map[string]struct {
		a     config.Auth
		fault string
	}{
		"nothing":             {config.Auth{}, ""},
		"a secret":            {config.Auth{Secret: strings.Repeat("s", 32), TicketSecret: strings.Repeat("t", 32)}, ""},
		"the development key": {config.Auth{Secret: auth.DevelopmentSecret}, "development"},
		"a short secret":      {config.Auth{Secret: "s"}, "32"},
		"no key set":          {config.Auth{Keys: "{"}, "TOKEN_KEYS"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			guard, err := newGuard(tc.a, once, logger)
			if tc.fault != "" {
				require.ErrorContains(t, err, tc.fault)
				require.NotContains(t, err.Error(), auth.DevelopmentSecret)
				return
			}
			require.NoError(t, err)
			guard.Close()
		})
	}
}

// TestControlIsAServerOutsideLambda, until it is told to stop.
func TestControlIsAServerOutsideLambda(t *testing.T) {
	t.Setenv("AWS_REGION", "eu-central-1")
	c, err := NewControl(t.Context(), config.Control{
		Tables: config.Tables{EventLog: "EventLog", Subscribers: "Subscribers"},
		Addr:   "127.0.0.1:0", MaxChannels: 32, Rate: 20, LogLevel: slog.LevelInfo,
	}, Host{Out: io.Discard})
	require.NoError(t, err)
	ln, err := Listen(t.Context(), "127.0.0.1:0")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.serve(ctx, ln) }()
	for path, status := range map[string]int{"/healthz": 200, "/presence/SystemStream:all": 401, "/nothing": 404} {
		res, err := http.Get("http://" + ln.Addr().String() + path)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Equal(t, status, res.StatusCode, path)
	}
	stop()
	require.NoError(t, <-ended)
}

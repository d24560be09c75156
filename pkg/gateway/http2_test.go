package gateway_test

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/gateway"
	"github.com/runnel-sse/runnel/pkg/memory"
	"github.com/runnel-sse/runnel/pkg/sse"
	"github.com/runnel-sse/runnel/pkg/tail"
)

// TestBothHostsServeTheSameStream: HTTP/1.1 connections are taken over, those of
// HTTP/2 cannot be; over real sockets and TLS.
func TestBothHostsServeTheSameStream(t *testing.T) {
	t.Parallel()
	for name, h2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log := memory.NewLog(memory.LogOptions{})
			registry := memory.NewRegistry(memory.RegistryOptions{})
			follow := tail.New(log, tail.Options{Interval: 10 * time.Millisecond})
			g, err := gateway.New(gateway.Config{Tail: follow, Registry: registry, Catalog: catalog, MaxLife: 3 * time.Second})
			require.NoError(t, err)
			ctx, stop := context.WithCancel(context.Background())
			ran := make(chan error, 1)
			go func() { ran <- follow.Run(ctx) }()
			t.Cleanup(func() { stop(); <-ran })
			server := httptest.NewUnstartedServer(g)
			server.EnableHTTP2 = h2
			server.StartTLS()
			t.Cleanup(server.Close)

			res, err := server.Client().Get(server.URL + "/sse/CommentStream/item:42")
			require.NoError(t, err)
			defer res.Body.Close()
			require.Equal(t, name, strings.TrimSuffix(res.Proto, ".0"))
			require.Equal(t, "text/event-stream", res.Header.Get("Content-Type"))
			require.NotEmpty(t, res.Header.Get("Date"))
			events := sse.NewReader(res.Body)
			_, err = events.Next()
			require.NoError(t, err)
			h := &house{t: t, log: log, registry: registry}
			h.publish(item, 1, 100)
			for i := range 100 {
				e, err := events.Next()
				require.NoError(t, err)
				require.Equal(t, numbers(i+1, 1)[0], e.Data)
			}
			e, err := events.Next()
			require.NoError(t, err)
			require.Equal(t, "sse.rotate", e.Type)
			require.NoError(t, g.Wait(t.Context()))
			require.Zero(t, h.count())
		})
	}
}

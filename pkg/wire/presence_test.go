package wire

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/events"
	"github.com/runnel-sse/runnel/pkg/auth"
	"github.com/runnel-sse/runnel/pkg/follow"
	"github.com/runnel-sse/runnel/pkg/gateway"
	"github.com/runnel-sse/runnel/pkg/schema"
)

// byName believes whatever the request says of itself.
type byName struct{}

func (byName) Authenticate(r *http.Request) (auth.Principal, error) {
	return auth.Principal{Subject: r.URL.Query().Get("as")}, nil
}

var errSeen = errors.New("seen")

// A reader sees another one come and go, as events of the channel.
func TestReadersSeeWhoComesAndGoes(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
	defer stop()
	logger := slog.New(slog.NewTextHandler(io.Discard, nil))
	comments, ok := events.Catalog.Stream("CommentStream")
	require.True(t, ok)
	require.True(t, comments.Presence, "the example keeps presence")
	short := *comments
	short.Grace = time.Second
	s, err := newStreams(openMemory(), 20*time.Millisecond, gateway.Config{
		Catalog: &schema.Catalog{Streams: []schema.Stream{short}}, Guard: byName{}, Logger: logger,
	})
	require.NoError(t, err)
	running, end := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- s.run(running) }()
	server := httptest.NewServer(s.gateway)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
		end()
		require.NoError(t, <-ended)
	})

	bob, leave := context.WithCancel(ctx)
	defer leave()
	nobody := make(chan error, 1)
	var ids []string
	err = follow.Follow(ctx, follow.Options{URL: server.URL + "/sse?channel=CommentStream:item:42&as=ada&since=earliest"}, func(e follow.Event) error {
		if e.Control {
			return nil
		}
		require.Equal(t, "CommentStream:item:42", e.Channel)
		require.NotContains(t, ids, e.ID)
		ids = append(ids, e.ID)
		switch len(ids) {
		case 1:
			require.Equal(t, "sse.joined", e.Type)
			require.Contains(t, string(e.Data), `{"user":"ada","at":"`)
			go func() {
				nobody <- follow.Follow(bob, follow.Options{URL: server.URL + "/sse/CommentStream/item:42?as=bob"}, func(follow.Event) error { return nil })
			}()
		case 2:
			require.Equal(t, "sse.joined", e.Type)
			require.Contains(t, string(e.Data), `{"user":"bob","at":"`)
			leave()
		case 3:
			require.Equal(t, "sse.left", e.Type)
			require.Contains(t, string(e.Data), `{"user":"bob","at":"`)
			return errSeen
		}
		return nil
	})
	require.ErrorIs(t, err, errSeen)
	require.ErrorIs(t, <-nobody, context.Canceled)
}

package control_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/command"
	"github.com/runnel-sse/runnel/pkg/control"
	"github.com/runnel-sse/runnel/pkg/subscriber"
)

func TestPresenceIsForWhoeverMayRead(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	h := open(t, func(c *control.Config) {
		c.Now, c.Staleness = func() time.Time { return now }, 90*time.Second
	})
	room, item := channel.MustParse("RoomStream:room:1"), channel.MustParse("CommentStream:item:1")
	for i, name := range []string{"ada", "", "bob", "ada", "cy"} {
		s := subscriber.Subscriber{Connection: fmt.Sprintf("p.%d", i), User: name, Joined: now.Add(time.Duration(i) * time.Second)}
		h.dir.on[room] = append(h.dir.on[room], s)
		h.dir.on[item] = append(h.dir.on[item], s)
	}
	ask := func(path string) (body string) {
		header := []string{"Authorization", "Bearer " + token(t, "7", map[string]any{"channels": []string{"RoomStream:room:*"}})}
		res, answer := h.do("GET", path, "", header...)
		require.Equal(t, http.StatusOK, res.StatusCode, "%s", answer)
		require.Equal(t, "no-store", res.Header.Get("Cache-Control"))
		return string(answer)
	}
	const end = `"as_of":"2026-01-02T03:04:05Z","stale_ms":90000}`
	require.JSONEq(t, `{"channel":"RoomStream:room:1","subscribers":5,"users":3,"present":[
		{"user":"ada","since":"2026-01-02T03:04:05Z"},{"user":"bob","since":"2026-01-02T03:04:07Z"},{"user":"cy","since":"2026-01-02T03:04:09Z"}],`+end,
		ask("/presence/RoomStream:room:1"))
	require.JSONEq(t, `{"channel":"RoomStream:room:1","subscribers":5,"users":3,"present":[{"user":"ada","since":"2026-01-02T03:04:05Z"}],"next":"ada",`+end,
		ask("/presence/RoomStream:room:1?limit=1"))
	require.JSONEq(t, `{"channel":"RoomStream:room:1","subscribers":5,"users":3,"present":[{"user":"cy","since":"2026-01-02T03:04:09Z"}],`+end,
		ask("/presence/RoomStream:room:1?limit=2&after=bob"))
	require.JSONEq(t, `{"channel":"RoomStream:room:2","subscribers":0,"users":0,`+end, ask("/presence/RoomStream:room:2"))
	require.JSONEq(t, `{"channel":"CommentStream:item:1","subscribers":5,`+end, ask("/presence/CommentStream:item:1"), "who reads is not said where it is not declared")
}

func TestAKickReachesEveryProcess(t *testing.T) {
	t.Parallel()
	item := channel.MustParse("CommentStream:item:1")
	until := time.Now().Add(time.Hour).UTC().Truncate(time.Millisecond)
	user, onItem := subscriber.Target{User: "7"}, subscriber.Target{Channel: item}
	for name, tc := range map[string]struct {
		order command.Order
		told  []string // connections
		block map[subscriber.Target]time.Time
	}{
		"a user":              {command.Order{User: "7", Until: until, Reason: "spam"}, []string{"p.1", "q.3"}, map[subscriber.Target]time.Time{user: until}},
		"a channel":           {command.Order{Channel: item, Until: until}, []string{"p.1", "p.2", "q.3"}, map[subscriber.Target]time.Time{onItem: until}},
		"only for now":        {command.Order{User: "7"}, []string{"p.1", "q.3"}, nil},
		"too late":            {command.Order{User: "7", Until: until.Add(-2 * time.Hour)}, []string{"p.1", "q.3"}, nil},
		"a connection":        {command.Order{Connection: "p.2"}, []string{"p.2"}, nil},
		"nobody":              {command.Order{User: "8", Until: until}, nil, map[subscriber.Target]time.Time{{User: "8"}: until}},
		"let in again":        {command.Order{User: "7", Lift: true}, nil, map[subscriber.Target]time.Time{user: {}}},
		"the channel is open": {command.Order{Channel: item, Lift: true}, nil, map[subscriber.Target]time.Time{onItem: {}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t, nil)
			h.dir.on[item] = []subscriber.Subscriber{{Connection: "p.1", User: "7"}, {Connection: "p.2", User: "9"}, {Connection: "q.3", User: "7"}, {Connection: "no gateway's", User: "7"}}
			tc.order.ID = "an-order"
			kicker := control.NewKicker(h.log, nil, h.dir)
			for range 2 { // a queue delivers twice
				require.NoError(t, kicker.Do(t.Context(), tc.order))
			}
			var told []string
			for _, process := range []string{"p", "q"} {
				for _, c := range h.mail(process) {
					require.Equal(t, command.Command{Type: command.Kick, Connection: c.Connection, Until: tc.order.Until, Reason: tc.order.Reason}, c)
					told = append(told, c.Connection)
				}
			}
			require.Equal(t, tc.told, told)
			want := tc.block
			if want == nil {
				want = map[subscriber.Target]time.Time{}
			}
			require.Equal(t, want, h.dir.blocked)
		})
	}
}

// TestAKickTellsAllOfMany: more connections than one page of the registry has.
func TestAKickTellsAllOfMany(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	item := channel.MustParse("CommentStream:item:1")
	for i := range 1000 { // exactly two pages
		h.dir.on[item] = append(h.dir.on[item], subscriber.Subscriber{Connection: fmt.Sprintf("p%d.%04d", i%2, i)})
	}
	require.NoError(t, control.NewKicker(h.log, nil, h.dir).Do(t.Context(), command.Order{Channel: item}))
	require.Len(t, h.mail("p0"), 500)
	require.Len(t, h.mail("p1"), 500)
}

func TestAnOrderThatCannotBeObeyedBlocksNobody(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	err := control.NewKicker(h.log, nil, h.dir).Do(t.Context(), command.Order{Until: time.Now().Add(time.Hour)})
	require.ErrorIs(t, err, command.ErrInvalid)
	require.Empty(t, h.dir.blocked)

	h.dir.fails = subscriber.ErrUnavailable
	require.ErrorIs(t, control.NewKicker(h.log, nil, h.dir).Do(t.Context(), command.Order{User: "7"}), subscriber.ErrUnavailable)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.Error(t, control.NewKicker(h.log, nil, h.dir).Do(ctx, command.Order{Connection: connection}))
}

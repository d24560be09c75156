package gateway_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/command"
	"github.com/runnel-sse/runnel/pkg/eventlog"
	"github.com/runnel-sse/runnel/pkg/gateway"
	"github.com/runnel-sse/runnel/pkg/obs"
	"github.com/runnel-sse/runnel/pkg/sse"
)

// poll is the longest time between two looks at the heads, while quiet.
const poll = 500 * time.Millisecond

// post puts a command into the mailbox that its connection names.
func (h *house) post(c command.Command) {
	_, err := h.log.Append(context.Background(), c.Mailbox(), []eventlog.Event{c.Event("")})
	require.NoError(h.t, err)
}

func TestAGoodbyeEndsItsStreamWithinOnePoll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &numbersOf{}
		h := open(t, func(c *gateway.Config) { c.Metrics = m })
		gone, stays := h.connect("/sse/CommentStream/item:42"), h.connect("/sse/CommentStream/item:42")
		defer stays.close()
		stays.idle()
		h.post(command.Command{Type: command.Goodbye, Connection: gone.hello.Connection})
		began := time.Now()
		events, err := gone.end()
		require.NoError(t, err)
		require.Empty(t, events, "nobody is there to be told")
		require.LessOrEqual(t, time.Since(began), poll)
		synctest.Wait()
		require.Equal(t, 1, h.gateway.Open())
		require.Equal(t, 1, h.count())
		require.Contains(t, h.lines.String(), "reason=\"reader said goodbye\"")
		require.Len(t, m.of(obs.UnreadSeconds), 1)
		require.InDelta(t, time.Since(began).Seconds(), m.of(obs.UnreadSeconds)[0], 0.01, "paid, and nobody read")
		require.Contains(t, h.lines.String(), fmt.Sprintf("unread_s=%v", m.of(obs.UnreadSeconds)[0]))
		require.Equal(t, 1, m.count(obs.StreamsLeft))
	})
}

func TestAGoodbyeIsHeardBetweenEvents(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		h.publish(item, 1, 20_000)
		s := h.connect("/sse/CommentStream/item:42?since=earliest")
		h.post(command.Command{Type: command.Goodbye, Connection: s.hello.Connection})
		time.Sleep(poll + time.Second) // it reads nothing, so the stream waits with a write
		synctest.Wait()
		require.Zero(t, h.gateway.Open(), "a reader that takes nothing does not hold up its end")
		require.Contains(t, h.lines.String(), "said goodbye")
	})
}

func TestAKickIsSaidAndEndsTheStream(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		until  time.Duration
		reason string
		said   string
		least  time.Duration // of retry
	}{
		"kept out": {until: time.Hour, reason: "spam", said: `{"reason":"kicked","detail":"spam","until":"2000-01-01T01:00:00Z"}`, least: 59 * time.Minute},
		"at once":  {said: `{"reason":"kicked"}`, least: 2 * time.Second},
		"for ever": {until: 1e5 * time.Hour, said: `{"reason":"kicked","until":"2011-05-29T16:00:00Z"}`, least: 24 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := &numbersOf{}
				h := open(t, func(c *gateway.Config) { c.Metrics = m })
				s := h.connect("/sse?channel=CommentStream:item:42&channel=NotificationStream:user:7")
				cmd := command.Command{Type: command.Kick, Connection: s.hello.Connection, Reason: tc.reason}
				if tc.until > 0 {
					cmd.Until = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Add(tc.until)
				}
				began := time.Now()
				h.post(cmd)
				events, err := s.end()
				require.NoError(t, err)
				require.LessOrEqual(t, time.Since(began), 2*poll)
				require.Len(t, events, 1)
				require.Equal(t, "sse.closed", events[0].Type)
				require.JSONEq(t, tc.said, events[0].Data)
				require.Equal(t, s.first.ID, events[0].ID)
				retry, _ := s.events.Retry()
				require.GreaterOrEqual(t, retry, tc.least)
				require.LessOrEqual(t, retry, tc.least+2*time.Minute)
				require.Equal(t, 1, m.count(obs.StreamsKicked))
			})
		})
	}
}

func TestAKickCutsOffWhoTakesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s := h.connect("/sse/CommentStream/item:42") // and never reads again
		defer s.close()
		h.publish(item, 1, 10)
		time.Sleep(time.Second)
		h.post(command.Command{Type: command.Kick, Connection: s.hello.Connection})
		time.Sleep(poll + time.Second + time.Millisecond)
		synctest.Wait()
		require.Zero(t, h.gateway.Open(), "long before its write times out")
		require.Contains(t, h.lines.String(), "reason=kicked")
	})
}

func TestAKickIsHeardByWhoIsCatchingUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		h.flood(item, 60_000)
		s := h.connect("/sse/CommentStream/item:42?since=earliest")
		began, read := time.Now(), 0
		kick := time.AfterFunc(3*time.Second, func() {
			h.post(command.Command{Type: command.Kick, Connection: s.hello.Connection})
		})
		defer kick.Stop()
		for s.next().Type != "sse.closed" {
			if read++; read%500 == 0 {
				time.Sleep(100 * time.Millisecond) // of 12 s in all
			}
		}
		require.LessOrEqual(t, time.Since(began), 3*time.Second+2*poll)
	})
}

func TestWhatIsNoCommandForAStreamHereIsPassedOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s := h.connect("/sse/CommentStream/item:42")
		defer s.close()
		heard := make(chan []sse.Event)
		go func() {
			events, _ := s.end()
			heard <- events
		}()
		process, ok := command.ProcessOf(s.hello.Connection)
		require.True(t, ok, "a connection's id names its process")
		box := command.Mailbox(process)
		for _, e := range []eventlog.Event{
			{Type: "Stop", Data: []byte(`{}`)},
			{Type: command.Goodbye, Data: []byte(`not JSON`)},
			{Type: command.Kick, Data: []byte(`{"connection":"` + process + `"}`)},
			{Type: command.Goodbye, Data: []byte(`{"connection":"` + process + `.AAAAAAAAAAAAAAAAAAAAAA"}`)},
			{Type: command.Goodbye, Data: []byte(`{"connection":"` + strings.ToLower(s.hello.Connection) + `x"}`)},
		} {
			_, err := h.log.Append(t.Context(), box, []eventlog.Event{e})
			require.NoError(t, err)
		}
		time.Sleep(time.Minute)
		require.Equal(t, 1, h.gateway.Open())
		require.Equal(t, 3, strings.Count(h.lines.String(), "it is damaged"))
		require.Equal(t, 2, strings.Count(h.lines.String(), "no such stream is open here"))
		h.post(command.Command{Type: command.Kick, Connection: s.hello.Connection})
		events := <-heard
		require.Equal(t, "sse.closed", events[len(events)-1].Type, "and what comes after is heard")
	})
}

func TestNobodyCanReadAMailbox(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s := h.connect("/sse/CommentStream/item:42")
		defer s.close()
		process, _ := command.ProcessOf(s.hello.Connection)
		require.Equal(t, 404, h.get("/sse/Runnel/process:"+process).StatusCode)
		require.Equal(t, 404, h.get("/sse?channel=CommentStream:item:42&channel="+command.Mailbox(process).String()).StatusCode)
	})
}

func TestCommandsAreHeardAfterAQuietTimeAndADeafLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		for range 3 { // the mailbox is followed while there are streams, from where it was left
			s := h.connect("/sse/CommentStream/item:42")
			h.post(command.Command{Type: command.Goodbye, Connection: s.hello.Connection})
			_, err := s.end()
			require.NoError(t, err)
			synctest.Wait()
			require.Zero(t, h.tail.Followed(), "nobody is here, so nothing is polled")
			h.post(command.Command{Type: command.Goodbye, Connection: s.hello.Connection}) // late: for nobody
			time.Sleep(retention + time.Minute)                                            // and what was said expires
		}
		require.Zero(t, h.gateway.Open())
	})
}

func renewed(t *testing.T, s *stream) (said struct {
	Connection string
	Expires    time.Time
	LeaseMS    int64 `json:"lease_ms"`
	Channels   []struct {
		Channel            string
		Resumed, Recovered bool
	}
	Lost    []string
	Refused struct{ Reason, Detail string }
},
) {
	e := s.next()
	require.Equal(t, "sse.changed", e.Type)
	require.NoError(t, json.Unmarshal([]byte(e.Data), &said))
	require.Equal(t, s.hello.Connection, said.Connection)
	return said
}

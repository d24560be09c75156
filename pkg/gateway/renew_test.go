package gateway_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/auth"
	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/command"
	"github.com/runnel-sse/runnel/pkg/cursor"
	"github.com/runnel-sse/runnel/pkg/gateway"
	"github.com/runnel-sse/runnel/pkg/memory"
	"github.com/runnel-sse/runnel/pkg/obs"
)

const several = "/sse?channel=CommentStream:item:42"

func (h *house) countOn(ch channel.Name) int {
	n, err := h.registry.Count(context.Background(), ch)
	require.NoError(h.t, err)
	return n
}

// until has every request's token end after d.
func until(d time.Duration, m obs.Metrics) func(*gateway.Config) {
	return func(c *gateway.Config) {
		c.Guard = as(auth.Principal{Subject: "7", Expires: time.Now().Add(d)})
		c.MaxLife, c.Metrics = 24*time.Hour, m
	}
}

func TestAStreamEndsWithItsToken(t *testing.T) {
	t.Parallel()
	for name, publishing := range map[string]bool{"quiet": false, "busy": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := &numbersOf{}
				h := open(t, until(10*time.Minute, m))
				began := time.Now()
				s := h.connect("/sse/CommentStream/item:42")
				require.True(t, began.Add(10*time.Minute).Equal(s.hello.Expires))
				ctx, stop := context.WithCancel(t.Context())
				published := make(chan struct{})
				go func() {
					defer close(published)
					for i := 0; publishing && ctx.Err() == nil; i++ {
						h.publish(item, i, 1)
						time.Sleep(50 * time.Millisecond)
					}
				}()
				events, err := s.end()
				require.NoError(t, err, "a clean end")
				require.Equal(t, 10*time.Minute, time.Since(began), "never later")
				last := events[len(events)-1]
				require.Equal(t, "sse.expired", last.Type)
				require.JSONEq(t, `{"at":"2000-01-01T00:10:00Z"}`, last.Data)
				require.NotEmpty(t, last.ID, "the place to go on from")
				require.Equal(t, 1, m.count(obs.StreamsExpired))
				stop()
				<-published
			})
		})
	}
}

func TestARenewalGoesOnAndIsSaid(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		expires time.Duration // from the beginning; 0: not said
		ends    time.Duration
	}{
		"longer":      {40 * time.Minute, 40 * time.Minute},
		"shorter":     {7 * time.Minute, 10 * time.Minute},
		"without end": {0, 10 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := open(t, until(10*time.Minute, nil))
				began := time.Now()
				s := h.connect("/sse/CommentStream/item:42")
				go func() {
					time.Sleep(5 * time.Minute)
					cmd := command.Command{Type: command.Renew, Connection: s.hello.Connection, Subject: "7"}
					if tc.expires > 0 {
						cmd.Expires = began.Add(tc.expires)
					}
					h.post(cmd)
				}()
				said := renewed(t, s)
				require.LessOrEqual(t, time.Since(began), 5*time.Minute+poll)
				require.True(t, began.Add(tc.ends).Equal(said.Expires), said.Expires)
				require.Len(t, said.Channels, 1)
				events, err := s.end()
				require.NoError(t, err)
				require.Equal(t, tc.ends, time.Since(began))
				require.Equal(t, "sse.expired", events[len(events)-1].Type)
			})
		})
	}
}

// TestWhatIsAddedIsReadNoLongerThanItsToken: the connection's own token may last
// longer, and reaches another channel.
func TestWhatIsAddedIsReadNoLongerThanItsToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t, until(time.Hour, nil))
		began := time.Now()
		s := h.connect(several)
		h.post(command.Command{
			Type: command.Renew, Connection: s.hello.Connection, Subject: "7",
			Expires: began.Add(time.Minute), Add: []string{user.String()},
		})
		said := renewed(t, s)
		require.True(t, began.Add(time.Minute).Equal(said.Expires), said.Expires)
		events, err := s.end()
		require.NoError(t, err)
		require.Equal(t, time.Minute, time.Since(began))
		require.Equal(t, "sse.expired", events[len(events)-1].Type)
	})
}

func TestAnotherSubjectRenewsNothing(t *testing.T) {
	t.Parallel()
	for name, subject := range map[string]string{"another": "8", "nobody": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := open(t, func(c *gateway.Config) {
					until(10*time.Minute, nil)(c)
					if subject == "" {
						c.Guard = as(auth.Principal{Expires: time.Now().Add(10 * time.Minute)}) // nor is the reader known
					}
				})
				s := h.connect(several)
				h.post(command.Command{
					Type: command.Renew, Connection: s.hello.Connection, Subject: subject,
					Expires: time.Now().Add(time.Hour), Add: []string{user.String()},
				})
				events, err := s.end()
				require.NoError(t, err)
				require.Len(t, events, 1)
				require.Equal(t, "sse.expired", events[0].Type)
				require.Contains(t, h.lines.String(), "another subject's")
			})
		})
	}
}

// TestARenewalWithFewerRightsLosesWhatTheyDoNotReach: otherwise whoever had a
// right once had it as long as the connection is renewed.
func TestARenewalWithFewerRightsLosesWhatTheyDoNotReach(t *testing.T) {
	t.Parallel()
	const own, granted = "NotificationStream:user:7", "ClaimStream:room:1"
	for name, tc := range map[string]struct {
		patterns []string
		channels string
		left     []string
		lost     []string
		ends     bool
	}{
		"as before":      {patterns: []string{"ClaimStream:room:*"}, channels: "&channel=" + own, left: []string{granted, own}},
		"a claim is out": {channels: "&channel=" + own, left: []string{own}, lost: []string{granted}},
		"another's":      {patterns: []string{"ClaimStream:room:2", "**"}, channels: "&channel=" + own, left: []string{own}, lost: []string{granted}},
		"nothing left":   {ends: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				pattern, err := channel.ParsePattern("ClaimStream:room:*")
				require.NoError(t, err)
				h := open(t, func(c *gateway.Config) {
					c.Guard = as(auth.Principal{Subject: "7", Channels: []channel.Pattern{pattern}})
				})
				s := h.connect("/sse?channel=" + granted + tc.channels)
				defer s.close()
				h.post(command.Command{Type: command.Renew, Connection: s.hello.Connection, Subject: "7", Channels: tc.patterns})
				if tc.ends {
					events, err := s.end()
					require.NoError(t, err)
					require.Equal(t, "sse.closed", events[len(events)-1].Type)
					require.Contains(t, events[len(events)-1].Data, `"reason":"forbidden"`)
					return
				}
				said := renewed(t, s)
				var left []string
				for _, st := range said.Channels {
					left = append(left, st.Channel)
				}
				require.Equal(t, tc.left, left)
				require.Equal(t, tc.lost, said.Lost)
				require.Equal(t, len(tc.left)-1, h.countOn(channel.MustParse(granted)))
			})
		})
	}
}

func TestChannelsComeAndGoWithoutAReconnect(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		h.publish(user, 1, 3)
		s := h.connect(several)
		defer s.close()
		renew := func(add, remove []string) {
			h.post(command.Command{Type: command.Renew, Connection: s.hello.Connection, Subject: "7", Add: add, Remove: remove})
		}
		renew([]string{user.String()}, nil)
		said := renewed(t, s)
		require.Empty(t, said.Refused.Reason)
		require.Len(t, said.Channels, 2)
		require.True(t, said.Channels[0].Resumed)
		require.Equal(t, user.String(), said.Channels[1].Channel)
		require.False(t, said.Channels[1].Resumed, "it begins now")
		require.Equal(t, 1, h.countOn(user))
		h.publish(user, 4, 1)
		e := s.next()
		require.Equal(t, `{"channel":"NotificationStream:user:7","data":{"n":4}}`, e.Data)
		c, err := cursor.Parse(e.ID)
		require.NoError(t, err)
		for ch, want := range map[channel.Name]uint64{item: 0, user: 4} {
			at, ok := c.At(ch)
			require.True(t, ok, ch)
			require.Equal(t, want, at.Seq, ch)
		}

		renew([]string{user.String()}, []string{item.String(), "CommentStream:item:1"})
		said = renewed(t, s)
		require.Len(t, said.Channels, 1)
		require.Equal(t, user.String(), said.Channels[0].Channel)
		require.Zero(t, h.countOn(item))
		h.publish(item, 1, 1) // not for it any more
		time.Sleep(time.Second)
		h.publish(user, 5, 1)
		require.Equal(t, `{"channel":"NotificationStream:user:7","data":{"n":5}}`, s.next().Data)

		renew([]string{user.String()}, []string{user.String()})
		require.Len(t, renewed(t, s).Channels, 1, "taken off and put on is as before")
		s.close()
		synctest.Wait()
		require.Zero(t, h.countOn(user)+h.countOn(item))
		require.Zero(t, h.tail.Followed())
	})
}

func TestChannelsThatCannotBeAreRefusedInBand(t *testing.T) {
	t.Parallel()
	many := func(n int) (all []string) {
		for i := range n {
			all = append(all, fmt.Sprintf("CommentStream:item:%d", i))
		}
		return all
	}
	for name, tc := range map[string]struct {
		path        string
		add, remove []string
		reason      string
	}{
		"a stream of one channel":     {path: "/sse/CommentStream/item:42", add: many(1), reason: "one-channel"},
		"too many":                    {path: several, add: many(3), reason: "too-many-channels"},
		"no such stream":              {path: several, add: []string{"PriceStream:symbol:X"}, remove: []string{item.String()}, reason: "unknown-stream"},
		"a mailbox":                   {path: several, add: []string{"Runnel:process:x"}, reason: "unknown-stream"},
		"a key of another form":       {path: several, add: []string{"CommentStream:user:1"}, reason: "malformed-channel"},
		"the last is not taken":       {path: several, remove: []string{item.String()}, reason: "no-channel"},
		"full":                        {path: several, add: []string{"NarrowStream:room:1", "CommentStream:item:1"}, reason: "channel-full"},
		"nothing is asked for":        {path: several},
		"it has it already":           {path: several, add: []string{item.String()}},
		"it does not have it":         {path: several, remove: many(5)},
		"as many as there may be":     {path: several, add: many(2)},
		"one comes for one that goes": {path: several, add: many(3), remove: []string{item.String()}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := open(t, func(c *gateway.Config) { c.MaxChannels = 3 })
				full := h.connect("/sse/NarrowStream/room:1")
				full.idle()
				s := h.connect(tc.path)
				defer s.close()
				expires := time.Now().Add(time.Hour)
				h.post(command.Command{
					Type: command.Renew, Connection: s.hello.Connection, Subject: "7", Expires: expires, Add: tc.add, Remove: tc.remove,
				})
				said := renewed(t, s)
				require.Equal(t, tc.reason, said.Refused.Reason, said.Refused.Detail)
				if tc.reason != "" {
					require.Len(t, said.Channels, 1, "all or none")
					require.Equal(t, 1, h.countOn(item))
					require.Zero(t, h.countOn(channel.MustParse("CommentStream:item:1")))
				}
				h.publish(item, 1, 1)
				if name != "one comes for one that goes" {
					require.Contains(t, s.next().Data, `{"n":1}`, "the stream goes on")
				}
			})
		})
	}
}

func TestARenewalThatTheRegistryDoesNotHearIsTakenBack(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(*watched, bool){
		"deaf":         func(w *watched, on bool) { w.deaf.Store(on) },
		"lost answers": func(w *watched, on bool) { w.lostAnswers.Store(on) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var w *watched
				h := open(t, func(c *gateway.Config) {
					w = &watched{Registry: c.Registry.(*memory.Registry)}
					c.Registry = w
				})
				s := h.connect(several)
				fail(w, true)
				h.post(command.Command{Type: command.Renew, Connection: s.hello.Connection, Subject: "7", Add: []string{user.String()}})
				said := renewed(t, s)
				require.Equal(t, "unavailable", said.Refused.Reason)
				require.Len(t, said.Channels, 1)
				fail(w, false)
				s.close()
				time.Sleep(time.Minute)
				require.Zero(t, h.countOn(user)+h.countOn(item), "nothing is left when it has gone")
			})
		})
	}
}

func TestAFullChannelIsNotJoinedByTheWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, w := openWatched(t)
		narrow := channel.MustParse("NarrowStream:room:1")
		full := h.connect("/sse/NarrowStream/room:1")
		full.idle()
		s := h.connect(several)
		h.post(command.Command{Type: command.Renew, Connection: s.hello.Connection, Subject: "7", Add: []string{narrow.String()}})
		require.Equal(t, "channel-full", renewed(t, s).Refused.Reason)
		s.idle()
		w.deaf.Store(true) // all of it is forgotten, and joined again
		time.Sleep(2 * time.Minute)
		_, err := h.registry.Reap(t.Context())
		require.NoError(t, err)
		w.deaf.Store(false)
		time.Sleep(time.Minute)
		require.Equal(t, 1, h.countOn(narrow))
		require.Equal(t, 1, h.count())
	})
}

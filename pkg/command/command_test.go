package command_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/command"
	"github.com/runnel-sse/runnel/pkg/eventlog"
)

// A process and a connection as they are in practice.
const (
	process    = "q1vZs5W0R6mLr9bJt-_x2A"
	connection = process + ".Zy8aQ2hT0b3uCw7nE4dGfg"
)

var at = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func TestACommandComesAsItWasGiven(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		c    command.Command
		data string
	}{
		"goodbye": {command.Command{Type: command.Goodbye, Connection: connection}, `{"connection":"` + connection + `"}`},
		"renew": {
			command.Command{
				Type: command.Renew, Connection: connection, Subject: "7", Expires: at,
				Add: []string{"CommentStream:item:1"}, Remove: []string{"CommentStream:item:2"},
			},
			`{"connection":"` + connection + `","subject":"7","expires":"2026-01-02T03:04:05Z","add":["CommentStream:item:1"],"remove":["CommentStream:item:2"]}`,
		},
		"kick": {
			command.Command{Type: command.Kick, Connection: connection, Until: at, Reason: "spam"},
			`{"connection":"` + connection + `","until":"2026-01-02T03:04:05Z","reason":"spam"}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := tc.c.Event("an-id")
			require.Equal(t, "an-id", e.ID)
			require.Equal(t, tc.c.Type, e.Type)
			require.JSONEq(t, tc.data, string(e.Data))
			require.NoError(t, e.Validate())
			got, err := command.Parse(eventlog.Record{Event: e})
			require.NoError(t, err)
			require.Equal(t, tc.c, got)
			require.Equal(t, "Runnel:process:"+process, got.Mailbox().String())
		})
	}
}

func TestWhatIsNoCommandIsNotObeyed(t *testing.T) {
	t.Parallel()
	many := `"` + strings.Repeat(`CommentStream:item:1","`, command.MaxChannels) + `CommentStream:item:1"`
	for name, tc := range map[string]struct{ typ, data, fault string }{
		"unknown type":        {"Stop", `{"connection":"p.c"}`, `unknown type "Stop"`},
		"not JSON":            {command.Kick, `kick`, "invalid character"},
		"not an object":       {command.Kick, `["p.c"]`, "cannot unmarshal"},
		"no connection":       {command.Kick, `{}`, "names no connection"},
		"half a connection":   {command.Kick, `{"connection":"p"}`, "names no connection"},
		"no time":             {command.Kick, `{"connection":"p.c","until":"soon"}`, "soon"},
		"no channel":          {command.Renew, `{"connection":"p.c","add":["CommentStream"]}`, "want Stream:key"},
		"no channel to leave": {command.Renew, `{"connection":"p.c","remove":[""]}`, "want Stream:key"},
		"too many channels":   {command.Renew, `{"connection":"p.c","add":[` + many + `]}`, "65 channels, at most 64"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := command.Parse(eventlog.Record{Event: eventlog.Event{Type: tc.typ, Data: []byte(tc.data)}})
			require.ErrorIs(t, err, command.ErrInvalid)
			require.ErrorContains(t, err, tc.fault)
		})
	}
	_, err := command.Parse(eventlog.Record{Event: eventlog.Event{Type: command.Goodbye, Data: []byte(`{"connection":"p.c","newer":1}`)}})
	require.NoError(t, err, "what a newer process adds")
}

func TestOnlyAConnectionHasAProcess(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("p", 43)
	for connection, want := range map[string]string{
		connection: process, "p.c": "p", long + ".c": long,
		"": "", "p": "", "p.": "", ".c": "", ".": "", "p.c.d": "", "p:q.c": "", "p q.c": "", "p.c\n": "", "pé.c": "", "p*.c": "",
		long + "p.c": "", "p." + long + "c": "",
	} {
		got, ok := command.ProcessOf(connection)
		require.Equal(t, want, got, connection)
		require.Equal(t, want != "", ok, connection)
	}
	require.Equal(t, "Runnel:process:p", command.Mailbox("p").String())
	for _, process := range []string{"", "p:q", "p.c", "*", long + "p"} {
		require.True(t, command.Mailbox(process).IsZero(), process)
	}
}

// FuzzParse: whatever stands in a mailbox, what is obeyed is well formed, and
// says the same when it is said again.
func FuzzParse(f *testing.F) {
	f.Add(command.Kick, `{"connection":"p.c","until":"2026-01-02T03:04:05Z"}`)
	f.Add(command.Renew, `{"connection":"p.c","subject":"7","add":["CommentStream:item:1"],"remove":["CommentStream:item:2"]}`)
	f.Add(command.Goodbye, `{"connection":"p.c","Connection":"q.c"}`)
	f.Add("Stop", `{"connection":"../.."}`)
	f.Fuzz(func(t *testing.T, typ, data string) {
		c, err := command.Parse(eventlog.Record{Event: eventlog.Event{Type: typ, Data: []byte(data)}})
		if err != nil {
			require.ErrorIs(t, err, command.ErrInvalid)
			return
		}
		require.False(t, c.Mailbox().IsZero())
		again, err := command.Parse(eventlog.Record{Event: c.Event("")})
		require.NoError(t, err)
		require.Equal(t, string(c.Event("").Data), string(again.Event("").Data))
	})
}

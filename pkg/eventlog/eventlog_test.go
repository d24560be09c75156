package eventlog_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/eventlog"
)

func TestValidate(t *testing.T) {
	t.Parallel()
	longID, longType := strings.Repeat("i", eventlog.MaxID), strings.Repeat("T", eventlog.MaxType)
	for name, tc := range map[string]struct {
		event eventlog.Event
		want  error
		fault string
	}{
		"smallest":          {event: eventlog.Event{Type: "A"}},
		"at all limits":     {event: eventlog.Event{ID: longID, Type: longType, Data: make([]byte, eventlog.MaxData)}},
		"text beyond ASCII": {event: eventlog.Event{ID: "grüße", Type: "A"}},
		"no type":           {event: eventlog.Event{ID: "a"}, want: eventlog.ErrInvalid, fault: "the type is empty"},
		"type one over":     {event: eventlog.Event{Type: longType + "T"}, want: eventlog.ErrTooLarge, fault: "the type has 65 bytes, at most 64"},
		"id one over":       {event: eventlog.Event{ID: longID + "i", Type: "A"}, want: eventlog.ErrTooLarge, fault: "the id has 129 bytes, at most 128"},
		"data one over":     {event: eventlog.Event{Type: "A", Data: make([]byte, eventlog.MaxData+1)}, want: eventlog.ErrTooLarge, fault: "the data has 262145 bytes, at most 262144"},
		"line feed":         {event: eventlog.Event{Type: "A\nid: 9"}, want: eventlog.ErrInvalid, fault: "control character"},
		"carriage return":   {event: eventlog.Event{Type: "A", ID: "a\rb"}, want: eventlog.ErrInvalid, fault: "control character"},
		"NUL":               {event: eventlog.Event{Type: "A", ID: "a\x00b"}, want: eventlog.ErrInvalid, fault: "control character"},
		"delete":            {event: eventlog.Event{Type: "A\x7f"}, want: eventlog.ErrInvalid, fault: "control character"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := tc.event.Validate()
			if tc.want == nil {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, tc.want)
			require.ErrorContains(t, err, tc.fault)
		})
	}
}

func TestPosition(t *testing.T) {
	t.Parallel()
	require.True(t, eventlog.Position{}.IsZero())
	require.False(t, eventlog.Position{Epoch: 1}.IsZero())
	require.False(t, eventlog.Position{Seq: 1}.IsZero())
	require.Equal(t, "0000ab-7", eventlog.Position{Epoch: 0xab, Seq: 7}.String())
}

func TestGapErrorSaysWhere(t *testing.T) {
	t.Parallel()
	var err error = &eventlog.GapError{
		Channel: channel.MustParse("CommentStream:item:42"),
		After:   eventlog.Position{Epoch: 1, Seq: 3},
		Resume:  eventlog.Position{Epoch: 1, Seq: 9},
	}
	require.True(t, errors.Is(err, eventlog.ErrGap))
	require.EqualError(t, err, "events are no longer kept: CommentStream:item:42 after 000001-3, kept after 000001-9")
}

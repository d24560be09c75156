package logtest

import (
	"context"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/eventlog"
)

var orderCases = map[string]func(*testing.T, fixture){
	"order and paging":                        order,
	"what was stored comes back":              fields,
	"nothing to append":                       nothing,
	"an unwritten channel":                    unwritten,
	"channels keep apart":                     apart,
	"heads of 250 channels":                   heads,
	"slices belong to the caller":             slicesBelongToTheCaller,
	"a done context":                          doneContext,
	"an append is read by whoever comes next": readAfterAppend,
}

func order(t *testing.T, f fixture) {
	var at []eventlog.Position
	for i := range 3 {
		at = append(at, f.store(t, one, numbered(fmt.Sprint("b", i, "-%d"), 5)...)...)
	}
	for i, p := range at {
		require.Equal(t, eventlog.Position{Epoch: at[0].Epoch, Seq: uint64(i + 1)}, p)
	}
	f.head(t, one, at[14])
	for _, limit := range []int{1, 2, 7, 15, 1000} {
		records := f.read(t, one, eventlog.Position{}, 15, limit)
		for i, r := range records {
			require.Equal(t, at[i], r.Position)
			require.Equal(t, fmt.Sprintf("b%d-%d", i/5, i%5+1), r.ID)
		}
	}
	// From inside a batch, from its end, and from the head.
	require.Equal(t, "b1-4", f.read(t, one, at[7], 7, 100)[0].ID)
	require.Equal(t, "b2-1", f.read(t, one, at[9], 5, 2)[0].ID)
	require.Empty(t, f.read(t, one, at[14], 0, 100))
	// Before the first event of the epoch is the same as before the first at all.
	f.read(t, one, eventlog.Position{Epoch: at[0].Epoch}, 15, 100)
}

func fields(t *testing.T, f fixture) {
	in := []eventlog.Event{
		{ID: "plain", Type: "CommentAdded", Data: []byte(`{"text":"hello"}`)},
		{Type: "NoID", Data: []byte(`{}`)},
		{ID: "no-data", Type: "Empty"},
		{ID: "grüße €", Type: "Text", Data: []byte("\"\u2028 😀 \\u0000\"")},
		{ID: "bytes", Type: "Raw", Data: []byte{0, 1, 0xff, 0xfe, '\n'}},
	}
	f.store(t, one, in...)
	f.clock.move(1500 * time.Millisecond)
	f.store(t, one, event("later"))
	records := f.read(t, one, eventlog.Position{}, len(in)+1, 100)
	for i, e := range in {
		require.Equal(t, e.ID, records[i].ID)
		require.Equal(t, e.Type, records[i].Type)
		require.Equal(t, string(e.Data), string(records[i].Data))
		require.Equal(t, f.clock.Now().Add(-1500*time.Millisecond), records[i].At, "UTC, to the millisecond")
	}
	require.Equal(t, f.clock.Now(), records[len(in)].At)
}

func nothing(t *testing.T, f fixture) {
	require.Empty(t, f.store(t, one))
	heads, err := f.Heads(t.Context(), []channel.Name{one})
	require.NoError(t, err)
	require.Empty(t, heads, "nothing was written")
}

func unwritten(t *testing.T, f fixture) {
	records, err := f.Read(t.Context(), one, eventlog.Position{}, 10)
	require.NoError(t, err)
	require.Empty(t, records)
	heads, err := f.Heads(t.Context(), []channel.Name{one})
	require.NoError(t, err)
	require.Empty(t, heads)
	// Whoever waited there gets the first event.
	f.store(t, one, event("first"))
	require.Equal(t, []string{"first"}, f.readIDs(t, one, eventlog.Position{}, 1))
}

func apart(t *testing.T, f fixture) {
	names := []string{
		"S:item:1", "S:item:10", "S:item:1:x", "S:item:1:1", "S:item", "S:item:2", "S:1", "S2:item:1", "s:item:1",
		"S:item:1-", "S:item:1~", "S:item:1.1", "S:item:1@", "S:ITEM:1", "S:head", "S:meta", "S:item:1|ids",
	}
	for i, name := range names {
		f.store(t, channel.MustParse(name), numbered(name+" %d", i%3+1)...)
	}
	seen := map[eventlog.Epoch]bool{}
	for i, name := range names {
		ch := channel.MustParse(name)
		records := f.read(t, ch, eventlog.Position{}, i%3+1, 100)
		for j, r := range records {
			require.Equal(t, fmt.Sprintf("%s %d", name, j+1), r.ID)
		}
		f.head(t, ch, records[i%3].Position)
		seen[records[0].Position.Epoch] = true
	}
	require.Greater(t, len(seen), len(names)-3, "epochs are drawn at random for each channel")
}

func heads(t *testing.T, f fixture) {
	var asked []channel.Name
	want := map[channel.Name]eventlog.Position{}
	for i := range 250 {
		ch := channel.MustParse(fmt.Sprintf("CommentStream:item:%d", i))
		asked = append(asked, ch)
		if i%3 != 0 {
			continue
		}
		at := f.store(t, ch, numbered("e%d", i%2+1)...)
		want[ch] = at[len(at)-1]
	}
	f.store(t, channel.MustParse("CommentStream:item:1000"), event("not asked for"))
	late := maps.Clone(want)
	eventually(t, func() error {
		got, err := f.Heads(t.Context(), asked)
		if err != nil {
			return err
		}
		for ch, head := range got {
			require.Contains(t, want, ch, "nobody wrote there")
			require.Equal(t, want[ch].Epoch, head.Epoch)
			require.LessOrEqual(t, head.Seq, want[ch].Seq, "a head may be late, never ahead")
			if head == want[ch] {
				delete(late, ch)
			}
		}
		if len(late) > 0 {
			return fmt.Errorf("heads that were never up to date: %v", late)
		}
		return nil
	})
	// The same channel twice, and none at all, are no fault.
	f.head(t, asked[0], want[asked[0]])
	_, err := f.Heads(t.Context(), []channel.Name{asked[0], asked[0], asked[1]})
	require.NoError(t, err)
	got, err := f.Heads(t.Context(), nil)
	require.NoError(t, err)
	require.Empty(t, got)
}

func slicesBelongToTheCaller(t *testing.T, f fixture) {
	in := events("a", "b", "c")
	at := f.store(t, one, in...)
	// What was given away is no longer looked at.
	copy(in[0].Data, `{"id":"X"}`)
	in[1] = event("Y")
	first := at[0]
	at[0] = eventlog.Position{}

	records := f.read(t, one, eventlog.Position{}, 3, 100)
	require.Equal(t, `{"id":"a"}`, string(records[0].Data))
	require.Equal(t, "b", records[1].ID)
	// What was handed out is the caller's, but for the bytes of the data.
	_ = append(records[0].Data, "overwrites the next?"...)
	records[0], records[1].Type, records[2].Data = eventlog.Record{}, "Changed", nil

	for i, r := range f.read(t, one, eventlog.Position{}, 3, 100) {
		require.Equal(t, eventlog.Position{Epoch: first.Epoch, Seq: uint64(i + 1)}, r.Position)
		require.Equal(t, "Noted", r.Type)
		require.Equal(t, fmt.Sprintf(`{"id":%q}`, r.ID), string(r.Data))
	}
	require.Equal(t, first, f.store(t, one, event("a"))[0])
}

func doneContext(t *testing.T, f fixture) {
	f.store(t, one, event("before"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := f.Append(ctx, one, events("after"))
	require.ErrorIs(t, err, context.Canceled)
	_, err = f.Read(ctx, one, eventlog.Position{}, 10)
	require.ErrorIs(t, err, context.Canceled)
	_, err = f.Heads(ctx, []channel.Name{one})
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, []string{"before"}, f.readIDs(t, one, eventlog.Position{}, 1))
}

func readAfterAppend(t *testing.T, f fixture) {
	var last eventlog.Position
	for i := range 20 {
		at := f.store(t, one, event(fmt.Sprint("e", i)))[0]
		require.Equal(t, uint64(i+1), at.Seq)
		require.Equal(t, []string{fmt.Sprint("e", i)}, f.readIDs(t, one, last, 1))
		last = at
	}
}

package batch_test

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/eventlog"
	"github.com/runnel-sse/runnel/pkg/eventlog/batch"
)

var (
	first = eventlog.Position{Epoch: 0xabcdef, Seq: 41}
	at    = time.UnixMilli(1763900000123).UTC()
)

func TestBatchComesBack(t *testing.T) {
	t.Parallel()
	for name, events := range map[string][]eventlog.Event{
		"one":           {{ID: "a", Type: "A", Data: []byte(`{}`)}},
		"bare":          {{Type: "A"}},
		"types change":  {{Type: "A"}, {Type: "A", ID: "1"}, {Type: "B"}, {Type: "A", Data: []byte("x")}},
		"compressible":  realistic(64),
		"noise":         noisy(25, 300),
		"all limits":    {{ID: strings.Repeat("i", eventlog.MaxID), Type: strings.Repeat("T", eventlog.MaxType), Data: make([]byte, eventlog.MaxData)}},
		"atomic bounds": noisy(eventlog.AtomicEvents, eventlog.AtomicBytes/eventlog.AtomicEvents),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := batch.Encode([]byte("before"), first, at, events)
			require.Equal(t, "before", string(b[:6]))
			requireEvents(t, b[6:], events)
		})
	}
}

func requireEvents(t *testing.T, b []byte, events []eventlog.Event) {
	t.Helper()
	records, err := batch.Decode(b)
	require.NoError(t, err)
	require.Len(t, records, len(events))
	for i, e := range events {
		require.Equal(t, e.ID, records[i].ID)
		require.Equal(t, e.Type, records[i].Type)
		require.True(t, bytes.Equal(e.Data, records[i].Data))
		require.Equal(t, eventlog.Position{Epoch: first.Epoch, Seq: first.Seq + uint64(i)}, records[i].Position)
		require.Equal(t, at, records[i].At)
	}
	h, err := batch.Peek(b)
	require.NoError(t, err)
	require.Equal(t, batch.Header{First: first, Count: len(events), At: at}, h)
	require.Equal(t, records[len(records)-1].Position, h.Last())
}

func TestDecodeSharesNothing(t *testing.T) {
	t.Parallel()
	b := batch.Encode(nil, first, at, []eventlog.Event{{ID: "a", Type: "A", Data: []byte("one")}, {ID: "b", Type: "B", Data: []byte("two")}})
	records, err := batch.Decode(b)
	require.NoError(t, err)
	clear(b)
	_ = append(records[0].Data, "abc"...)
	require.Equal(t, "a A one b B two", fmt.Sprintf("%s %s %s %s %s %s",
		records[0].ID, records[0].Type, records[0].Data, records[1].ID, records[1].Type, records[1].Data))
}

// TestStoredBatchesStayReadable: these bytes are in tables and files out there.
func TestStoredBatchesStayReadable(t *testing.T) {
	t.Parallel()
	for name, events := range map[string][]eventlog.Event{
		"plain":      {{ID: "id-1", Type: "CommentAdded", Data: []byte(`{"text":"hi"}`)}, {Type: "CommentAdded", Data: []byte(`{}`)}, {ID: "id-3", Type: "Other"}},
		"compressed": realistic(12),
	} {
		golden, err := os.ReadFile("testdata/" + name + ".hex")
		require.NoError(t, err)
		b, err := hex.DecodeString(strings.Join(strings.Fields(string(golden)), ""))
		require.NoError(t, err)
		requireEvents(t, b, events)
		require.Equal(t, name == "compressed", b[1] == 1)
		if name == "plain" { // what compress/flate writes may change with Go
			require.Equal(t, b, batch.Encode(nil, first, at, events))
		}
	}
}

// TestSize pins what the bill depends on: 25 events of 300 bytes, with UUIDs as
// ids, cost at most 9 KiB of an item, even when they cannot be compressed.
func TestSize(t *testing.T) {
	t.Parallel()
	plain := len(batch.Encode(nil, first, at, noisy(25, 300)))
	small := len(batch.Encode(nil, first, at, realistic(25)))
	t.Logf("25 events of 300 B: %d B of noise, %d B of JSON", plain, small)
	require.LessOrEqual(t, plain, 9<<10-200)
	require.Less(t, small, 4<<10)
	// Nothing is compressed that fits one unit anyway.
	require.Zero(t, batch.Encode(nil, first, at, realistic(2))[1])
}

func TestPieces(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		count, size int
		want        []int
	}{
		"none":            {want: nil},
		"at both bounds":  {count: eventlog.AtomicEvents, size: eventlog.AtomicBytes / eventlog.AtomicEvents, want: []int{64}},
		"one event over":  {count: eventlog.AtomicEvents + 1, want: []int{64, 1}},
		"bytes over":      {count: 9, size: eventlog.MaxData, want: []int{4, 4, 1}},
		"one byte over":   {count: 8, size: eventlog.AtomicBytes/8 + 1, want: []int{7, 1}},
		"many small ones": {count: 300, size: 10, want: []int{64, 64, 64, 64, 44}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []int
			events := noisy(tc.count, tc.size)
			n := 0
			for piece := range batch.Pieces(events) {
				got = append(got, len(piece))
				for _, e := range piece {
					require.Equal(t, events[n].ID, e.ID)
					n++
				}
			}
			require.Equal(t, tc.want, got)
			for range batch.Pieces(events) {
				break // a caller may stop
			}
		})
	}
}

func TestDamageIsSaid(t *testing.T) {
	t.Parallel()
	small := batch.Encode(nil, first, at, realistic(12))
	require.EqualValues(t, 1, small[1], "is compressed")
	for i := range small {
		changed := bytes.Clone(small)
		changed[i] ^= 0x10
		_, err := batch.Decode(changed)
		require.ErrorIs(t, err, batch.ErrDamaged)
		_, err = batch.Decode(small[:i])
		require.ErrorIs(t, err, batch.ErrDamaged)
	}
}

// TestLies: what is sound by its sum and was yet not written by Encode.
func TestLies(t *testing.T) {
	t.Parallel()
	var zeros bytes.Buffer
	w, _ := flate.NewWriter(&zeros, flate.BestCompression)
	_, _ = w.Write(make([]byte, 1<<20))
	_ = w.Close()
	for name, tc := range map[string]struct {
		flags byte
		sizes []uint64 // seq, ms, count, head, data
		body  []byte
		fault string
	}{
		"claims 4 MB":      {flags: 1, sizes: []uint64{1, 1, 1, 4, 4<<20 - 4}, body: []byte("tiny"), fault: "larger than it can be"},
		"claims 1 GB":      {flags: 1, sizes: []uint64{1, 1, 1, 4, 1 << 30}, body: []byte("tiny"), fault: "number"},
		"is a bomb":        {flags: 1, sizes: []uint64{1, 1, 1, 4, 100}, body: zeros.Bytes(), fault: "another size"},
		"is no deflate":    {flags: 1, sizes: []uint64{1, 1, 1, 4, 100}, body: []byte("\xff\xff\xff\xff"), fault: "inflated"},
		"a million events": {sizes: []uint64{1, 1, 1 << 20, 4, 0}, body: []byte("tiny"), fault: "more events"},
		"no events":        {sizes: []uint64{1, 1, 0, 0, 0}, fault: "impossible"},
		"seq 0":            {sizes: []uint64{0, 1, 1, 4, 0}, body: []byte("\x00\x01\x00A"), fault: "impossible"},
		"no type":          {sizes: []uint64{1, 1, 1, 3, 0}, body: []byte("\x00\x00\x00"), fault: "type"},
		"data missing":     {sizes: []uint64{1, 1, 1, 4, 0}, body: []byte("\x00\x01\x05A"), fault: "data"},
		"data left over":   {sizes: []uint64{1, 1, 1, 4, 2}, body: []byte("\x00\x01\x01Axx"), fault: "no event"},
		"id too long":      {sizes: []uint64{1, 1, 1, 5, 0}, body: []byte("\xff\x01\x01\x00A"), fault: "length"},
		"unknown flag":     {flags: 2, sizes: []uint64{1, 1, 1, 4, 0}, body: []byte("\x00\x01\x00A"), fault: "flags"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := []byte{1, tc.flags, 0, 0, 1}
			for _, v := range tc.sizes {
				b = binary.AppendUvarint(b, v)
			}
			b = seal(append(b, tc.body...))
			_, err := batch.Decode(b)
			require.ErrorIs(t, err, batch.ErrDamaged)
			require.ErrorContains(t, err, tc.fault)
		})
	}
}

// seal gives any bytes a right checksum.
func seal(b []byte) []byte {
	return binary.BigEndian.AppendUint32(bytes.Clone(b), crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte{})
	for _, events := range [][]eventlog.Event{realistic(1), realistic(12), noisy(3, 10)} {
		b := batch.Encode(nil, first, at, events)
		f.Add(b[:len(b)-4])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = batch.Decode(b)
		_, _ = batch.Peek(b)
		records, err := batch.Decode(seal(b))
		if err != nil {
			return
		}
		var events []eventlog.Event
		for _, r := range records {
			events = append(events, r.Event)
		}
		again, err := batch.Decode(batch.Encode(nil, records[0].Position, records[0].At, events))
		require.NoError(t, err)
		require.Equal(t, records, again)
	})
}

func FuzzRoundTrip(f *testing.F) {
	f.Add("a", "A", []byte("{}"), "b", "A", []byte(""), 3)
	f.Fuzz(func(t *testing.T, id1, type1 string, data1 []byte, id2, type2 string, data2 []byte, repeat int) {
		var events []eventlog.Event
		for range 1 + uint(repeat)%20 {
			events = append(events, eventlog.Event{ID: id1, Type: type1, Data: data1}, eventlog.Event{ID: id2, Type: type2, Data: data2})
		}
		for _, e := range events {
			if e.Validate() != nil {
				return
			}
		}
		requireEvents(t, batch.Encode(nil, first, at, events), events)
	})
}

// realistic events are what the example's streams send: UUIDs, names, a
// sentence or two; 300 bytes of JSON.
func realistic(n int) []eventlog.Event {
	words := strings.Fields("the river of news runs quietly past every reader who waits for a word about their item and answers it when there is time")
	r := rand.New(rand.NewPCG(1, 2))
	uuid := func() string {
		return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x", r.Uint32(), r.IntN(1<<16), r.IntN(1<<12), 1<<15+r.IntN(1<<14), r.Int64N(1<<48))
	}
	var events []eventlog.Event
	for i := range n {
		head := fmt.Sprintf(`{"comment_id":%q,"item_id":"%d","author_name":"%s %s","timestamp":%d,"text":"`,
			uuid(), r.IntN(1e6), words[r.IntN(len(words))], words[r.IntN(len(words))], 1763900000+i)
		text := ""
		for len(head)+len(text) < 298 {
			text += words[r.IntN(len(words))] + " "
		}
		events = append(events, eventlog.Event{ID: uuid(), Type: "CommentAdded", Data: []byte(head + text[:298-len(head)] + `"}`)})
	}
	return events
}

// noisy events hold what no compression makes smaller.
func noisy(n, size int) []eventlog.Event {
	source := rand.NewChaCha8([32]byte{7})
	var events []eventlog.Event
	for range n {
		data := make([]byte, size)
		_, _ = source.Read(data)
		id := make([]byte, 36) // as long as a UUID
		for j := range id {
			id[j] = '!' + byte(source.Uint64()%94)
		}
		events = append(events, eventlog.Event{ID: string(id), Type: "CommentAdded", Data: data})
	}
	return events
}

package cursor_test

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/cursor"
	"github.com/runnel-sse/runnel/pkg/eventlog"
)

// places returns n channels and a position in each, the same ones for a seed.
func places(seed uint64, n int) ([]channel.Name, []eventlog.Position) {
	r := rand.New(rand.NewPCG(seed, uint64(n)))
	chs, at := make([]channel.Name, n), make([]eventlog.Position, n)
	for i := range n {
		chs[i] = channel.MustParse(fmt.Sprintf("CommentStream:item:%d-%d", i, r.Uint32()))
		at[i] = eventlog.Position{
			Epoch: eventlog.Epoch(1 + r.Uint32N(uint32(eventlog.MaxEpoch))),
			Seq:   r.Uint64N(eventlog.MaxSeq + 1),
		}
	}
	return chs, at
}

func parse(t *testing.T, id string) cursor.Cursor {
	t.Helper()
	c, err := cursor.Parse(id)
	require.NoError(t, err, id)
	return c
}

func TestIDHoldsEveryPosition(t *testing.T) {
	t.Parallel()
	for n := 1; n <= cursor.MaxChannels; n++ {
		chs, at := places(1, n)
		id := string(cursor.Append([]byte("id: "), chs, at))
		require.True(t, strings.HasPrefix(id, "id: U"), "appended to dst, and every id of this version begins with U")
		c := parse(t, id[4:])
		for i, ch := range chs {
			got, ok := c.At(ch)
			require.True(t, ok)
			require.Equal(t, at[i], got)
		}
	}
}

func TestIDFitsWhereItTravels(t *testing.T) {
	t.Parallel()
	require.Len(t, cursor.One(channel.MustParse("S:k"), eventlog.Position{Epoch: 7, Seq: 1}), 16)
	for n := 1; n <= cursor.MaxChannels; n++ {
		for seed := range uint64(20) {
			chs, at := places(seed, n)
			id := string(cursor.Append(nil, chs, at))
			require.LessOrEqual(t, len(id), 16*n)
			if n <= 8 {
				require.LessOrEqual(t, len(id), 128)
			}
			require.NotRegexp(t, `[^A-Za-z0-9_-]`, id, "no space, none of \"():<>?@[\\]{}, nothing to escape in a URL or header")
		}
	}
}

func TestBoundsOfAPosition(t *testing.T) {
	t.Parallel()
	ch := channel.MustParse("S:k")
	for name, tc := range map[string]struct {
		at   eventlog.Position
		kept bool
	}{
		"zero":                {at: eventlog.Position{}, kept: true},
		"first":               {at: eventlog.Position{Epoch: 1, Seq: 1}, kept: true},
		"empty channel":       {at: eventlog.Position{Epoch: 9}, kept: true},
		"last seq":            {at: eventlog.Position{Epoch: 1, Seq: eventlog.MaxSeq}, kept: true},
		"last epoch":          {at: eventlog.Position{Epoch: eventlog.MaxEpoch, Seq: 1}, kept: true},
		"last of both":        {at: eventlog.Position{Epoch: eventlog.MaxEpoch, Seq: eventlog.MaxSeq}, kept: true},
		"seq one over":        {at: eventlog.Position{Epoch: 1, Seq: eventlog.MaxSeq + 1}},
		"epoch one over":      {at: eventlog.Position{Epoch: eventlog.MaxEpoch + 1, Seq: 1}},
		"largest of integers": {at: eventlog.Position{Epoch: 1<<32 - 1, Seq: 1<<64 - 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, ok := parse(t, cursor.One(ch, tc.at)).At(ch)
			require.Equal(t, tc.kept, ok, "what does not fit is lost, not another position")
			if tc.kept {
				require.Equal(t, tc.at, got)
			}
		})
	}
}

func TestAnotherSetOfChannelsKeepsWhatApplies(t *testing.T) {
	t.Parallel()
	chs, at := places(2, 5)
	c := parse(t, string(cursor.Append(nil, chs[:3], at[:3])))
	for _, i := range []int{4, 2, 0} { // fewer, more, in another order
		got, ok := c.At(chs[i])
		require.Equal(t, i < 3, ok)
		if ok {
			require.Equal(t, at[i], got)
		}
	}
}

func TestMoreChannelsThanFit(t *testing.T) {
	t.Parallel()
	chs, at := places(3, cursor.MaxChannels+2)
	id := string(cursor.Append(nil, chs, at))
	require.Equal(t, string(cursor.Append(nil, chs[:cursor.MaxChannels], at[:cursor.MaxChannels])), id)
	c := parse(t, id)
	_, ok := c.At(chs[cursor.MaxChannels-1])
	require.True(t, ok)
	_, ok = c.At(chs[cursor.MaxChannels])
	require.False(t, ok)
}

// A flipped bit costs at most the entry it hit: every other channel keeps its
// exact position, and none gets a wrong one. With these seeds always, else but
// for one flip in 16 million.
func TestEveryFlippedBitIsSeen(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 2, 8, 13} {
		chs, at := places(4, n)
		id := cursor.Append(nil, chs, at)
		for bit := range 8 * len(id) {
			damaged := []byte(string(id))
			damaged[bit/8] ^= 1 << (bit % 8)
			c, err := cursor.Parse(string(damaged))
			if err != nil {
				require.ErrorIs(t, err, cursor.ErrMalformed)
				continue
			}
			lost := 0
			for i, ch := range chs {
				got, ok := c.At(ch)
				if !ok {
					lost++
					continue
				}
				require.Equal(t, at[i], got, "bit %d", bit)
			}
			// A character's six bits may lie across two entries, but a flip of
			// one bit in the text may change several of the six.
			require.Positive(t, lost, "bit %d passed unseen", bit)
			require.LessOrEqual(t, lost, 2)
		}
	}
}

func TestForeignChannelsNeverMatch(t *testing.T) {
	t.Parallel()
	// Names as alike as they come: a million pairs of neighbours.
	at := eventlog.Position{Epoch: 0xabcdef, Seq: 12}
	const n = 1000
	var chs [n]channel.Name
	for i := range chs {
		chs[i] = channel.MustParse(fmt.Sprintf("CommentStream:item:%d", i))
	}
	for i, ch := range chs {
		c := parse(t, cursor.One(ch, at))
		for j, other := range chs {
			_, ok := c.At(other)
			require.Equal(t, i == j, ok, "%s as %s", ch, other)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	chs, at := places(5, cursor.MaxChannels)
	longest := string(cursor.Append(nil, chs, at))
	one := cursor.One(chs[0], at[0])
	raw, err := base64.RawURLEncoding.DecodeString(one)
	require.NoError(t, err)
	otherVersion := base64.RawURLEncoding.EncodeToString(append([]byte{0x52}, raw[1:]...))
	moreEntries := base64.RawURLEncoding.EncodeToString(append([]byte{0x51}, make([]byte, 11*(cursor.MaxChannels+1))...))

	for name, tc := range map[string]struct{ in, fault string }{
		"empty":              {in: "", fault: "0 bytes"},
		"a number":           {in: "42", fault: "not base64url"},
		"version alone":      {in: "UQ", fault: "1 bytes"},
		"cut by one":         {in: one[:15], fault: "malformed cursor"},
		"cut by an entry":    {in: one[:4], fault: "3 bytes"},
		"one more":           {in: one + "A", fault: "malformed cursor"},
		"doubled":            {in: one + one, fault: "24 bytes"},
		"padded":             {in: one + "==", fault: "not base64url"},
		"standard base64":    {in: "Uf//" + one[4:], fault: "not base64url"},
		"space":              {in: " " + one[1:], fault: "not base64url"},
		"line feed inside":   {in: one[:8] + "\n" + one[8:], fault: "not base64url"},
		"CRLF at the end":    {in: one + "\r\n", fault: "not base64url"},
		"NUL":                {in: one[:15] + "\x00", fault: "not base64url"},
		"non-ASCII":          {in: "é" + one[2:], fault: "not base64url"},
		"invalid UTF-8":      {in: "\xff" + one[1:], fault: "not base64url"},
		"another version":    {in: otherVersion, fault: "unknown version 82"},
		"one channel over":   {in: moreEntries, fault: "at most 940 are possible"},
		"one character over": {in: longest + "A", fault: "941 characters, at most 940 are possible"},
		"a megabyte":         {in: strings.Repeat("A", 1<<20), fault: "1048576 characters"},
		"trailing bits":      {in: string(cursor.Append(nil, chs[:2], at[:2]))[:30] + "_", fault: "not base64url"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := cursor.Parse(tc.in)
			require.ErrorIs(t, err, cursor.ErrMalformed)
			require.ErrorContains(t, err, tc.fault)
			_, ok := c.At(chs[0])
			require.False(t, ok)
		})
	}
	require.Len(t, longest, 940, "the bound itself is accepted")
	_, ok := parse(t, longest).At(chs[cursor.MaxChannels-1])
	require.True(t, ok)
}

func TestAppendAllocatesNothingBeyondDst(t *testing.T) {
	chs, at := places(6, cursor.MaxChannels)
	dst := make([]byte, 0, 1024)
	require.Zero(t, testing.AllocsPerRun(100, func() { dst = cursor.Append(dst[:0], chs, at) }))
}

func FuzzParse(f *testing.F) {
	chs, at := places(7, 8)
	f.Add("")
	f.Add(cursor.One(chs[0], at[0]))
	f.Add(string(cursor.Append(nil, chs, at)))
	f.Add(strings.Repeat("U", 940))
	f.Fuzz(func(t *testing.T, id string) {
		c, err := cursor.Parse(id)
		if err != nil {
			require.ErrorIs(t, err, cursor.ErrMalformed)
			return
		}
		require.NotRegexp(t, `[^A-Za-z0-9_-]`, id)
		for _, ch := range chs {
			at, ok := c.At(ch)
			if ok { // then it says what Append would say of that position
				require.LessOrEqual(t, at.Epoch, eventlog.MaxEpoch)
				require.LessOrEqual(t, at.Seq, uint64(eventlog.MaxSeq))
				again, ok := parse(t, cursor.One(ch, at)).At(ch)
				require.True(t, ok)
				require.Equal(t, at, again)
			}
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	for _, n := range []int{1, 8} {
		b.Run(fmt.Sprintf("channels=%d", n), func(b *testing.B) {
			chs, at := places(8, n)
			dst := make([]byte, 0, 256)
			b.ReportAllocs()
			for b.Loop() {
				dst = cursor.Append(dst[:0], chs, at)
			}
		})
	}
}

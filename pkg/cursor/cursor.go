// Package cursor writes the positions of a connection's channels as one id, and
// reads them back. The id travels in the "id:" field of a stream and comes back
// as Last-Event-ID, by way of the client: it is opaque to it and untrusted here.
//
// An id is base64url of one version byte and eleven bytes for each channel:
//
//	tag 3 bytes | epoch 3 bytes | seq 5 bytes
//
// The tag is a hash of the channel's name, the epoch and the sequence number.
// So it says at once whose position this is and whether it arrived whole: an
// entry that was damaged, or belongs to a channel that is not asked for, matches
// none and is passed over (but for one in 16 million, whose epoch then has to
// be the channel's as well). It is no signature: a cursor opens no channel.
//
// One channel takes 16 characters, eight take 119: within the 128 bytes that a
// browser may send across origins without asking first.
package cursor

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"strings"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/eventlog"
)

// MaxChannels is how many positions an id can hold. It bounds what Parse takes
// from a stranger; how many channels a connection may read is the gateway's rule.
const MaxChannels = 64

const (
	version   = 0x51 // 'Q': every id of version 1 begins with "U"
	entrySize = 11
	maxID     = ((1+entrySize*MaxChannels)*8 + 5) / 6 // without padding
)

var (
	// ErrMalformed: the text is no id of ours at all.
	ErrMalformed = errors.New("malformed cursor")
	encoding     = base64.RawURLEncoding.Strict()
)

// Cursor is where a reader stands in some channels. The zero Cursor holds none.
type Cursor struct{ entries []entry }

type entry struct {
	tag uint32 // 24 bits
	at  eventlog.Position
}

// Append appends the id that says the reader stands at the i-th position in the
// i-th channel. Channels beyond MaxChannels have no place in it: a reader that
// resumes there is told that it starts afresh. It allocates only to grow dst.
func Append(dst []byte, chs []channel.Name, at []eventlog.Position) []byte {
	var raw [1 + entrySize*MaxChannels]byte
	b := append(raw[:0], version)
	for i, ch := range chs[:min(len(chs), MaxChannels)] {
		b = appendUint(b, uint64(tag(ch, at[i])), 3)
		b = appendUint(b, uint64(at[i].Epoch), 3)
		b = appendUint(b, at[i].Seq, 5)
	}
	return encoding.AppendEncode(dst, b)
}

// One is the id of a reader of one channel.
func One(ch channel.Name, at eventlog.Position) string {
	return string(Append(nil, []channel.Name{ch}, []eventlog.Position{at}))
}

// Parse reads an id. It fails with ErrMalformed on text that Append cannot have
// written; what it accepts may still be of other channels, or damaged: see At.
func Parse(id string) (Cursor, error) {
	if len(id) > maxID {
		return Cursor{}, fmt.Errorf("%w: %d characters, at most %d are possible", ErrMalformed, len(id), maxID)
	}
	raw, err := encoding.DecodeString(id)
	switch {
	// The decoder passes over line ends, even a strict one.
	case err != nil || strings.ContainsAny(id, "\r\n"):
		return Cursor{}, fmt.Errorf("%w: not base64url", ErrMalformed)
	case len(raw) < 1+entrySize || (len(raw)-1)%entrySize != 0:
		return Cursor{}, fmt.Errorf("%w: %d bytes", ErrMalformed, len(raw))
	case raw[0] != version:
		return Cursor{}, fmt.Errorf("%w: unknown version %d", ErrMalformed, raw[0])
	}
	c := Cursor{entries: make([]entry, 0, len(raw)/entrySize)}
	for b := raw[1:]; len(b) > 0; b = b[entrySize:] {
		c.entries = append(c.entries, entry{
			tag: uint32(readUint(b[:3])),
			at:  eventlog.Position{Epoch: eventlog.Epoch(readUint(b[3:6])), Seq: readUint(b[6:11])},
		})
	}
	return c, nil
}

// At returns the position that the cursor holds for the channel, and whether it
// holds one.
func (c Cursor) At(ch channel.Name) (eventlog.Position, bool) {
	for _, e := range c.entries {
		if e.tag == tag(ch, e.at) {
			return e.at, true
		}
	}
	return eventlog.Position{}, false
}

func tag(ch channel.Name, at eventlog.Position) uint32 {
	var place [12]byte
	binary.BigEndian.PutUint32(place[:4], uint32(at.Epoch))
	binary.BigEndian.PutUint64(place[4:], at.Seq)
	h := fnv.New64a()
	_, _ = h.Write([]byte(ch.String()))
	_, _ = h.Write(place[:])
	sum := h.Sum64()
	// Folded, since FNV's low bits alone are not well mixed.
	return uint32(sum^sum>>24^sum>>48) & 0xffffff
}

func appendUint(dst []byte, v uint64, size int) []byte {
	for shift := 8 * (size - 1); shift >= 0; shift -= 8 {
		dst = append(dst, byte(v>>shift))
	}
	return dst
}

func readUint(b []byte) (v uint64) {
	for _, x := range b {
		v = v<<8 | uint64(x)
	}
	return v
}

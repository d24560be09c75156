// Package batch is the bytes of a stored batch: the events of one append, as
// the storages on disk and in the cloud keep them. It knows no storage.
//
//	byte    version, 1
//	byte    flags; 1: the body is compressed
//	3 bytes epoch, big endian
//	uvarint sequence number of the first event
//	uvarint when the batch was stored, Unix milliseconds
//	uvarint number of events
//	uvarint bytes of the body's head, before compression
//	uvarint bytes of the body's data, before compression
//	body    head: for each event the lengths of its id, type and data, then id
//	        and type; a type of length 0 is that of the event before
//	        data: the data of the events, one after the other
//	4 bytes CRC-32C of all that, big endian
//
// The body is deflated only where that saves a whole KiB of the item that holds
// it: DynamoDB bills writes by the KiB begun, and whatever is not saved there
// would be paid for in time.
package batch

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"iter"
	"time"

	"github.com/runnel-sse/runnel/pkg/eventlog"
)

// ErrDamaged: the bytes are not what Encode wrote.
var ErrDamaged = errors.New("damaged batch")

// MaxBody bounds the events of a batch, in bytes before compression. A batch
// within eventlog.AtomicEvents and AtomicBytes is far below it.
const MaxBody = 4 << 20

const (
	version    = 1
	compressed = 1 // a flag
	sumSize    = 4

	// itemOverhead is about what the item around a batch weighs: its keys, the
	// names of its attributes and its time to live.
	itemOverhead = 200
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Header is what can be known of a batch without its events.
type Header struct {
	First eventlog.Position
	Count int
	At    time.Time // UTC, to the millisecond
}

// Last is the position of the batch's last event.
func (h Header) Last() eventlog.Position {
	return eventlog.Position{Epoch: h.First.Epoch, Seq: h.First.Seq + uint64(h.Count) - 1}
}

// Pieces cuts events into batches that every log stores all or none.
func Pieces(events []eventlog.Event) iter.Seq[[]eventlog.Event] {
	return func(yield func([]eventlog.Event) bool) {
		begin, size := 0, 0
		for i, e := range events {
			if i > begin && (i-begin == eventlog.AtomicEvents || size+len(e.Data) > eventlog.AtomicBytes) {
				if !yield(events[begin:i:i]) {
					return
				}
				begin, size = i, 0
			}
			size += len(e.Data)
		}
		if begin < len(events) {
			yield(events[begin:])
		}
	}
}

// Encode appends the batch to dst. The events must be valid, at least one, and
// together within MaxBody.
func Encode(dst []byte, first eventlog.Position, at time.Time, events []eventlog.Event) []byte {
	s := scratches.Get().(*scratch)
	defer scratches.Put(s)
	s.body = appendHead(s.body[:0], events)
	head := len(s.body)
	for _, e := range events {
		s.body = append(s.body, e.Data...)
	}
	body, flags := s.body, byte(0)
	if units(len(s.body)) > 1 {
		if small := s.deflate(); units(len(small)) < units(len(s.body)) {
			body, flags = small, compressed
		}
	}
	begin := len(dst)
	dst = append(dst, version, flags, byte(first.Epoch>>16), byte(first.Epoch>>8), byte(first.Epoch))
	dst = binary.AppendUvarint(dst, first.Seq)
	dst = binary.AppendUvarint(dst, uint64(at.UnixMilli()))
	dst = binary.AppendUvarint(dst, uint64(len(events)))
	dst = binary.AppendUvarint(dst, uint64(head))
	dst = binary.AppendUvarint(dst, uint64(len(s.body)-head))
	dst = append(dst, body...)
	return binary.BigEndian.AppendUint32(dst, crc32.Checksum(dst[begin:], castagnoli))
}

// units is what DynamoDB bills for an item with so many bytes of batch.
func units(size int) int { return (size + itemOverhead + 1023) / 1024 }

func appendHead(dst []byte, events []eventlog.Event) []byte {
	before := ""
	for _, e := range events {
		kind := e.Type
		if kind == before {
			kind = ""
		}
		before = e.Type
		dst = binary.AppendUvarint(dst, uint64(len(e.ID)))
		dst = binary.AppendUvarint(dst, uint64(len(kind)))
		dst = binary.AppendUvarint(dst, uint64(len(e.Data)))
		dst = append(append(dst, e.ID...), kind...)
	}
	return dst
}

// Peek reads the header alone. It does not look at the rest, nor at the sum.
func Peek(b []byte) (Header, error) {
	r := reader{b: b}
	h, _, _, _ := r.header()
	if r.fault != "" {
		return Header{}, fmt.Errorf("%w: %s", ErrDamaged, r.fault)
	}
	return h, nil
}

// Decode reads a batch. What it returns shares nothing with b, and the data of
// one record cannot be grown into that of the next. It fails with ErrDamaged,
// and takes no more memory than the size of b makes plausible.
func Decode(b []byte) ([]eventlog.Record, error) {
	records, fault := decode(b)
	if fault != "" {
		return nil, fmt.Errorf("%w: %s", ErrDamaged, fault)
	}
	return records, nil
}

func decode(b []byte) (records []eventlog.Record, fault string) {
	if len(b) < sumSize {
		return nil, "too short"
	}
	content, sum := b[:len(b)-sumSize], binary.BigEndian.Uint32(b[len(b)-sumSize:])
	if crc32.Checksum(content, castagnoli) != sum {
		return nil, "its checksum is wrong"
	}
	r := reader{b: content}
	h, flags, headSize, dataSize := r.header()
	if r.fault != "" {
		return nil, r.fault
	}
	body, fault := inflate(r.b, flags, headSize+dataSize)
	if fault != "" {
		return nil, fault
	}
	if h.Count > headSize/3 { // three lengths each, at the least
		return nil, "more events than it can hold"
	}
	return split(h, string(body[:headSize]), body[headSize:])
}

// split gives each event its part of the body.
func split(h Header, head string, data []byte) (records []eventlog.Record, fault string) {
	records = make([]eventlog.Record, h.Count)
	r := reader{text: head}
	kind, used := "", 0
	for i := range records {
		idSize, kindSize, size := r.size(eventlog.MaxID), r.size(eventlog.MaxType), r.size(eventlog.MaxData)
		id, next := r.cut(idSize), r.cut(kindSize)
		if next != "" {
			kind = next
		}
		if r.fault == "" && (size > len(data)-used || kind == "") {
			r.fault = "an event without its data or type"
		}
		if r.fault != "" {
			return nil, r.fault
		}
		records[i] = eventlog.Record{
			Event:    eventlog.Event{ID: id, Type: kind, Data: data[used : used+size : used+size]},
			Position: eventlog.Position{Epoch: h.First.Epoch, Seq: h.First.Seq + uint64(i)},
			At:       h.At,
		}
		used += size
	}
	if used != len(data) || r.text != "" {
		return nil, "bytes that belong to no event"
	}
	return records, ""
}

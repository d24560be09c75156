// Package eventlog is the vocabulary and the port of the log: what an event, a
// position and a record are, and what a log of events promises. Package logtest
// beside it says the same in tests, and every adapter passes them.
//
// It stores nothing itself, and it knows neither who reads nor how.
package eventlog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/runnel-sse/runnel/pkg/channel"
)

// Limits that every log keeps. An adapter may not quietly be stricter.
const (
	MaxData = 256 << 10 // bytes of Event.Data
	MaxID   = 128       // bytes of Event.ID
	MaxType = 64        // bytes of Event.Type

	// AtomicEvents and AtomicBytes (of data) bound the batches that every log
	// stores all or none.
	AtomicEvents = 64
	AtomicBytes  = 1 << 20

	// MaxSeq is the last sequence number of a channel: a cursor gives it 40
	// bits, enough for 1,000 events a second over 34 years.
	MaxSeq = 1<<40 - 1

	// DedupeWindow is how long a channel remembers the ids of its events.
	DedupeWindow = 24 * time.Hour
)

var (
	// ErrGap is in a *GapError: what was asked for is no longer kept whole.
	ErrGap = errors.New("events are no longer kept")
	// ErrTooLarge: an event is over a limit. Trying again cannot help.
	ErrTooLarge = errors.New("event too large")
	// ErrInvalid: an event is malformed. Trying again cannot help.
	ErrInvalid = errors.New("invalid event")
	// ErrContended: other writers kept winning the end of the channel. What
	// was asked for last is not stored; try later.
	ErrContended = errors.New("channel contended")
	// ErrUnavailable: the storage throttles, fails or does not answer. An
	// Append may or may not have stored its events; with ids, it is safe to try again.
	ErrUnavailable = errors.New("log unavailable")
)

// Event is what a publisher says.
type Event struct {
	ID   string // given by the publisher, for deduplication; empty: never deduplicated
	Type string // a type of the stream, such as "CommentAdded"
	Data []byte // JSON on one line
}

// Validate reports a fault that no log may store, as ErrInvalid or ErrTooLarge.
func (e Event) Validate() error {
	switch {
	case e.Type == "":
		return fmt.Errorf("%w: the type is empty", ErrInvalid)
	case len(e.Type) > MaxType:
		return fmt.Errorf("%w: the type has %d bytes, at most %d are allowed", ErrTooLarge, len(e.Type), MaxType)
	case len(e.ID) > MaxID:
		return fmt.Errorf("%w: the id has %d bytes, at most %d are allowed", ErrTooLarge, len(e.ID), MaxID)
	case len(e.Data) > MaxData:
		return fmt.Errorf("%w: the data has %d bytes, at most %d are allowed", ErrTooLarge, len(e.Data), MaxData)
	}
	for _, b := range []byte(e.Type + e.ID) {
		if b < ' ' || b == 0x7f {
			return fmt.Errorf("%w: a control character in the type or id", ErrInvalid)
		}
	}
	return nil
}

// Epoch says which life of a channel a sequence number counts in. It is drawn
// at random, never 0, when a channel's head is made, so that a channel that was
// forgotten and began again is not taken for the old one. 24 bits.
type Epoch uint32

// MaxEpoch is the largest epoch: a cursor gives it 24 bits.
const MaxEpoch Epoch = 1<<24 - 1

// Position is a place in one channel: after the event with that sequence
// number. Sequence numbers of an epoch are contiguous: 1, 2, 3, …, so a hole is
// a fact that anyone can see.
//
// The zero Position is before the first event of the channel, whatever its
// epoch will be: what a channel has that nobody has written to.
type Position struct {
	Epoch Epoch
	Seq   uint64
}

// IsZero reports whether p is before the first event of any epoch.
func (p Position) IsZero() bool { return p == Position{} }

// String is "epoch-seq", for people.
func (p Position) String() string { return fmt.Sprintf("%06x-%d", uint32(p.Epoch), p.Seq) }

// Record is an event that has its place in a channel.
type Record struct {
	Event
	Position Position
	At       time.Time // when it was stored, UTC, to the millisecond
}

// GapError says that a reader's history is not whole. It is an ErrGap.
type GapError struct {
	Channel channel.Name
	After   Position // where the reader stood
	// Resume is the position after which everything is kept: reading on from
	// there loses no more than is lost already.
	Resume Position
}

func (e *GapError) Error() string {
	return fmt.Sprintf("%v: %s after %v, kept after %v", ErrGap, e.Channel, e.After, e.Resume)
}

func (e *GapError) Unwrap() error { return ErrGap }

// Log is the ordered history of every channel. Its methods may be called from
// many goroutines and from many processes on one storage.
type Log interface {
	// Append stores the events at the end of the channel, in their order, and
	// returns their positions, one for each event. An event whose ID the channel
	// has seen within DedupeWindow is not stored again: it gets its first
	// position back. So to repeat a call whose answer was lost is harmless for
	// events with an ID.
	//
	// A batch within AtomicEvents and AtomicBytes is stored all or none. A larger
	// one is stored in such pieces, in order; after an error some of its first
	// pieces may be stored, and repeating the call stores the rest.
	//
	// It fails with ErrInvalid or ErrTooLarge before anything is stored, with
	// ErrContended, ErrUnavailable, the error of ctx, or one of the storage.
	Append(ctx context.Context, ch channel.Name, events []Event) ([]Position, error)

	// Read returns the events after the position, oldest first and without a
	// hole, at most limit (at least 1). It may return fewer for their size or
	// because the storage is late; only no events and no error means that none
	// are known yet.
	//
	// It fails with a *GapError when events after the position are no longer
	// kept, when the position is of another epoch, or when it is ahead of the
	// channel; with ErrUnavailable, the error of ctx, or one of the storage.
	Read(ctx context.Context, ch channel.Name, after Position, limit int) ([]Record, error)

	// Heads returns the newest position of each channel, in one round trip for
	// each 100 channels. A channel nobody has written to is not in the map. A
	// head may be late, never ahead.
	Heads(ctx context.Context, chs []channel.Name) (map[channel.Name]Position, error)
}

// Ring says that a channel has come to a position.
type Ring struct {
	Channel  channel.Name
	Position Position
}

// Bell makes readers look sooner than their next poll. It promises nothing: a
// ring may be lost, late or doubled, which costs latency and never an event.
type Bell interface {
	// Ring tells everybody who listens. It does not wait for them.
	Ring(ctx context.Context, r Ring)
	// Listen returns the rings from now on, until ctx is done; then it closes the channel.
	Listen(ctx context.Context) <-chan Ring
}

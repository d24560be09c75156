package tail

import (
	"context"
	"errors"
	"fmt"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/cursor"
	"github.com/runnel-sse/runnel/pkg/eventlog"
)

// MaxChunk is about how many bytes Next returns at most.
const MaxChunk = 64 << 10

// catchUpLimit is how many records a reader behind the ring takes at once: few
// enough that many of them do not hold much memory.
const catchUpLimit = 100

// Reader is one connection's place in the channels that it follows. It is for
// one goroutine; only Wake's channel is written to by others.
type Reader struct {
	tail     *Tail
	wake     chan struct{} // capacity 1: there is news, however much
	feeds    []feed
	envelope bool
	turn     int    // the feed to look at first, so that no channel starves another
	buf      []byte // of the last chunk that was not a ring's own memory
	at       []eventlog.Position
	names    []channel.Name
}

type feed struct {
	ring *ring
	at   eventlog.Position
	page []eventlog.Record // read from the log and not handed out yet
}

// Wake is sent to when Next may have something new.
func (rd *Reader) Wake() <-chan struct{} { return rd.wake }

// Close ends the following.
func (rd *Reader) Close() { rd.tail.unfollow(rd) }

// Cursor appends the id of the reader's present place to dst.
func (rd *Reader) Cursor(dst []byte) []byte {
	rd.at, rd.names = rd.at[:0], rd.names[:0]
	for _, f := range rd.feeds {
		rd.at = append(rd.at, f.at)
		rd.names = append(rd.names, f.ring.ch)
	}
	return cursor.Append(dst, rd.names, rd.at)
}

// Check looks whether everything after the reader's place in each channel is
// still kept, and returns the gap of each channel where it is not. It reads no
// more than Next would have to.
func (rd *Reader) Check(ctx context.Context) ([]*eventlog.GapError, error) {
	var gaps []*eventlog.GapError
	for i := range rd.feeds {
		f := &rd.feeds[i]
		if f.ready() {
			continue
		}
		err := f.read(ctx, rd.tail.log)
		if gap, ok := asGap(err); ok {
			gaps = append(gaps, gap)
		} else if err != nil {
			return nil, err
		}
	}
	return gaps, nil
}

// Skip moves the reader past a gap, to where everything is kept.
func (rd *Reader) Skip(gap *eventlog.GapError) {
	for i := range rd.feeds {
		if f := &rd.feeds[i]; f.ring.ch == gap.Channel {
			f.at, f.page = gap.Resume, nil
		}
	}
}

// Next returns the frames that are due, ready to be written, and moves the
// reader behind them; nothing and no error means that there is none yet. The
// bytes are valid until the next call and must not be changed.
//
// A channel whose history is no longer whole gives a *eventlog.GapError, again
// and again until Skip; a log that cannot be read gives its error.
func (rd *Reader) Next(ctx context.Context) ([]byte, error) {
	rd.buf = rd.buf[:0]
	if cap(rd.buf) > MaxChunk/4 {
		rd.buf = nil // a quiet reader holds no large buffer
	}
	for i := range rd.feeds {
		n := (rd.turn + i) % len(rd.feeds)
		chunk, err := rd.advance(ctx, &rd.feeds[n])
		if err != nil {
			if len(rd.buf) > 0 {
				return rd.buf, nil // first what is there; the error comes again
			}
			return nil, err
		}
		if chunk != nil {
			return chunk, nil
		}
		if len(rd.buf) >= MaxChunk {
			rd.turn = n + 1
			break
		}
	}
	return rd.buf, nil
}

// advance moves the feed on. It returns a part of the ring where that will do as
// it is, or appends to rd.buf.
func (rd *Reader) advance(ctx context.Context, f *feed) ([]byte, error) {
	if len(f.page) == 0 {
		r := f.ring
		r.mu.RLock()
		if r.holds(f.at) {
			defer r.mu.RUnlock()
			return rd.fromRing(f), nil
		}
		r.mu.RUnlock()
		if err := f.read(ctx, rd.tail.log); err != nil {
			return nil, err
		}
		if len(f.page) == 0 {
			// The ring has moved on, so there is something: the log is late. No
			// ring will wake this reader for it, so its caller has to come again.
			return nil, fmt.Errorf("tail: %w: %s has nothing after %v yet", eventlog.ErrUnavailable, f.ring.ch, f.at)
		}
	}
	var frame []byte
	for len(f.page) > 0 && len(rd.buf) < MaxChunk {
		rec := f.page[0]
		f.page = f.page[1:]
		var m mark
		frame, m = appendFrame(frame[:0], f.ring.ch, rec)
		rd.emit(f, rec.Position, frame, m)
	}
	return nil, nil
}

// fromRing hands out what the ring holds after the feed's place. The caller
// holds the ring's lock.
func (rd *Reader) fromRing(f *feed) []byte {
	for {
		s, i := f.ring.from(f.at)
		if s == nil {
			return nil
		}
		if !rd.envelope && len(rd.buf) == 0 {
			f.at = eventlog.Position{Epoch: f.ring.newest.Epoch, Seq: s.first + uint64(len(s.marks)) - 1}
			return s.buf[s.marks[i].start:len(s.buf):len(s.buf)]
		}
		for ; i < len(s.marks); i++ {
			if len(rd.buf) >= MaxChunk {
				return nil
			}
			end := len(s.buf)
			if i+1 < len(s.marks) {
				end = int(s.marks[i+1].start)
			}
			m := s.marks[i]
			at := eventlog.Position{Epoch: f.ring.newest.Epoch, Seq: s.first + uint64(i)}
			rd.emit(f, at, s.buf[m.start:end], mark{fields: m.fields - m.start, json: m.json - m.start})
		}
	}
}

// emit appends one frame to rd.buf and moves the feed behind it.
func (rd *Reader) emit(f *feed, at eventlog.Position, frame []byte, m mark) {
	f.at = at
	if !rd.envelope {
		rd.buf = append(rd.buf, frame...)
		return
	}
	rd.buf = append(rd.buf, "id: "...)
	rd.buf = rd.Cursor(rd.buf)
	rd.buf = append(rd.buf, '\n')
	rd.buf = append(rd.buf, frame[m.fields:m.json]...)
	rd.buf = append(rd.buf, `{"channel":"`...)
	rd.buf = append(rd.buf, f.ring.ch.String()...) // needs no escape: see package channel
	rd.buf = append(rd.buf, `","data":`...)
	rd.buf = append(rd.buf, frame[m.json:len(frame)-len("\n\n")]...)
	rd.buf = append(rd.buf, "}\n\n"...)
}

// ready reports whether the ring has all that the feed needs next.
func (f *feed) ready() bool {
	f.ring.mu.RLock()
	defer f.ring.mu.RUnlock()
	return f.ring.holds(f.at) && !ahead(f.at, f.ring.newest)
}

// read takes the next page from the log.
func (f *feed) read(ctx context.Context, log eventlog.Log) (err error) {
	f.page, err = log.Read(ctx, f.ring.ch, f.at, catchUpLimit)
	return err
}

func asGap(err error) (*eventlog.GapError, bool) {
	var gap *eventlog.GapError
	return gap, errors.As(err, &gap)
}

package tail

import (
	"context"
	"errors"
	"fmt"
	"slices"

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

// Wake is sent to when Next may have something new, and by Nudge.
func (rd *Reader) Wake() <-chan struct{} { return rd.wake }

// Nudge sends to Wake although nothing is new: whoever waits there may have
// something else to hear. Any goroutine may call it.
func (rd *Reader) Nudge() {
	select {
	case rd.wake <- struct{}{}:
	default: // it has been told and has not looked yet
	}
}

// Close ends the following.
func (rd *Reader) Close() { rd.tail.detach(rd, rd.feeds) }

// Add has the reader follow more channels from here on, and reports whether it
// follows none of them yet: else nothing is done. It needs the envelope, since
// an event of one channel alone does not say which it is of.
func (rd *Reader) Add(starts ...Start) bool {
	for i, s := range starts {
		again := slices.ContainsFunc(starts[:i], func(before Start) bool { return before.Channel == s.Channel })
		if again || rd.feed(s.Channel) >= 0 {
			return false
		}
	}
	if !rd.envelope {
		return false
	}
	rd.tail.attach(rd, starts)
	return true
}

// Channels returns the channels that the reader follows.
func (rd *Reader) Channels() []channel.Name {
	chs := make([]channel.Name, len(rd.feeds))
	for i, f := range rd.feeds {
		chs[i] = f.ring.ch
	}
	return chs
}

// Remove ends the following of one channel. What it has handed out stays valid,
// and ids from here on say nothing of it.
func (rd *Reader) Remove(ch channel.Name) {
	if i := rd.feed(ch); i >= 0 {
		gone := rd.feeds[i]
		rd.feeds = slices.Delete(rd.feeds, i, i+1)
		rd.tail.detach(rd, []feed{gone})
	}
}

// feed returns the place of the channel's feed, or -1.
func (rd *Reader) feed(ch channel.Name) int {
	return slices.IndexFunc(rd.feeds, func(f feed) bool { return f.ring.ch == ch })
}

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
		if len(f.page) > 0 || f.ready() {
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

// Records returns the records that are due, as they stand in the log, and moves
// the reader behind them; none and no error means that there are none yet. It is
// for who follows a channel to act on what is said there: a few messages, which
// it reads from the log once more. It fails as Next does.
func (rd *Reader) Records(ctx context.Context) ([]eventlog.Record, error) {
	var due []eventlog.Record
	for i := range rd.feeds {
		f := &rd.feeds[i]
		if len(f.page) == 0 && f.behind() {
			if err := f.read(ctx, rd.tail.log); err != nil {
				return due, err
			}
			if len(f.page) == 0 {
				return due, f.late()
			}
		}
		for _, rec := range f.page {
			f.at = rec.Position
			due = append(due, rec)
		}
		f.page = nil
	}
	return due, nil
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
			return nil, f.late()
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

// behind reports whether the channel is known to have more than the feed.
func (f *feed) behind() bool {
	f.ring.mu.RLock()
	defer f.ring.mu.RUnlock()
	return ahead(f.ring.newest, f.at) || !f.ring.holds(f.at)
}

// read takes the next page from the log.
func (f *feed) read(ctx context.Context, log eventlog.Log) (err error) {
	f.page, err = log.Read(ctx, f.ring.ch, f.at, catchUpLimit)
	return err
}

// late is the error of a log that has nothing although the ring has moved on. No
// ring will wake the reader for it, so its caller has to come again.
func (f *feed) late() error {
	return fmt.Errorf("tail: %w: %s has nothing after %v yet", eventlog.ErrUnavailable, f.ring.ch, f.at)
}

func asGap(err error) (*eventlog.GapError, bool) {
	var gap *eventlog.GapError
	return gap, errors.As(err, &gap)
}

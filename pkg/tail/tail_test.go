package tail_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/cursor"
	"github.com/runnel-sse/runnel/pkg/eventlog"
	"github.com/runnel-sse/runnel/pkg/memory"
	"github.com/runnel-sse/runnel/pkg/sse"
	"github.com/runnel-sse/runnel/pkg/tail"
)

var (
	one = channel.MustParse("CommentStream:item:1")
	two = channel.MustParse("NotificationStream:user:7")
)

// counted is a log that counts its reads, and fails them on demand.
type counted struct {
	eventlog.Log
	heads, reads atomic.Int64
	broken       atomic.Bool
}

func (c *counted) Heads(ctx context.Context, chs []channel.Name) (map[channel.Name]eventlog.Position, error) {
	c.heads.Add(int64(len(chs)+99) / 100)
	return c.Log.Heads(ctx, chs)
}

func (c *counted) Read(ctx context.Context, ch channel.Name, after eventlog.Position, limit int) ([]eventlog.Record, error) {
	c.reads.Add(1)
	if c.broken.Load() {
		return nil, fmt.Errorf("%w: broken on purpose", eventlog.ErrUnavailable)
	}
	return c.Log.Read(ctx, ch, after, limit)
}

// house is a tail that runs until its test ends.
type house struct {
	*tail.Tail
	log *counted
	t   *testing.T
}

// open must be called in a bubble of synctest: then a goroutine that is left
// behind fails the test.
func open(t *testing.T, o tail.Options) *house { return openOver(t, newLog(time.Hour), o) }

func openOver(t *testing.T, log eventlog.Log, o tail.Options) *house {
	h := &house{log: &counted{Log: log}, t: t}
	h.Tail = tail.New(h.log, o)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- h.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		require.ErrorIs(t, <-done, context.Canceled)
	})
	return h
}

func newLog(retention time.Duration) *memory.Log {
	return memory.NewLog(memory.LogOptions{Retention: func(string) time.Duration { return retention }})
}

// publish appends n events to ch whose data are their numbers, from first on.
func (h *house) publish(ch channel.Name, first, n int) { publish(h.t, h.log, ch, first, n) }

func publish(t *testing.T, log eventlog.Log, ch channel.Name, first, n int) {
	events := make([]eventlog.Event, n)
	for i := range events {
		events[i] = eventlog.Event{Type: "Counted", Data: fmt.Appendf(nil, `{"n":%d}`, first+i)}
	}
	_, err := log.Append(t.Context(), ch, events)
	require.NoError(t, err)
}

// follow starts a reader at the newest position of each channel.
func (h *house) follow(envelope bool, chs ...channel.Name) *tail.Reader {
	heads, err := h.Heads(h.t.Context(), chs)
	require.NoError(h.t, err)
	var starts []tail.Start
	for _, ch := range chs {
		starts = append(starts, tail.Start{Channel: ch, Head: heads[ch], At: heads[ch]})
	}
	rd := h.Follow(starts, envelope)
	h.t.Cleanup(rd.Close)
	return rd
}

// due returns the data of all events that are due to rd now.
func (h *house) due(rd *tail.Reader) []string {
	var data []string
	for _, e := range h.events(rd) {
		data = append(data, e.Data)
	}
	return data
}

func (h *house) events(rd *tail.Reader) []sse.Event {
	var text strings.Builder
	for {
		b, err := rd.Next(h.t.Context())
		require.NoError(h.t, err)
		if len(b) == 0 {
			break
		}
		text.Write(b)
	}
	var all []sse.Event
	for in := sse.NewReader(strings.NewReader(text.String())); ; {
		e, err := in.Next()
		if err != nil {
			return all
		}
		all = append(all, e)
	}
}

func numbers(first, n int) []string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf(`{"n":%d}`, first+i))
	}
	return all
}

func TestNothingOvertakesInAChannel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t, tail.Options{})
		rd := h.follow(false, one)
		var got []string
		for i := range 50 {
			h.publish(one, i*10, 10)
			time.Sleep(100 * time.Millisecond)
			got = append(got, h.due(rd)...)
		}
		time.Sleep(time.Second)
		require.Equal(t, numbers(0, 500), append(got, h.due(rd)...))
	})
}

func TestAnEventArrivesWithinOnePoll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t, tail.Options{Interval: time.Second})
		rd := h.follow(false, one)
		h.publish(one, 1, 1)
		began := time.Now()
		<-rd.Wake()
		require.LessOrEqual(t, time.Since(began), time.Second)
		require.Equal(t, numbers(1, 1), h.due(rd))
		require.Empty(t, h.due(rd), "and only once")
	})
}

func TestABellIsFasterAndALostRingCostsOnlyTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		bell := memory.NewBell()
		h := open(t, tail.Options{Bell: bell, Interval: 5 * time.Second})
		rd := h.follow(false, one)
		synctest.Wait() // the tail listens
		began := time.Now()

		h.publish(one, 1, 1)
		heads, err := h.log.Heads(t.Context(), []channel.Name{one})
		require.NoError(t, err)
		bell.Ring(t.Context(), eventlog.Ring{Channel: one, Position: heads[one]})
		<-rd.Wake()
		require.Zero(t, time.Since(began))
		require.Equal(t, numbers(1, 1), h.due(rd))

		reads := h.log.reads.Load()
		for range 3 { // rung again and again: nothing to read
			bell.Ring(t.Context(), eventlog.Ring{Channel: one, Position: heads[one]})
			synctest.Wait()
		}
		require.Equal(t, reads, h.log.reads.Load())

		h.publish(one, 2, 1) // nobody rings
		<-rd.Wake()
		require.LessOrEqual(t, time.Since(began), 5*time.Second)
		require.Equal(t, numbers(2, 1), h.due(rd))
	})
}

func TestAThousandReadersCostTheReadsOfOne(t *testing.T) {
	t.Parallel()
	cost := func(readers int) (heads, reads int64) {
		synctest.Test(t, func(t *testing.T) {
			h := open(t, tail.Options{})
			for range readers {
				h.follow(false, one)
			}
			time.Sleep(13 * time.Millisecond) // never in the moment of a poll
			h.log.heads.Store(0)
			for i := range 20 {
				h.publish(one, i, 1)
				time.Sleep(time.Second)
			}
			heads, reads = h.log.heads.Load(), h.log.reads.Load()
		})
		return heads, reads
	}
	heads, reads := cost(1)
	manyHeads, manyReads := cost(1000)
	require.Equal(t, heads, manyHeads)
	require.Equal(t, reads, manyReads)
	require.Equal(t, int64(20), reads, "one read for each poll that found something")
}

func TestAnIdlePollOf100ChannelsIsOneRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t, tail.Options{Interval: time.Second})
		for i := range 100 {
			h.follow(false, channel.MustParse(fmt.Sprintf("CommentStream:item:%d", i)))
		}
		h.log.heads.Store(0)
		time.Sleep(time.Second + time.Millisecond)
		require.Equal(t, int64(1), h.log.heads.Load())
		require.Zero(t, h.log.reads.Load())
	})
}

func TestNobodyFollowingCostsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t, tail.Options{})
		time.Sleep(time.Minute)
		require.Zero(t, h.log.heads.Load()+h.log.reads.Load())
	})
}

func TestPollsFollowActivity(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t, tail.Options{Interval: 200 * time.Millisecond})
		h.follow(false, one)
		polls := func(d time.Duration) int64 {
			before := h.log.heads.Load()
			time.Sleep(d)
			return h.log.heads.Load() - before
		}
		require.InDelta(t, 50, polls(10*time.Second), 1, "as a rule")
		before := h.log.heads.Load()
		for i := range 500 {
			h.publish(one, i, 1)
			time.Sleep(20 * time.Millisecond)
		}
		require.InDelta(t, 100, h.log.heads.Load()-before, 3, "busy: twice as often")
		time.Sleep(tail.QuietAfter + time.Second)
		require.InDelta(t, 25, polls(10*time.Second), 1, "quiet: half as often")
	})
}

func TestAFrameIsEncodedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t, tail.Options{})
		a, b := h.follow(false, one), h.follow(false, one)
		h.publish(one, 0, 3)
		<-a.Wake()
		<-b.Wake()
		left, err := a.Next(t.Context())
		require.NoError(t, err)
		right, err := b.Next(t.Context())
		require.NoError(t, err)
		require.Same(t, &left[0], &right[0], "both readers are given the same memory")
		require.Equal(t, 3, strings.Count(string(left), "\n\n"), "and all that is due at once")
	})
}

func TestASlowReaderLosesNothingAndCostsNoMemory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t, tail.Options{RingBytes: 4 << 10})
		slow, fast := h.follow(false, one), h.follow(false, one)
		const n = 2000
		var got []string
		for i := range n {
			h.publish(one, i, 1)
			if i%10 == 9 {
				time.Sleep(time.Second)
				got = append(got, h.due(fast)...)
			}
		}
		require.Equal(t, numbers(0, n), got)
		require.LessOrEqual(t, h.HeldBytes(), int64(8<<10), "the ring does not grow for the slow one")
		require.Equal(t, numbers(0, n), h.due(slow), "the log has what the ring has not")
	})
}

func TestTheLastReaderToLeaveTakesTheMemoryAlong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t, tail.Options{})
		a, b := h.follow(false, one, two), h.follow(false, one)
		h.publish(one, 0, 100)
		h.publish(two, 0, 100)
		time.Sleep(time.Second)
		require.Positive(t, h.HeldBytes())
		a.Close()
		require.Equal(t, 1, h.Followed())
		b.Close()
		require.Zero(t, h.Followed())
		require.Zero(t, h.HeldBytes())
	})
}

func TestAllChannelsTogetherKeepToTheTotal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t, tail.Options{TotalBytes: 64 << 10})
		readers := map[channel.Name]*tail.Reader{}
		for i := range 20 {
			ch := channel.MustParse(fmt.Sprintf("CommentStream:item:%d", i))
			readers[ch] = h.follow(false, ch)
		}
		for ch := range readers {
			h.publish(ch, 0, 500)
			time.Sleep(time.Second)
		}
		require.Less(t, h.HeldBytes(), int64(64<<10+20*64<<10))
		for _, rd := range readers {
			require.Equal(t, numbers(0, 500), h.due(rd))
		}
	})
}

func TestSeveralChannelsOnOneReader(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t, tail.Options{})
		h.publish(one, 0, 1) // before the reader comes
		rd := h.follow(true, one, two)
		h.publish(one, 1, 2)
		h.publish(two, 1, 1)
		time.Sleep(time.Second)
		events := h.events(rd)
		require.Len(t, events, 3)
		var data []string
		for _, e := range events {
			require.Equal(t, "Counted", e.Type)
			data = append(data, e.Data)
		}
		require.ElementsMatch(t, []string{
			`{"channel":"CommentStream:item:1","data":{"n":1}}`,
			`{"channel":"CommentStream:item:1","data":{"n":2}}`,
			`{"channel":"NotificationStream:user:7","data":{"n":1}}`,
		}, data)

		c, err := cursor.Parse(events[2].ID)
		require.NoError(t, err)
		at, ok := c.At(one)
		require.True(t, ok)
		require.Equal(t, uint64(3), at.Seq)
		at, ok = c.At(two)
		require.True(t, ok)
		require.Equal(t, uint64(1), at.Seq)
		require.Equal(t, events[2].ID, string(rd.Cursor(nil)))
	})
}

func TestDataOfSeveralLinesIsOneLineOfJSON(t *testing.T) {
	t.Parallel()
	for name, envelope := range map[string]bool{"one channel": false, "envelope": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := open(t, tail.Options{})
				rd := h.follow(envelope, one)
				for _, data := range []string{"{\n\"n\":\r\n1}", `{"n":2}`} {
					_, err := h.log.Append(t.Context(), one, []eventlog.Event{{Type: "Counted", Data: []byte(data)}})
					require.NoError(t, err)
				}
				time.Sleep(time.Second)
				want := []string{`{ "n":  1}`, `{"n":2}`}
				for i := range want {
					if envelope {
						want[i] = `{"channel":"CommentStream:item:1","data":` + want[i] + `}`
					}
				}
				require.Equal(t, want, h.due(rd))
			})
		})
	}
}

func TestEveryIDResumesBehindItsEvent(t *testing.T) {
	t.Parallel()
	for name, envelope := range map[string]bool{"one channel": false, "envelope": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := open(t, tail.Options{})
				rd := h.follow(envelope, one)
				h.publish(one, 0, 20)
				time.Sleep(time.Second)
				events := h.events(rd)
				require.Len(t, events, 20)
				for i, e := range events {
					c, err := cursor.Parse(e.ID)
					require.NoError(t, err)
					at, ok := c.At(one)
					require.True(t, ok)
					again := h.Follow([]tail.Start{{Channel: one, At: at}}, false)
					require.Len(t, h.due(again), 20-i-1)
					again.Close()
				}
			})
		})
	}
}

func TestAGapIsToldNotSkipped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := openOver(t, newLog(time.Minute), tail.Options{RingBytes: 1 << 10})
		rd := h.follow(false, one)
		h.publish(one, 0, 100)
		time.Sleep(2 * time.Minute) // all of that expires
		h.publish(one, 100, 100)
		time.Sleep(time.Second)

		_, err := rd.Next(t.Context())
		var gap *eventlog.GapError
		require.ErrorAs(t, err, &gap)
		require.Equal(t, uint64(100), gap.Resume.Seq)
		_, err = rd.Next(t.Context())
		require.ErrorIs(t, err, eventlog.ErrGap, "again and again")
		rd.Skip(gap)
		require.Equal(t, numbers(100, 100), h.due(rd))
	})
}

func TestCheckFindsGapsBeforeAnythingIsWritten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := openOver(t, newLog(time.Minute), tail.Options{})
		h.publish(one, 0, 10)
		h.publish(two, 0, 10)
		time.Sleep(2 * time.Minute)
		h.publish(two, 10, 1)
		heads, err := h.Heads(t.Context(), []channel.Name{one, two})
		require.NoError(t, err)
		rd := h.Follow([]tail.Start{
			{Channel: one, Head: heads[one], At: heads[one]}, // has everything
			{Channel: two, Head: heads[two], At: eventlog.Position{Epoch: heads[two].Epoch, Seq: 5}},
		}, true)
		defer rd.Close()
		gaps, err := rd.Check(t.Context())
		require.NoError(t, err)
		require.Len(t, gaps, 1)
		require.Equal(t, two, gaps[0].Channel)
		rd.Skip(gaps[0])
		require.Equal(t, []string{`{"channel":"NotificationStream:user:7","data":{"n":10}}`}, h.due(rd))
	})
}

func TestALogThatFailsIsReadAgainAndHurtsNoOtherChannel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t, tail.Options{})
		rd := h.follow(false, one)
		h.log.broken.Store(true)
		h.publish(one, 0, 1)
		time.Sleep(5 * time.Second)
		require.Empty(t, h.due(rd), "nothing is due, and that is no error")

		behind := h.Follow([]tail.Start{{Channel: two, Head: eventlog.Position{Epoch: 1, Seq: 9}, At: eventlog.Position{Epoch: 1, Seq: 3}}}, false)
		defer behind.Close()
		_, err := behind.Next(t.Context())
		require.ErrorIs(t, err, eventlog.ErrUnavailable)

		h.log.broken.Store(false)
		require.Less(t, h.log.reads.Load(), int64(20), "patience grows while it fails")
		<-rd.Wake()
		require.Equal(t, numbers(0, 1), h.due(rd))
	})
}

func TestALateLogIsAnErrorNotSilence(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t, tail.Options{})
		// The head is known to be at 9, so the ring begins there, but the log
		// that this reader is given has nothing: no ring would ever wake it.
		rd := h.Follow([]tail.Start{{Channel: one, Head: eventlog.Position{Epoch: 5, Seq: 9}}}, false)
		defer rd.Close()
		_, err := rd.Next(t.Context())
		require.ErrorIs(t, err, eventlog.ErrUnavailable)
		require.False(t, errors.Is(err, eventlog.ErrGap))
	})
}

func TestRoundsOfManyReadersTakeAlongWhatIsPublishedMeanwhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		bell := memory.NewBell()
		h := open(t, tail.Options{Bell: bell, Interval: time.Minute})
		var readers []*tail.Reader
		for range 2000 * runtime.GOMAXPROCS(0) {
			readers = append(readers, h.follow(false, one))
		}
		synctest.Wait() // the tail listens
		began := time.Now()
		for i := range 3 {
			h.publish(one, i, 1)
			heads, err := h.log.Heads(t.Context(), []channel.Name{one})
			require.NoError(t, err)
			bell.Ring(t.Context(), eventlog.Ring{Channel: one, Position: heads[one]})
			synctest.Wait()
			if i == 0 {
				require.Len(t, readers[0].Wake(), 1, "after a pause an event waits for nothing")
				require.Equal(t, numbers(0, 1), h.due(readers[0]))
				<-readers[0].Wake()
			}
		}
		require.Empty(t, readers[0].Wake(), "the first round is not over")
		<-readers[0].Wake()
		require.Equal(t, 20*time.Millisecond, time.Since(began))
		require.Equal(t, numbers(1, 2), h.due(readers[0]), "both in the next")
	})
}

func TestChannelsComeAndGoOnALiveReader(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t, tail.Options{})
		rd := h.follow(true, one)
		h.publish(two, 0, 3)
		heads, err := h.Heads(t.Context(), []channel.Name{two})
		require.NoError(t, err)
		start := tail.Start{Channel: two, Head: heads[two], At: eventlog.Position{Epoch: heads[two].Epoch, Seq: 2}}
		require.True(t, rd.Add(start))
		require.False(t, rd.Add(start), "it is there already")
		require.Equal(t, []string{`{"channel":"NotificationStream:user:7","data":{"n":2}}`}, h.due(rd), "from where it says")
		h.publish(one, 1, 1)
		h.publish(two, 3, 1)
		time.Sleep(time.Second)
		require.Len(t, h.due(rd), 2)
		c, err := cursor.Parse(string(rd.Cursor(nil)))
		require.NoError(t, err)
		_, ok := c.At(two)
		require.True(t, ok)

		rd.Remove(one)
		rd.Remove(one) // harmless
		require.Equal(t, 1, h.Followed(), "nobody else follows it")
		h.publish(one, 2, 1)
		h.publish(two, 4, 1)
		time.Sleep(time.Second)
		require.Equal(t, []string{`{"channel":"NotificationStream:user:7","data":{"n":4}}`}, h.due(rd))
		c, err = cursor.Parse(string(rd.Cursor(nil)))
		require.NoError(t, err)
		_, ok = c.At(one)
		require.False(t, ok)
		rd.Remove(two)
		require.Empty(t, h.due(rd))
		require.Zero(t, h.Followed())
	})
}

func TestAReaderOfOneChannelTakesNoOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t, tail.Options{})
		rd := h.follow(false, one)
		require.False(t, rd.Add(tail.Start{Channel: two}), "its events could not be told apart")
		both := h.follow(true, one)
		require.False(t, both.Add(tail.Start{Channel: two}, tail.Start{Channel: two}))
		require.Equal(t, 1, h.Followed())
	})
}

func TestRecordsAreReadAsTheyWereSaid(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t, tail.Options{Interval: time.Second})
		rd := h.Follow([]tail.Start{{Channel: one}}, false)
		defer rd.Close()
		time.Sleep(10 * time.Second)
		due, err := rd.Records(t.Context())
		require.NoError(t, err)
		require.Empty(t, due)
		require.Zero(t, h.log.reads.Load(), "silence costs no read")

		_, err = h.log.Append(t.Context(), one, []eventlog.Event{{ID: "a", Type: "Goodbye", Data: []byte(`{"n":1}`)}})
		require.NoError(t, err)
		began := time.Now()
		<-rd.Wake()
		require.LessOrEqual(t, time.Since(began), time.Second)
		due, err = rd.Records(t.Context())
		require.NoError(t, err)
		require.Len(t, due, 1)
		require.Equal(t, eventlog.Event{ID: "a", Type: "Goodbye", Data: []byte(`{"n":1}`)}, due[0].Event)
		due, err = rd.Records(t.Context())
		require.NoError(t, err)
		require.Empty(t, due, "and only once")
	})
}

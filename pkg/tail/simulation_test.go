package tail_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
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

// TestEveryReaderGetsEveryEventOnceInOrder runs appenders and readers over a log
// that misbehaves as one on AWS does, with a bell that loses rings. Readers come
// from the beginning, dawdle, leave, and come back with the last id they saw.
func TestEveryReaderGetsEveryEventOnceInOrder(t *testing.T) {
	t.Parallel()
	for range 30 {
		seed := rand.Uint64()
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { simulate(t, seed) })
		})
	}
}

func simulate(t *testing.T, seed uint64) {
	const events, readers = 300, 12
	random := rand.New(rand.NewPCG(seed, 1))
	log := newLog(24 * time.Hour)
	shaky := memory.Misbehave(log, memory.Faults{
		Seed: seed, Throttled: 0.05, StaleHead: 0.2, ShortRead: 0.2,
	})
	bell := memory.NewBell()
	h := openOver(t, shaky, tail.Options{RingBytes: 2 << 10, Bell: bell})
	chs := []channel.Name{one, two}

	var work sync.WaitGroup
	var all []*client
	for i := range readers {
		r := &client{h: h, channels: chs[:1+i%2], random: rand.New(rand.NewPCG(seed, uint64(i+2))), at: map[channel.Name]eventlog.Position{}, got: map[string][]string{}}
		all = append(all, r)
		work.Go(func() { r.follow(events) })
	}
	inbox := &letters{h: h, random: rand.New(rand.NewPCG(seed, 99))}
	work.Go(func() { inbox.follow(events) })
	for i := 0; i < events; {
		n := min(1+random.IntN(10), events-i)
		for _, ch := range chs {
			publish(t, log, ch, i, n) // what appenders suffer, logtest says
			if random.IntN(3) > 0 {   // one in three is lost
				heads, err := log.Heads(t.Context(), []channel.Name{ch})
				require.NoError(t, err)
				bell.Ring(t.Context(), eventlog.Ring{Channel: ch, Position: heads[ch]})
			}
		}
		i += n
		time.Sleep(time.Duration(random.IntN(300)) * time.Millisecond)
	}
	work.Wait()
	require.Equal(t, numbers(0, events), inbox.got, "seed %d, record by record", seed)
	for i, r := range all {
		for _, ch := range r.channels {
			require.Equal(t, numbers(0, events), r.got[ch.String()], "seed %d, reader %d of %s", seed, i, ch)
		}
	}
}

// client is a reader as the gateway and a browser are one together.
type client struct {
	h        *house
	channels []channel.Name
	random   *rand.Rand
	at       map[channel.Name]eventlog.Position // what its ids said last
	got      map[string][]string                // by channel
}

func (c *client) done(events int) bool {
	for _, ch := range c.channels {
		if len(c.got[ch.String()]) < events {
			return false
		}
	}
	return true
}

func (c *client) follow(events int) {
	for !c.done(events) {
		c.session(events)
		time.Sleep(time.Duration(c.random.IntN(500)) * time.Millisecond)
	}
}

// session is one connection, of random length.
func (c *client) session(events int) {
	ctx := context.Background()
	heads, err := c.h.Heads(ctx, c.channels)
	if err != nil {
		return // the log misbehaves: come back
	}
	var starts []tail.Start
	for _, ch := range c.channels {
		starts = append(starts, tail.Start{Channel: ch, Head: heads[ch], At: c.at[ch]}) // none: from the beginning
	}
	rd := c.h.Follow(starts[:1+c.random.IntN(len(starts))], true)
	defer rd.Close()
	for range 1 + c.random.IntN(30) {
		b, err := rd.Next(ctx)
		if err != nil {
			time.Sleep(100 * time.Millisecond)
			continue
		}
		c.take(string(b))
		if len(starts) > 1 && c.random.IntN(5) == 0 { // live, in mid-stream
			c.change(rd)
		}
		if c.done(events) {
			return
		}
		if len(b) == 0 {
			select {
			case <-rd.Wake():
			case <-time.After(time.Duration(c.random.IntN(3000)) * time.Millisecond):
			}
		}
		if c.random.IntN(4) == 0 { // dawdle
			time.Sleep(time.Duration(c.random.IntN(2000)) * time.Millisecond)
		}
	}
}

// change takes the second channel off the reader, or puts it back where the
// client is.
func (c *client) change(rd *tail.Reader) {
	ch := c.channels[1]
	heads, err := c.h.Heads(context.Background(), []channel.Name{ch})
	if err != nil {
		return
	}
	if !rd.Add(tail.Start{Channel: ch, Head: heads[ch], At: c.at[ch]}) {
		rd.Remove(ch)
	}
}

// letters follows a channel record by record, as a process does its mailbox.
type letters struct {
	h      *house
	random *rand.Rand
	got    []string
}

func (l *letters) follow(events int) {
	var at eventlog.Position // nobody asks for the head of a mailbox of one's own
	for len(l.got) < events {
		rd := l.h.Follow([]tail.Start{{Channel: one, Head: at, At: at}}, false)
		for range 1 + l.random.IntN(20) {
			due, _ := rd.Records(context.Background()) // an error, after what came before it
			for _, rec := range due {
				at = rec.Position
				l.got = append(l.got, string(rec.Data))
			}
			select {
			case <-rd.Wake():
			case <-time.After(time.Duration(l.random.IntN(1000)) * time.Millisecond):
			}
		}
		rd.Close()
	}
}

func (c *client) take(frames string) {
	for in := sse.NewReader(strings.NewReader(frames)); ; {
		e, err := in.Next()
		if err != nil {
			return
		}
		id, _ := cursor.Parse(e.ID)
		for _, ch := range c.channels {
			if at, ok := id.At(ch); ok {
				c.at[ch] = at
			}
			if data, ok := strings.CutPrefix(e.Data, `{"channel":"`+ch.String()+`","data":`); ok {
				c.got[ch.String()] = append(c.got[ch.String()], strings.TrimSuffix(data, "}"))
			}
		}
	}
}

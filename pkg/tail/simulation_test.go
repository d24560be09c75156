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
		r := &client{h: h, channels: chs[:1+i%2], random: rand.New(rand.NewPCG(seed, uint64(i+2))), got: map[string][]string{}}
		all = append(all, r)
		work.Go(func() { r.follow(events) })
	}
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
	id       string
	got      map[string][]string // by channel
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
	at, _ := cursor.Parse(c.id)
	for _, ch := range c.channels {
		start := tail.Start{Channel: ch, Head: heads[ch]}
		start.At, _ = at.At(ch) // none: from the beginning
		starts = append(starts, start)
	}
	rd := c.h.Follow(starts, true)
	defer rd.Close()
	for range 1 + c.random.IntN(30) {
		b, err := rd.Next(ctx)
		if err != nil {
			time.Sleep(100 * time.Millisecond)
			continue
		}
		c.take(string(b))
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

func (c *client) take(frames string) {
	for in := sse.NewReader(strings.NewReader(frames)); ; {
		e, err := in.Next()
		if err != nil {
			return
		}
		c.id = e.ID
		for _, ch := range c.channels {
			if data, ok := strings.CutPrefix(e.Data, `{"channel":"`+ch.String()+`","data":`); ok {
				c.got[ch.String()] = append(c.got[ch.String()], strings.TrimSuffix(data, "}"))
			}
		}
	}
}

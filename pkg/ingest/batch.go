package ingest

import (
	"context"
	"fmt"
	"sync"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/eventlog"
)

// batch is what is to be stored for several messages, by channel: an append
// costs by the call, so each channel gets one.
type batch struct {
	groups map[channel.Name]*group
	order  []*group // by first event
}

// group is the part of a batch that goes to one channel.
type group struct {
	channel   channel.Name
	events    []eventlog.Event
	messages  []int // which messages have an event here, ascending
	positions []eventlog.Position
	err       error
}

func newBatch() *batch { return &batch{groups: map[channel.Name]*group{}} }

// add puts an event of a message at the end of its channel. Messages come in
// their order. A queue may deliver a message twice in one batch; the log knows.
func (b *batch) add(message int, p planned) {
	g := b.groups[p.channel]
	if g == nil {
		g = &group{channel: p.channel}
		b.groups[p.channel] = g
		b.order = append(b.order, g)
	}
	if n := len(g.messages); n == 0 || g.messages[n-1] != message {
		g.messages = append(g.messages, message)
	}
	g.events = append(g.events, p.event)
}

// store appends each channel's events and returns why a message has failed, by
// its number. It returns when all appends have.
func (in *Ingest) store(ctx context.Context, b *batch) map[int]error {
	room := make(chan struct{}, in.c.Parallel)
	var wg sync.WaitGroup
	for _, g := range b.order {
		room <- struct{}{}
		wg.Go(func() {
			defer func() { <-room }()
			in.append(ctx, g)
		})
	}
	wg.Wait()
	failed := map[int]error{}
	for _, g := range b.order {
		if g.err == nil {
			continue
		}
		for _, m := range g.messages {
			if failed[m] == nil {
				failed[m] = g.err
			}
		}
	}
	return failed
}

func (in *Ingest) append(ctx context.Context, g *group) {
	g.positions, g.err = guard(func() ([]eventlog.Position, error) {
		return in.c.Log.Append(ctx, g.channel, g.events)
	})
	if g.err == nil && len(g.positions) != len(g.events) {
		g.err = fmt.Errorf("the log gave %d positions for %d events", len(g.positions), len(g.events))
	}
	if g.err != nil {
		g.err = fmt.Errorf("ingest: append %d to %s: %w", len(g.events), g.channel, g.err)
		return
	}
	if in.c.Bell == nil {
		return
	}
	newest := g.positions[0]
	for _, p := range g.positions {
		if p.Seq > newest.Seq {
			newest = p
		}
	}
	in.c.Bell.Ring(ctx, eventlog.Ring{Channel: g.channel, Position: newest})
}

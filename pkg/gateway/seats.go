package gateway

import (
	"context"
	"fmt"
	"log/slog"
	"slices"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/obs"
	"github.com/runnel-sse/runnel/pkg/schema"
	"github.com/runnel-sse/runnel/pkg/subscriber"
)

// seats are the connection's places, one on each channel.
func seats(chs []channel.Name, streams []*schema.Stream) []subscriber.Seat {
	all := make([]subscriber.Seat, len(chs))
	for i, ch := range chs {
		s := streams[i]
		all[i] = subscriber.Seat{Channel: ch, Limit: s.Limit, Presence: s.Presence, Grace: s.Grace}
	}
	return all
}

// add gives a connection that has joined more seats.
func (k *keeper) add(ctx context.Context, id string, more []subscriber.Seat, l subscriber.Limits) error {
	k.mu.Lock()
	c := k.held[id]
	c.Seats = append(slices.Clone(c.Seats), more...)
	k.held[id] = c // from now on, lest a goodbye or a new lease forgets what may have been done
	k.mu.Unlock()
	news, err := k.registry.Join(ctx, c, l)
	if err != nil {
		var chs []channel.Name
		for _, s := range more {
			chs = append(chs, s.Channel)
		}
		if refusedOutright(err) {
			k.strike(id, chs)
		} else {
			k.drop(ctx, id, chs)
		}
		return fmt.Errorf("gateway: join: %w", err)
	}
	k.tell(ctx, news)
	return nil
}

// drop gives seats of the connection back. Where that fails they stay its own
// until it leaves, so that the registry is never wrong about who has what.
func (k *keeper) drop(ctx context.Context, id string, chs []channel.Name) {
	k.mu.Lock()
	c := k.held[id]
	k.mu.Unlock()
	c.Seats = slices.DeleteFunc(slices.Clone(c.Seats), func(s subscriber.Seat) bool { return !slices.Contains(chs, s.Channel) })
	news, err := k.registry.Leave(ctx, c)
	if err != nil {
		k.log.LogAttrs(ctx, slog.LevelWarn, "gateway: a seat is kept until its connection ends", obs.Connection(id), obs.Err(err))
		return
	}
	k.strike(id, chs)
	k.tell(ctx, news)
}

// strike forgets that the connection has seats there.
func (k *keeper) strike(id string, chs []channel.Name) {
	k.mu.Lock()
	defer k.mu.Unlock()
	c := k.held[id]
	c.Seats = slices.DeleteFunc(slices.Clone(c.Seats), func(s subscriber.Seat) bool { return slices.Contains(chs, s.Channel) })
	k.held[id] = c
}

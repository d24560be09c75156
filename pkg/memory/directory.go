package memory

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/subscriber"
)

// Count is subscriber.Directory's.
func (r *Registry) Count(ctx context.Context, ch channel.Name) (n int, err error) {
	err = r.do(ctx, "count", ch.String(), func(time.Time) error {
		n = len(r.channels[ch])
		return nil
	})
	return n, err
}

// CountUsers is subscriber.Directory's.
func (r *Registry) CountUsers(ctx context.Context, ch channel.Name) (n int, err error) {
	err = r.do(ctx, "count users of", ch.String(), func(time.Time) error {
		n = r.present[ch]
		return nil
	})
	return n, err
}

// List is subscriber.Directory's.
func (r *Registry) List(ctx context.Context, ch channel.Name, after string, limit int) (page []subscriber.Subscriber, err error) {
	err = r.do(ctx, "list", ch.String(), func(time.Time) error {
		page = r.channels[ch].page(after, limit)
		return nil
	})
	return page, err
}

// ConnectionsOf is subscriber.Directory's.
func (r *Registry) ConnectionsOf(ctx context.Context, user, after string, limit int) (page []subscriber.Subscriber, err error) {
	err = r.do(ctx, "connections of", "a user", func(time.Time) error {
		page = r.users[user].page(after, limit)
		return nil
	})
	return page, err
}

func (s set) page(after string, limit int) (page []subscriber.Subscriber) {
	for _, id := range slices.Sorted(maps.Keys(s)) {
		if id > after && len(page) < limit {
			page = append(page, s[id].Subscriber)
		}
	}
	return page
}

// Users is subscriber.Directory's.
func (r *Registry) Users(ctx context.Context, ch channel.Name, after string, limit int) (page []subscriber.User, err error) {
	err = r.do(ctx, "users of", ch.String(), func(time.Time) error {
		for _, name := range slices.Sorted(maps.Keys(r.visits[ch])) {
			if v := r.visits[ch][name]; name > after && !v.over && len(page) < limit {
				page = append(page, subscriber.User{Name: name, Since: v.since})
			}
		}
		return nil
	})
	return page, err
}

package memory

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/subscriber"
)

// MisbehaveRegistry returns a registry that keeps everything in the given one
// and throttles, or fails though it has stored. Of the faults, Throttled and
// LostAnswer count.
func MisbehaveRegistry(s subscriber.Storage, f Faults) subscriber.Storage {
	return &misbehavingRegistry{s: s, faults: misbehaving{f: f, random: rand.New(rand.NewPCG(f.Seed, 2))}}
}

type misbehavingRegistry struct {
	s      subscriber.Storage
	faults misbehaving
}

// maybe makes the call, or not, and tells its outcome, or not.
func maybe[T any](ctx context.Context, m *misbehavingRegistry, doing string, call func() (T, error)) (T, error) {
	var nothing T
	if ctx.Err() == nil && m.faults.happens(m.faults.f.Throttled) {
		return nothing, fault(doing, subscriber.ErrUnavailable)
	}
	v, err := call()
	if err == nil && m.faults.happens(m.faults.f.LostAnswer) {
		return nothing, fault(doing, subscriber.ErrUnavailable)
	}
	return v, err
}

// only is maybe for a call without a value.
func only(ctx context.Context, m *misbehavingRegistry, doing string, call func() error) error {
	_, err := maybe(ctx, m, doing, func() (struct{}, error) { return struct{}{}, call() })
	return err
}

func (m *misbehavingRegistry) Renew(ctx context.Context, process string, until time.Time) error {
	return only(ctx, m, "renew", func() error { return m.s.Renew(ctx, process, until) })
}

func (m *misbehavingRegistry) Join(ctx context.Context, c subscriber.Connection, l subscriber.Limits) ([]subscriber.News, error) {
	return maybe(ctx, m, "join", func() ([]subscriber.News, error) { return m.s.Join(ctx, c, l) })
}

func (m *misbehavingRegistry) Leave(ctx context.Context, c subscriber.Connection) ([]subscriber.News, error) {
	return maybe(ctx, m, "leave", func() ([]subscriber.News, error) { return m.s.Leave(ctx, c) })
}

func (m *misbehavingRegistry) Block(ctx context.Context, t subscriber.Target, until time.Time) error {
	return only(ctx, m, "block", func() error { return m.s.Block(ctx, t, until) })
}

func (m *misbehavingRegistry) First(ctx context.Context, id string, until time.Time) (bool, error) {
	return maybe(ctx, m, "first", func() (bool, error) { return m.s.First(ctx, id, until) })
}

func (m *misbehavingRegistry) Count(ctx context.Context, ch channel.Name) (int, error) {
	return maybe(ctx, m, "count", func() (int, error) { return m.s.Count(ctx, ch) })
}

func (m *misbehavingRegistry) CountUsers(ctx context.Context, ch channel.Name) (int, error) {
	return maybe(ctx, m, "count users", func() (int, error) { return m.s.CountUsers(ctx, ch) })
}

func (m *misbehavingRegistry) List(ctx context.Context, ch channel.Name, after string, limit int) ([]subscriber.Subscriber, error) {
	return maybe(ctx, m, "list", func() ([]subscriber.Subscriber, error) { return m.s.List(ctx, ch, after, limit) })
}

func (m *misbehavingRegistry) Users(ctx context.Context, ch channel.Name, after string, limit int) ([]subscriber.User, error) {
	return maybe(ctx, m, "users", func() ([]subscriber.User, error) { return m.s.Users(ctx, ch, after, limit) })
}

func (m *misbehavingRegistry) ConnectionsOf(ctx context.Context, user, after string, limit int) ([]subscriber.Subscriber, error) {
	return maybe(ctx, m, "connections", func() ([]subscriber.Subscriber, error) { return m.s.ConnectionsOf(ctx, user, after, limit) })
}

func (m *misbehavingRegistry) Reap(ctx context.Context) (int, error) {
	return maybe(ctx, m, "reap", func() (int, error) { return m.s.Reap(ctx) })
}

func (m *misbehavingRegistry) Due(ctx context.Context, now time.Time, limit int) ([]subscriber.News, error) {
	return maybe(ctx, m, "due", func() ([]subscriber.News, error) { return m.s.Due(ctx, now, limit) })
}

func (m *misbehavingRegistry) Confirm(ctx context.Context, n subscriber.News) (bool, error) {
	return maybe(ctx, m, "confirm", func() (bool, error) { return m.s.Confirm(ctx, n) })
}

func (m *misbehavingRegistry) Said(ctx context.Context, n subscriber.News) error {
	return only(ctx, m, "said", func() error { return m.s.Said(ctx, n) })
}

func (m *misbehavingRegistry) Spend(ctx context.Context, stream, month string, seconds int64) (int64, error) {
	return maybe(ctx, m, "spend", func() (int64, error) { return m.s.Spend(ctx, stream, month, seconds) })
}

func (m *misbehavingRegistry) Spent(ctx context.Context, stream, month string) (int64, error) {
	return maybe(ctx, m, "spent", func() (int64, error) { return m.s.Spent(ctx, stream, month) })
}

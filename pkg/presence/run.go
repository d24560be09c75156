package presence

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/runnel-sse/runnel/pkg/subscriber"
)

const (
	retryMin = time.Second // after what could not be said
	retryMax = 30 * time.Second
	// maxTimes bounds what is remembered: a second each, for longer than any
	// grace is. What is over it, the next sweep finds.
	maxTimes = 2 * 3600
)

// Tell takes what Join or Leave returned and has Run say it when it is due. It
// does not wait, so it needs no context; it is what gateway.Config.News wants. Where Run does not come to it, since a host lets the process
// stand still as Lambda does, the schedule's Sweep says it.
func (s *Sayer) Tell(_ context.Context, news []subscriber.News) {
	arrived := slices.ContainsFunc(news, func(n subscriber.News) bool { return n.Kind == subscriber.Joined })
	if arrived {
		select {
		case s.told <- news:
		default:
			s.at(time.Now())
		}
		return
	}
	for _, n := range news {
		s.at(n.Due)
	}
}

// at notes that something may be due then. It does not say what: whoever looks
// then takes all that is due, in its order.
func (s *Sayer) at(t time.Time) {
	s.mu.Lock()
	second := t.Add(time.Second - 1).Unix() // not before
	if len(s.times) < maxTimes {
		s.times[second] = struct{}{}
	}
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// next returns the earliest time noted.
func (s *Sayer) next() (t time.Time, some bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for second := range s.times {
		if at := time.Unix(second, 0).Add(s.phase); !some || at.Before(t) {
			t, some = at, true
		}
	}
	return t, some
}

// pass forgets the times that have come.
func (s *Sayer) pass(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for second := range s.times {
		if !time.Unix(second, 0).Add(s.phase).After(now) {
			delete(s.times, second)
		}
	}
}

// Run says what Tell was given until ctx is done, and again what could not be
// said. It asks the outbox at most once a second, and not at all while there is
// nothing to wait for. It returns the error of ctx.
func (s *Sayer) Run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	pause := retryMin
	for {
		timer.Stop()
		if t, some := s.next(); some {
			timer.Reset(time.Until(t))
		}
		var err error
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.wake:
			continue
		case news := <-s.told:
			err = s.Say(ctx, news)
		case <-timer.C:
			s.pass(time.Now())
			if _, err = s.Sweep(ctx); err == nil {
				pause = retryMin
			}
		}
		if err != nil && ctx.Err() == nil {
			s.logger.LogAttrs(ctx, slog.LevelWarn, "presence: not said, will try again", slog.Any("error", err))
			s.at(time.Now().Add(pause))
			pause = min(2*pause, retryMax)
		}
	}
}

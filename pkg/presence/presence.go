// Package presence says on a channel which users have come and which have gone:
// it takes news out of the registry's outbox and appends sse.joined and sse.left
// to the log, so they are events of the channel like any other, with a place in
// its order.
//
// It does not decide who is there; the registry does. Whoever says news may
// crash between any two steps and any number may say the same at once: the
// event is there once, and a user's events are in their order.
package presence

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/eventlog"
	"github.com/runnel-sse/runnel/pkg/schema"
	"github.com/runnel-sse/runnel/pkg/subscriber"
)

const (
	page     = 100  // news that are asked for at once
	maxStuck = 1000 // news that could not be said before a sweep gives up
	backlog  = 1024 // joins whose news wait for Run; what is over it is swept
	atOnce   = 16   // calls of the outbox
)

// Log is what presence needs of eventlog.Log.
type Log interface {
	Append(ctx context.Context, ch channel.Name, events []eventlog.Event) ([]eventlog.Position, error)
}

// Config of a Sayer. Log and Outbox are required.
type Config struct {
	Log    Log
	Outbox subscriber.Outbox
	Logger *slog.Logger // default slog.Default
}

// Sayer says news. Its methods may be called from many goroutines.
type Sayer struct {
	log    Log
	outbox subscriber.Outbox
	logger *slog.Logger

	told  chan []subscriber.News // of those who arrived, for Run
	wake  chan struct{}          // capacity 1: times has an earlier one
	phase time.Duration          // within a second, so that processes do not sweep together

	mu    sync.Mutex
	times map[int64]struct{} // guarded by mu; Unix seconds at which something may be due
}

// New returns a Sayer.
func New(c Config) (*Sayer, error) {
	if c.Log == nil || c.Outbox == nil {
		return nil, errors.New("presence: Config.Log or Config.Outbox is missing")
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return &Sayer{
		log: c.Log, outbox: c.Outbox, logger: c.Logger,
		told: make(chan []subscriber.News, backlog), wake: make(chan struct{}, 1), phase: rand.N(time.Second), times: map[int64]struct{}{},
	}, nil
}

// Say says at once, in its order, what Join returned. What it could not say is
// in the outbox still, and any Sweep says it.
//
// It is not for what Leave returned: a user's leaving may be said only after all
// that the outbox has of that user before it, which is what Sweep looks to.
func (s *Sayer) Say(ctx context.Context, news []subscriber.News) error {
	_, _, err := s.sayAll(ctx, news, map[channel.Name]bool{})
	return err
}

// Sweep says all that is due and returns how many events that were. After an
// error the channels concerned keep theirs for the next time.
func (s *Sayer) Sweep(ctx context.Context) (said int, err error) {
	seen, held, stuck := map[string]bool{}, map[channel.Name]bool{}, 0
	var errs []error
	for stuck < maxStuck {
		due, err := s.outbox.Due(ctx, time.Now(), page+stuck)
		if err != nil {
			errs = append(errs, fmt.Errorf("presence: ask what is due: %w", err))
			break
		}
		var fresh []subscriber.News
		for _, n := range due {
			if !seen[n.ID] {
				seen[n.ID] = true
				fresh = append(fresh, n)
			}
		}
		if len(fresh) == 0 {
			break
		}
		n, left, err := s.sayAll(ctx, fresh, held)
		said, stuck = said+n, stuck+left
		errs = append(errs, err)
	}
	return said, errors.Join(errs...)
}

// sayAll says the news channel by channel and returns how many it said and how
// many are left. On a channel that fails, now or in held, the rest has to wait:
// a leaving must not be confirmed before the arrival is said.
func (s *Sayer) sayAll(ctx context.Context, news []subscriber.News, held map[channel.Name]bool) (said, left int, err error) {
	var order []channel.Name
	of := map[channel.Name][]subscriber.News{}
	for _, n := range news {
		if of[n.Channel] == nil {
			order = append(order, n.Channel)
		}
		of[n.Channel] = append(of[n.Channel], n)
	}
	var errs []error
	for _, ch := range order {
		if held[ch] {
			left += len(of[ch])
			continue
		}
		n, err := s.sayOn(ctx, ch, of[ch])
		if said += n; err != nil {
			held[ch] = true
			left += len(of[ch]) - n
			errs = append(errs, fmt.Errorf("presence: say who is on %s: %w", ch, err))
		}
	}
	return said, left, errors.Join(errs...)
}

// sayOn says news of one channel, many with one append.
func (s *Sayer) sayOn(ctx context.Context, ch channel.Name, news []subscriber.News) (said int, err error) {
	for len(news) > 0 {
		var rest []subscriber.News
		batch := news
		users := map[string]bool{}
		for i, n := range news {
			// A user's second news are confirmed after the first are said.
			if users[n.User] || i == eventlog.AtomicEvents {
				batch, rest = news[:i], news[i:]
				break
			}
			users[n.User] = true
		}
		n, err := s.sayBatch(ctx, ch, batch)
		if said += n; err != nil {
			return said, err
		}
		news = rest
	}
	return said, nil
}

// sayBatch says news of different users.
func (s *Sayer) sayBatch(ctx context.Context, ch channel.Name, news []subscriber.News) (said int, err error) {
	holds := make([]bool, len(news))
	err = each(len(news), func(i int) (err error) {
		holds[i], err = s.outbox.Confirm(ctx, news[i])
		return err
	})
	if err != nil {
		return 0, err
	}
	var hold []subscriber.News
	var events []eventlog.Event
	for i, n := range news {
		if holds[i] {
			hold = append(hold, n)
			events = append(events, event(n))
		}
	}
	if len(events) == 0 {
		return 0, nil
	}
	if _, err := s.log.Append(ctx, ch, events); err != nil {
		return 0, err
	}
	if err := each(len(hold), func(i int) error { return s.outbox.Said(ctx, hold[i]) }); err != nil {
		return 0, err // what is not forgotten comes again, and is there already
	}
	return len(hold), nil
}

// each calls do with 0 to n-1, some at once, since each call is a round trip,
// and returns the errors when all have returned.
func each(n int, do func(i int) error) error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for worker := range min(n, atOnce) {
		wg.Go(func() {
			for i := worker; i < n; i += atOnce {
				errs[i] = do(i)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// data is what a reader gets.
type data struct {
	User string    `json:"user"`
	At   time.Time `json:"at"`
}

func event(n subscriber.News) eventlog.Event {
	body, _ := json.Marshal(data{n.User, n.At.UTC()}) // a string and a time of this age: cannot fail
	return eventlog.Event{ID: n.ID, Type: schema.ControlPrefix + n.Kind, Data: body}
}

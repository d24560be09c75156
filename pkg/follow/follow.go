// Package follow reads a Runnel stream over HTTP and stays with it: it resumes
// where it was cut off, waits as long as the server asks, notices a silent
// connection, and hands each event on once. It is what "runnel tail", the
// end-to-end tests and the bench read with.
//
// It is no general client for server-sent events, since it knows the connected
// message and the control events of docs/protocol.md, and it does not know what
// a stream's own events hold.
package follow

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"

	"github.com/runnel-sse/runnel/pkg/sse"
)

const (
	liveAfter = 10 * time.Second      // a connection of that age was a good one
	leastWait = 50 * time.Millisecond // before any attempt but the first
	mostWait  = time.Hour             // no number of a server silences a client for longer
	patience  = 2.5                   // heartbeats that may be missed
)

// errSilent ends a connection on which nothing comes any more.
var errSilent = errors.New("follow: nothing heard for 2.5 heartbeats")

// Options say what to follow and how. Only URL is needed.
type Options struct {
	// URL is of the whole stream: ".../sse/CommentStream/item:42", or
	// ".../sse?channel=...&channel=..." for several channels.
	URL    string
	Header http.Header  // sent with every request, such as Authorization
	Client *http.Client // nil: http.DefaultClient. Its Timeout must be 0: a stream has no end

	LastEventID string // where an earlier Follow stopped: the ID of its last event
	Since       string // where to begin without one: "earliest", "-10", or "" for now

	// Before an attempt that follows a failed one, Follow waits for MinWait, or
	// longer where the server says so, and a random time on top: at most MinWait
	// at first, doubling with every failure up to MaxWait less MinWait. They are
	// 500 ms and 30 s by default.
	MinWait, MaxWait time.Duration
	// Heartbeat is how often something is to be heard until the server says it;
	// 15 s by default.
	Heartbeat time.Duration
	MaxEvent  int // bytes; sse.DefaultMaxEvent by default

	OnStatus func(Status)     // called between events; nil: nobody asks
	Now      func() time.Time // nil: time.Now
	Rand     func() float64   // in [0,1); nil: math/rand/v2
}

// State is what a Follow is at.
type State int

// The states come in this order, again and again.
const (
	Connecting State = iota // a request is on its way
	Live                    // the server has said "connected"
	Waiting                 // for the next attempt
)

func (s State) String() string {
	return [...]string{"connecting", "live", "waiting"}[s]
}

// Status is a state and, for Waiting, how long and why.
type Status struct {
	State State
	Wait  time.Duration
	Err   error // nil: the server asked to come back
}

// StatusError is an answer that says not to come back.
type StatusError struct {
	Status int // of HTTP
	// Title and Detail are of the problem body (RFC 9457), if there was one.
	Title, Detail string
}

func (e *StatusError) Error() string {
	s := fmt.Sprintf("follow: the server answers %d %s", e.Status, http.StatusText(e.Status))
	if e.Title != "" && e.Title != http.StatusText(e.Status) {
		s += ": " + e.Title
	}
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	return s
}

// Follow calls on with each event of the stream, in order, control events too,
// until ctx is done (it returns ctx's error), on fails (its error) or the server
// says that coming back is of no use (a *StatusError, or another error of what
// it sent). It calls on and OnStatus from the calling goroutine.
func Follow(ctx context.Context, o Options, on func(Event) error) error {
	u, err := url.Parse(o.URL)
	if err != nil {
		return fmt.Errorf("follow: %w", err)
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return fmt.Errorf("follow: want the http or https URL of a stream, not %q", o.URL)
	}
	f := &follower{Options: o.withDefaults(), url: u, on: on, lastID: o.LastEventID}
	f.several = u.Query().Has("channel")
	for {
		f.OnStatus(Status{State: Connecting})
		end := f.connect(ctx)
		if end.final {
			return end.err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		wait := f.wait(end)
		f.OnStatus(Status{State: Waiting, Wait: wait, Err: end.err})
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}

func (o Options) withDefaults() Options {
	if o.Client == nil {
		o.Client = http.DefaultClient
	}
	if o.MinWait <= 0 {
		o.MinWait = 500 * time.Millisecond
	}
	if o.MaxWait <= 0 {
		o.MaxWait = 30 * time.Second
	}
	if o.Heartbeat <= 0 {
		o.Heartbeat = 15 * time.Second
	}
	if o.MaxEvent <= 0 {
		o.MaxEvent = sse.DefaultMaxEvent
	}
	if o.OnStatus == nil {
		o.OnStatus = func(Status) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.Float64
	}
	return o
}

type follower struct {
	Options
	url     *url.URL
	several bool   // the form of the URL whose events are in envelopes
	channel string // the one of the other form, once the server has said it
	on      func(Event) error

	lastID   string
	handled  recent        // ids of events that on has had
	retry    time.Duration // the server's last word on it
	failures int           // attempts in a row that came to nothing
}

// ending is why a connection is over.
type ending struct {
	err     error
	final   bool          // there is no use in another one
	planned bool          // after sse.rotate: no failure at all
	notYet  time.Duration // Retry-After
}

// connect makes one request and reads its stream to the end.
func (f *follower) connect(ctx context.Context) ending {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := newWatchdog(f.Heartbeat, func() { cancel(errSilent) })
	defer watch.stop()

	req, err := f.request(ctx)
	if err != nil {
		return ending{err: fmt.Errorf("follow: %w", err), final: true}
	}
	watch.start()
	resp, err := f.Client.Do(req)
	watch.stop()
	if err != nil {
		return ending{err: fmt.Errorf("follow: %w", because(ctx, err))}
	}
	defer resp.Body.Close()
	watch.src = resp.Body
	if end, ok := f.admitted(resp, watch); !ok {
		return end
	}
	return f.read(ctx, watch)
}

// because returns the reason why ctx was ended here, or else err.
func because(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

func (f *follower) request(ctx context.Context) (*http.Request, error) {
	u, query := *f.url, f.url.Query()
	if f.lastID != "" {
		// What the URL says of the beginning was for the first time.
		for _, name := range []string{"since", "last_event_id", "lastEventId", "lastEventID"} {
			query.Del(name)
		}
		u.RawQuery = query.Encode()
	} else if f.Since != "" {
		query.Set("since", f.Since)
		u.RawQuery = query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	if f.Header != nil {
		req.Header = f.Header.Clone()
	}
	req.Header.Set("Accept", sse.ContentType)
	req.Header.Set("Accept-Encoding", "identity") // a compressor holds events back
	if f.lastID != "" {
		req.Header.Set("Last-Event-ID", f.lastID)
	}
	return req, nil
}

// read hands on the events of a stream that has begun.
func (f *follower) read(ctx context.Context, watch *watchdog) ending {
	r := sse.NewReader(watch, sse.LastEventID(f.lastID), sse.MaxEvent(f.MaxEvent))
	var live time.Time
	end := ending{}
	for {
		e, err := r.Next()
		if retry, ok := r.Retry(); ok {
			f.retry = retry
		}
		if err != nil {
			f.lastID = r.LastEventID()
			if !live.IsZero() && f.Now().Sub(live) >= liveAfter {
				f.failures = 0
			}
			end.final = errors.Is(err, sse.ErrTooLarge) // it would come again, and so for ever
			// A planned end is one that is clean and was said before.
			if end.planned = end.planned && errors.Is(err, io.EOF); !end.planned {
				end.err = fmt.Errorf("follow: the stream ended: %w", because(ctx, err))
			}
			return end
		}
		event, err := f.open(e)
		if err != nil {
			return ending{err: err, final: true}
		}
		if c, ok := event.Connected(); ok {
			if c.Heartbeat > 0 {
				watch.silence = time.Duration(patience * float64(c.Heartbeat))
			}
			live = f.Now()
			f.OnStatus(Status{State: Live})
		}
		end.planned = end.planned || event.Type == "sse.rotate"
		if !event.Control && e.HasID && e.ID != "" && !f.handled.add(e.ID) {
			continue
		}
		if err := f.on(event); err != nil {
			return ending{err: err, final: true}
		}
	}
}

// wait is how long to stay away after that.
func (f *follower) wait(end ending) time.Duration {
	least := min(max(f.retry, end.notYet, leastWait), mostWait)
	if end.planned {
		f.failures = 0
		return least
	}
	f.failures++
	spread := f.MinWait<<min(f.failures, 20) - f.MinWait
	if most := f.MaxWait - f.MinWait; spread > most || spread < 0 {
		spread = max(0, most)
	}
	// The jitter is on top of the least: what a crash has cut off all at once,
	// or one Retry-After has sent away, must not come back all at once.
	return max(least, f.MinWait) + time.Duration(f.Rand()*float64(spread))
}

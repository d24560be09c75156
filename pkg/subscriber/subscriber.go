// Package subscriber is the vocabulary and the ports of the registry: who is
// connected to which channel, and until when a process's subscribers count as
// alive. Package subscribertest beside it says the same in tests.
//
// It decides no limits and sends no presence events; it counts, so that others can.
package subscriber

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/runnel-sse/runnel/pkg/channel"
)

var (
	// ErrFull is in a *FullError.
	ErrFull = errors.New("channel is full")
	// ErrLapsed: the process's lease has run out, or was never taken, so its
	// subscribers may be gone. A process that is alive after all comes back
	// under a new name and joins its connections again.
	ErrLapsed = errors.New("lease lapsed")
	// ErrUnavailable: the storage throttles, fails or does not answer.
	ErrUnavailable = errors.New("registry unavailable")
)

// FullError names the channel that had no place. It is an ErrFull.
type FullError struct {
	Channel channel.Name
	Limit   int
}

func (e *FullError) Error() string {
	return fmt.Sprintf("%v: %s has its limit of %d subscribers", ErrFull, e.Channel, e.Limit)
}

func (e *FullError) Unwrap() error { return ErrFull }

// Connection is one open connection and the channels that it reads: it has one
// subscriber on each.
type Connection struct {
	ID       string // unique for ever; printable ASCII, at most 64 bytes
	Process  string // whose lease it lives by; printable ASCII, at most 64 bytes
	User     string // who reads; empty: nobody known
	Channels []channel.Name
	Joined   time.Time // UTC, to the millisecond
}

// Subscriber is one connection on one channel.
type Subscriber struct {
	Connection string
	Process    string
	User       string
	Joined     time.Time
}

// Registry is the writing side. Its methods may be called from many goroutines
// and from many processes on one storage, and each is atomic: a channel's count
// equals its subscribers at every moment, whoever crashed where.
type Registry interface {
	// Renew keeps the process's subscribers alive until then. The first call
	// of a name takes its lease. It fails with ErrLapsed when the name's lease
	// has run out: such a name is never alive again.
	Renew(ctx context.Context, process string, until time.Time) error

	// Join adds the connection to all of its channels or to none. With a limit
	// above 0 no channel gets more subscribers than that; a channel that is
	// full is first rid of the subscribers whose lease has run out. To join
	// again is harmless: under another Process the connection moves to that lease.
	//
	// It fails with a *FullError, ErrUnavailable, the error of ctx, or one of the storage.
	Join(ctx context.Context, c Connection, limit int) error

	// Leave removes the connection from its channels, where it still is there.
	// To leave again is harmless.
	Leave(ctx context.Context, c Connection) error
}

// Directory is the reading side.
type Directory interface {
	// Count returns how many subscribers the channel has, without reading them.
	Count(ctx context.Context, ch channel.Name) (int, error)
	// List returns subscribers of the channel in the order of their connection
	// ids, at most limit, those after the given connection id ("" for the first page).
	List(ctx context.Context, ch channel.Name, after string, limit int) ([]Subscriber, error)
}

// Reaper forgets the dead.
type Reaper interface {
	// Reap removes the subscribers of every process whose lease has run out,
	// and then the lease, and returns how many subscribers it removed. Two
	// reapers at once, or one that crashes midway, do no harm.
	Reap(ctx context.Context) (int, error)
}

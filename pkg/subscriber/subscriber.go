// Package subscriber is the vocabulary and the ports of the registry: who is
// connected to which channel, under which limits, and until when a process's
// subscribers count as alive. Package subscribertest beside it says the same in tests.
//
// It keeps what there is to say about who came and went; it says nothing itself.
package subscriber

import (
	"context"
	"time"

	"github.com/runnel-sse/runnel/pkg/channel"
)

// Seat is a connection's place on one channel.
type Seat struct {
	Channel channel.Name
	Limit   int // subscribers that the channel may have, this one included; 0: no limit
	// Presence: who is there is kept by user. A connection without a user is
	// counted and never named.
	Presence bool
	// Grace is how long a user whose last connection has left is still there.
	Grace time.Duration
}

// Connection is one open connection and the channels that it reads: it has one
// subscriber on each.
type Connection struct {
	ID      string // unique for ever; printable ASCII, at most 128 bytes
	Process string // whose lease it lives by; printable ASCII, at most 128 bytes
	User    string // who reads, at most 256 bytes without controls; empty: nobody known, no limit by user
	Address string // whence, as AddressOf gives it; empty: not known, no limit by address
	Seats   []Seat // at least one; a channel counts once, the first time that it is named
	Joined  time.Time
}

// Subscriber is one connection on one channel.
type Subscriber struct {
	Connection string
	Process    string
	User       string
	Joined     time.Time // UTC, to the millisecond
}

// User is one who is present on a channel, with one connection or with several.
type User struct {
	Name  string
	Since time.Time // when the first connection of this visit came; UTC, to the millisecond
}

// Limits are those of a join that are no channel's. 0: no limit.
type Limits struct {
	User    int // open connections of the user, this one included
	Address int // open connections of the address, this one included
	Rate    int // new connections of the address within one second of the clock
}

// Target is who is kept out: a user, on every channel, or everybody, on one
// channel. Exactly one of the two is set.
type Target struct {
	User    string
	Channel channel.Name
}

// Registry is the writing side. Its methods may be called from many goroutines
// and from many processes on one storage, and each is atomic: every counter
// equals what it counts at every moment, whoever crashed where.
type Registry interface {
	// Renew keeps the process's subscribers alive until then. The first call
	// of a name takes its lease. It fails with ErrLapsed when the name's lease
	// has run out: such a name is never alive again.
	Renew(ctx context.Context, process string, until time.Time) error

	// Join adds the connection to all of its channels or to none, within all of
	// the limits, which are exact. Where one is reached, the places of those
	// whose lease has run out are freed first. To join again is harmless, needs
	// no second place and is no second connect of its address. It is done with
	// at least one channel that the connection has, and with the same user and
	// address: under another Process the connection moves to that lease, and
	// further channels are added.
	//
	// It returns what there is to say of users that arrived, in its order, which
	// is in the outbox too.
	//
	// It fails with a *LimitError, a *BlockedError, ErrLapsed, ErrInvalid,
	// ErrUnavailable, the error of ctx, or one of the storage.
	Join(ctx context.Context, c Connection, l Limits) ([]News, error)

	// Leave removes the connection from these channels, where it still is there;
	// from the last one, it has left. To leave again is harmless.
	//
	// It returns what there is to say once the grace is over, which is in the outbox too.
	Leave(ctx context.Context, c Connection) ([]News, error)
}

// Blocker keeps users, or everybody, out.
type Blocker interface {
	// Block makes every Join of a new connection of the user, or to the channel
	// by who is not there, fail with a *BlockedError until then; zero lifts it.
	// Those who are in stay: whoever blocks cuts them off after it.
	Block(ctx context.Context, t Target, until time.Time) error
}

// Once tells a first use from a second one.
type Once interface {
	// First reports whether it is the first call with this id, of at most 256
	// bytes; it is remembered until then. A call that failed may have counted.
	First(ctx context.Context, id string, until time.Time) (bool, error)
}

// Directory is the reading side. It reads what is written at that moment.
type Directory interface {
	// Count returns how many subscribers the channel has, without reading them.
	Count(ctx context.Context, ch channel.Name) (int, error)
	// CountUsers returns how many users are present, without reading them.
	CountUsers(ctx context.Context, ch channel.Name) (int, error)
	// List returns subscribers of the channel in the order of their connection
	// ids, at most limit, those after the given connection id ("" for the first page).
	List(ctx context.Context, ch channel.Name, after string, limit int) ([]Subscriber, error)
	// Users returns who is present on the channel, in the order of their names,
	// at most limit, those after the given name ("" for the first page).
	Users(ctx context.Context, ch channel.Name, after string, limit int) ([]User, error)
	// ConnectionsOf returns the user's connections in the order of their ids, at
	// most limit, those after the given id ("" for the first page).
	ConnectionsOf(ctx context.Context, user, after string, limit int) ([]Subscriber, error)
}

// Reaper forgets the dead.
type Reaper interface {
	// Reap removes the subscribers of every process whose lease has run out,
	// and then the lease, and returns how many subscribers it removed. Their
	// users have left without a further grace, unless they are there by another
	// connection. Two reapers at once, or one that crashes midway, do no harm.
	Reap(ctx context.Context) (int, error)
}

// Storage is what an adapter provides: all of the ports, Outbox among them.
type Storage interface {
	Registry
	Blocker
	Once
	Directory
	Reaper
	Outbox
	Budget
}

// Budget adds up what the streams' readers spend.
type Budget interface {
	// Spend adds connection-seconds to the stream's month, and returns its sum
	// so far. A call that failed may have counted.
	Spend(ctx context.Context, stream, month string, seconds int64) (total int64, err error)
	// Spent returns the sum.
	Spent(ctx context.Context, stream, month string) (int64, error)
}

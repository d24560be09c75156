package subscriber

import (
	"errors"
	"fmt"
	"time"

	"github.com/runnel-sse/runnel/pkg/channel"
)

var (
	// ErrFull is in a *LimitError.
	ErrFull = errors.New("limit reached")
	// ErrBlocked is in a *BlockedError.
	ErrBlocked = errors.New("kept out")
	// ErrLapsed: the process's lease has run out, or was never taken, so its
	// subscribers may be gone. A process that is alive after all comes back
	// under a new name and joins its connections again.
	ErrLapsed = errors.New("lease lapsed")
	// ErrUnavailable: the storage throttles, fails or does not answer.
	ErrUnavailable = errors.New("registry unavailable")
	// ErrInvalid: what was handed in cannot be kept.
	ErrInvalid = errors.New("invalid")
)

// What a *LimitError is about.
const (
	OfChannel = "channel"
	OfUser    = "user"
	OfAddress = "address"
	OfRate    = "rate"
)

// LimitError names the limit that left no place. It is an ErrFull. Who the user
// is and what the address, it does not say: it is shown to them.
type LimitError struct {
	What    string       // OfChannel, OfUser, OfAddress or OfRate
	Channel channel.Name // of OfChannel alone
	Limit   int
}

func (e *LimitError) Error() string {
	switch e.What {
	case OfChannel:
		return fmt.Sprintf("%v: %s has its %d subscribers", ErrFull, e.Channel, e.Limit)
	case OfRate:
		return fmt.Sprintf("%v: %d new connections a second from one address", ErrFull, e.Limit)
	}
	return fmt.Sprintf("%v: %d connections of one %s", ErrFull, e.Limit, e.What)
}

func (e *LimitError) Unwrap() error { return ErrFull }

// BlockedError says until when the target is kept out. It is an ErrBlocked.
type BlockedError struct {
	Target Target
	Until  time.Time // UTC, to the millisecond
}

func (e *BlockedError) Error() string {
	what := "this user"
	if e.Target.User == "" {
		what = e.Target.Channel.String()
	}
	return fmt.Sprintf("%v: %s until %s", ErrBlocked, what, e.Until.Format(time.RFC3339))
}

func (e *BlockedError) Unwrap() error { return ErrBlocked }

package subscriber

import (
	"context"
	"time"

	"github.com/runnel-sse/runnel/pkg/channel"
)

// Kinds of news.
const (
	Joined = "joined"
	Left   = "left"
)

// News is that a user has come to a channel, or gone: one thing to say there.
type News struct {
	Channel channel.Name
	User    string
	Kind    string    // Joined or Left
	At      time.Time // when it happened; UTC, to the millisecond
	Due     time.Time // when it is to be said: a grace later; UTC, to the millisecond
	ID      string    // of the event that says it: said twice, it is there once
}

// Outbox holds the news that are not said yet, so that no crash loses any. Any
// number may say them at once: each for its part calls Confirm, appends the
// event under the news' id where they hold, and then calls Said.
type Outbox interface {
	// Due returns news whose time has come, at most limit, the earliest first.
	// A user's news on a channel are in their order.
	Due(ctx context.Context, now time.Time, limit int) ([]News, error)

	// Confirm reports whether the news hold: not if they have been said, nor if
	// the user came back within the grace. It is final for Left: after true the
	// user is no longer present, and one who comes back is a new arrival, whose
	// Join returns these news before those of the arrival. To confirm again
	// gives the same until they are said.
	Confirm(ctx context.Context, n News) (holds bool, err error)

	// Said forgets the news: the event is in the log. To say so again is harmless.
	Said(ctx context.Context, n News) error
}

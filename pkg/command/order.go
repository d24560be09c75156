package command

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/runnel-sse/runnel/pkg/channel"
)

// MaxReason is how long an order's reason may be, in bytes.
const MaxReason = 200

// Order is what an operator commands of readers, wherever they are: to go, and
// to stay out until a given time. Exactly one of User, Channel and Connection is set.
type Order struct {
	ID         string       // orders of the same id are one; empty: it stands alone
	User       string       // every connection of the user
	Channel    channel.Name // every connection on the channel
	Connection string       // this one
	Until      time.Time    // kept out until then; zero: they may come back at once
	Reason     string       // for the readers
	Lift       bool         // the opposite: whoever was kept out may come back
}

// Check reports, as an ErrInvalid, what cannot be obeyed.
func (o Order) Check() error {
	var whom []string
	for what, set := range map[string]bool{"user": o.User != "", "channel": !o.Channel.IsZero(), "connection": o.Connection != ""} {
		if set {
			whom = append(whom, what)
		}
	}
	_, known := ProcessOf(o.Connection)
	switch {
	case len(whom) != 1:
		return fmt.Errorf("%w: name one user, channel or connection", ErrInvalid)
	case o.Connection != "" && !known:
		return fmt.Errorf("%w: connection %.80q: want an id that a stream's first event gave", ErrInvalid, o.Connection)
	case o.Connection != "" && (o.Lift || !o.Until.IsZero()):
		return fmt.Errorf("%w: a connection that comes back has a new id, so it cannot be kept out: name its user", ErrInvalid)
	case o.Lift && (!o.Until.IsZero() || o.Reason != ""):
		return fmt.Errorf("%w: what is lifted has neither a time nor a reason", ErrInvalid)
	case !text(o.User, 256):
		return fmt.Errorf("%w: the user: want at most 256 bytes of UTF-8 without control characters", ErrInvalid)
	case !text(o.Reason, MaxReason):
		return fmt.Errorf("%w: the reason: want at most %d bytes of UTF-8 without control characters", ErrInvalid, MaxReason)
	}
	return nil
}

func text(s string, most int) bool {
	return len(s) <= most && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

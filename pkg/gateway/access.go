package gateway

import (
	"fmt"
	"net/http"
	"time"

	"github.com/runnel-sse/runnel/pkg/auth"
	"github.com/runnel-sse/runnel/pkg/schema"
	"github.com/runnel-sse/runnel/pkg/subscriber"
)

// authorize finds out whom the request is from, once, and whether that one may
// read each of the channels.
func (g *Gateway) authorize(r *http.Request, q *request) (err error) {
	if err := g.cors.Refusal(r); err != nil {
		return err
	}
	if q.who, err = g.cfg.Guard.Authenticate(r); err != nil {
		return fmt.Errorf("gateway: %w", err)
	}
	if e := q.who.Expires; !e.IsZero() && !e.After(time.Now()) {
		return fmt.Errorf("gateway: %w", &auth.Refusal{Code: auth.CodeInvalidToken, Text: "the token has expired", Why: "expired"})
	}
	for i, ch := range q.channels {
		if err := q.who.Allows(q.streams[i], ch); err != nil {
			return fmt.Errorf("gateway: %w", err)
		}
	}
	return nil
}

// limits are the tightest of the gateway's and of the streams that are read.
func (g *Gateway) limits(streams []*schema.Stream) subscriber.Limits {
	l := subscriber.Limits{User: max(g.cfg.UserLimit, 0), Address: max(g.cfg.AddressLimit, 0), Rate: max(g.cfg.ConnectRate, 0)}
	for _, s := range streams {
		l.User, l.Address = tighter(l.User, s.UserLimit), tighter(l.Address, s.AddressLimit)
	}
	return l
}

// tighter is the smaller limit, where 0 is none.
func tighter(a, b int) int {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

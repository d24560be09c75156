package control

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/problem"
	"github.com/runnel-sse/runnel/pkg/subscriber"
)

const (
	pageUsers = 100 // of GET /presence, unless it asks for another number
	maxUsers  = 1000
)

// presence is the answer of GET /presence/{channel}. Of a stream that does not
// declare presence it has the subscribers alone: its users are not kept.
type presence struct {
	Channel     string  `json:"channel"`
	Subscribers int     `json:"subscribers"`       // connections
	Users       *int    `json:"users,omitempty"`   // who are known by name, each once
	Present     []user  `json:"present,omitempty"` // a page of them, in the order of their names
	Next        *string `json:"next,omitempty"`    // the after of the next page
	// AsOf is when this was read; StaleMS is how long before that somebody may
	// have gone away, unseen, who still counts.
	AsOf    time.Time `json:"as_of"`
	StaleMS int64     `json:"stale_ms"`
}

type user struct {
	User  string    `json:"user"`
	Since time.Time `json:"since"`
}

// presence says who reads a channel, to whoever may read it.
func (c *Control) presence(r *http.Request) (answer, error) {
	name := strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/presence"), "/")
	ch, err := channel.Parse(name)
	if err != nil {
		return answer{}, fmt.Errorf("control: %w", err)
	}
	after, limit, err := page(r.URL.RawQuery)
	if err != nil {
		return answer{}, err
	}
	p, err := c.who(r)
	if err != nil {
		return answer{}, err
	}
	s, err := c.allowed(p, ch)
	if err != nil {
		return answer{}, err
	}
	ctx, dir := r.Context(), c.cfg.Directory
	is := presence{Channel: ch.String(), AsOf: c.cfg.Now().UTC().Truncate(time.Millisecond), StaleMS: c.cfg.Staleness.Milliseconds()}
	if is.Subscribers, err = dir.Count(ctx, ch); err != nil {
		return answer{}, fmt.Errorf("control: %w", err)
	}
	if !s.Presence {
		return answer{http.StatusOK, is}, nil
	}
	count, err := dir.CountUsers(ctx, ch)
	if err != nil {
		return answer{}, fmt.Errorf("control: %w", err)
	}
	users, err := dir.Users(ctx, ch, after, limit)
	if err != nil {
		return answer{}, fmt.Errorf("control: %w", err)
	}
	is.Users = &count
	for _, u := range users {
		is.Present = append(is.Present, user{u.Name, u.Since.UTC()})
	}
	if len(users) == limit {
		is.Next = &users[limit-1].Name
	}
	return answer{http.StatusOK, is}, nil
}

// page reads which users are wanted.
func page(rawQuery string) (after string, limit int, err error) {
	query, err := url.ParseQuery(rawQuery)
	if err != nil {
		return "", 0, problem.Problem{Status: http.StatusBadRequest, Code: "malformed-query", Detail: "the query is not percent-encoded as it should be"}
	}
	after, limit = query.Get("after"), pageUsers
	if err := subscriber.CheckUser(after); err != nil {
		return "", 0, problem.Problem{Status: http.StatusBadRequest, Code: "malformed-query", Detail: "after: want the next of the page before"}
	}
	if text := query.Get("limit"); text != "" {
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > maxUsers {
			return "", 0, problem.Problem{Status: http.StatusBadRequest, Code: "malformed-query", Detail: fmt.Sprintf("limit: want 1 to %d", maxUsers)}
		}
	}
	return after, limit, nil
}

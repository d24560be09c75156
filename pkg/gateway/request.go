package gateway

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/runnel-sse/runnel/pkg/auth"
	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/cursor"
	"github.com/runnel-sse/runnel/pkg/problem"
	"github.com/runnel-sse/runnel/pkg/schema"
)

// request is what a client asks for.
type request struct {
	channels []channel.Name   // no two alike
	streams  []*schema.Stream // of the channels, one each
	who      auth.Principal   // known once it is authorized
	envelope bool             // several channels: each event says which it is of
	resume   bool             // it says where it stands
	cursor   cursor.Cursor    // the zero Cursor when what it said is not ours
	since    since
}

// since is where a reader begins that says no cursor: now, unless.
type since struct {
	earliest bool
	last     uint64 // this many events back
}

const (
	maxCursor = 1024 // bytes of a Last-Event-ID that is looked at
	maxLast   = 1000 // events back
)

func (g *Gateway) parse(r *http.Request) (request, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return request{}, problem.Problem{Status: http.StatusBadRequest, Code: "malformed-query", Detail: "the query is not percent-encoded as it should be"}
	}
	var q request
	if q.channels, q.envelope, err = g.channels(r.URL.Path, query); err != nil {
		return request{}, err
	}
	for _, ch := range q.channels {
		stream, err := g.stream(ch)
		if err != nil {
			return request{}, err
		}
		q.streams = append(q.streams, stream)
	}
	if q.since, err = parseSince(query.Get("since")); err != nil {
		return request{}, err
	}
	id := lastEventID(r, query)
	if id == "" {
		return q, nil
	}
	if err := checkCursor(id); err != nil {
		return request{}, err
	}
	q.resume = true
	// What is well formed but not ours, or damaged, is a fresh start that the
	// stream tells of: a refusal would close a native EventSource for good.
	q.cursor, _ = cursor.Parse(id)
	return q, nil
}

// channels returns what the URL names: /sse/{StreamType}/{key} one channel, the
// query of /sse several.
func (g *Gateway) channels(path string, query url.Values) (chs []channel.Name, envelope bool, err error) {
	var names []string
	if path == "/sse" || path == "/sse/" {
		envelope, names = true, query["channel"]
	} else {
		rest, ours := strings.CutPrefix(path, "/sse/")
		stream, key, ok := strings.Cut(rest, "/")
		if !ours || !ok || strings.Contains(key, "/") {
			return nil, false, problem.Problem{Status: http.StatusNotFound, Code: "not-found", Detail: "want /sse/{StreamType}/{key}, such as /sse/CommentStream/item:42"}
		}
		names = []string{stream + ":" + key}
	}
	if len(names) == 0 {
		return nil, false, problem.Problem{Status: http.StatusBadRequest, Code: "no-channel", Detail: "name at least one channel: /sse?channel=CommentStream:item:42"}
	}
	for _, name := range names {
		ch, err := channel.Parse(name)
		if err != nil {
			return nil, false, err
		}
		if !slices.Contains(chs, ch) {
			chs = append(chs, ch)
		}
		if len(chs) > g.cfg.MaxChannels {
			return nil, false, g.tooMany()
		}
	}
	return chs, envelope, nil
}

func (g *Gateway) tooMany() error {
	return problem.Problem{
		Status: http.StatusBadRequest, Code: "too-many-channels",
		Detail: fmt.Sprintf("a connection reads at most %d channels; open another one for the rest", g.cfg.MaxChannels),
	}
}

func (g *Gateway) stream(ch channel.Name) (*schema.Stream, error) {
	s, ok := g.cfg.Catalog.Stream(ch.Stream())
	if !ok {
		return nil, problem.Problem{Status: http.StatusNotFound, Code: "unknown-stream", Detail: "there is no stream " + ch.Stream()}
	}
	if len(g.cfg.Streams) > 0 && !slices.Contains(g.cfg.Streams, s.Name) {
		elsewhere := schema.DefaultFunction
		if s.Function != nil {
			elsewhere = s.Function.Name
		}
		return nil, problem.Problem{
			Status: http.StatusNotFound, Code: "served-elsewhere",
			Detail: fmt.Sprintf("%s is served by the function %s, at another address; here are %s", s.Name, elsewhere, strings.Join(g.cfg.Streams, ", ")),
		}
	}
	if _, ok := s.Template.Match(ch.Key()); !ok {
		return nil, problem.Problem{
			Status: http.StatusBadRequest, Code: "malformed-channel",
			Detail: fmt.Sprintf("the keys of %s have the form %s", s.Name, s.Template),
		}
	}
	return s, nil
}

// lastEventID is where the client stands: what a reconnecting EventSource sends
// as a header is newer than what stands in its URL. Polyfills and other servers'
// clients spell the parameter in three ways.
func lastEventID(r *http.Request, query url.Values) string {
	if id := r.Header.Get("Last-Event-ID"); id != "" {
		return id
	}
	for _, name := range []string{"last_event_id", "lastEventId", "lastEventID"} {
		if id := query.Get(name); id != "" {
			return id
		}
	}
	return ""
}

func checkCursor(id string) error {
	wrong := func(what string) error {
		return problem.Problem{Status: http.StatusBadRequest, Code: "malformed-cursor", Detail: "the last event id " + what + "; send back an id of this server as it came, or none"}
	}
	if len(id) > maxCursor {
		return wrong(fmt.Sprintf("has %d bytes, at most %d are allowed", len(id), maxCursor))
	}
	if i := strings.IndexFunc(id, func(r rune) bool { return r <= ' ' || r >= 0x7f }); i >= 0 {
		return wrong(fmt.Sprintf("holds something other than printable ASCII without spaces, at byte %d", i))
	}
	return nil
}

func parseSince(s string) (since, error) {
	switch s {
	case "", "now":
		return since{}, nil
	case "earliest":
		return since{earliest: true}, nil
	}
	if digits, ok := strings.CutPrefix(s, "-"); ok {
		if n, err := strconv.ParseUint(digits, 10, 32); err == nil && 1 <= n && n <= maxLast {
			return since{last: n}, nil
		}
	}
	return since{}, problem.Problem{
		Status: http.StatusBadRequest, Code: "malformed-since",
		Detail: fmt.Sprintf("since is now, earliest, or -1 to -%d for that many events back", maxLast),
	}
}

package schema

import (
	"strconv"
	"strings"
	"time"

	"github.com/runnel-sse/runnel/pkg/channel"
)

// Directive is a comment that says something of the whole stream, the same in
// every language:
//
//	//sse:channel item:{item_id}
//	//sse:policy public
//	//sse:retention 24h
//	//sse:limit 100
type Directive struct {
	Pos
	Name     string // "channel"
	Argument string // "item:{item_id}"
}

const directivesThere = "there are //sse:channel, //sse:policy, //sse:retention and //sse:limit"

// ParseDirective reads a comment line. It reports false when the line is an
// ordinary comment, and notes what looks like a directive and is none.
func ParseDirective(at Pos, line string, ps *Problems) (Directive, bool) {
	text, ok := strings.CutPrefix(line, "//")
	if !ok {
		return Directive{}, false
	}
	rest, ok := strings.CutPrefix(text, "sse:")
	if !ok {
		// "// sse:channel …" would be a comment that says nothing, silently.
		if rest, ok = strings.CutPrefix(strings.TrimLeft(text, " \t/!"), "sse:"); ok && known(rest) {
			ps.Add(at, "write //sse:"+strings.TrimSpace(rest), "a directive has nothing between // and sse")
		}
		return Directive{}, false
	}
	name, argument, _ := strings.Cut(strings.TrimSpace(rest), " ")
	if !known(rest) {
		ps.Add(at, directivesThere, "unknown directive //sse:%s", clip(name))
		return Directive{}, false
	}
	return Directive{Pos: at, Name: name, Argument: strings.TrimSpace(argument)}, true
}

func known(rest string) bool {
	name, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	switch name {
	case "channel", "policy", "retention", "limit":
		return true
	}
	return false
}

// apply gives the stream what the directive says.
func (d Directive) apply(s *Stream, ps *Problems) {
	found := strconv.Quote(clip(d.Argument))
	switch d.Name {
	case "channel":
		t, err := channel.ParseTemplate(d.Argument)
		if err != nil {
			ps.Add(d.Pos, "write fixed parts and fields with : between, such as //sse:channel item:{item_id}", "%v", err)
			return
		}
		s.Template = t
	case "policy":
		switch p := Policy(d.Argument); p {
		case PolicyPublic, PolicyAuthenticated, PolicyOwner, PolicyClaim:
			s.Policy = p
		default:
			ps.Add(d.Pos, "write public, authenticated, owner or claim", "unknown policy %s", found)
		}
	case "retention":
		keep, err := time.ParseDuration(d.Argument)
		if err != nil || keep < minRetention || keep > maxRetention {
			ps.Add(d.Pos, "write hours or minutes from 1m to 8760h, such as //sse:retention 24h", "retention %s", found)
			return
		}
		s.Retention = keep
	case "limit":
		n, err := strconv.Atoi(d.Argument)
		if err != nil || n < 1 || n > maxLimit {
			ps.Add(d.Pos, "write how many subscribers a channel may have, 1 to 1000000, such as //sse:limit 100", "limit %s", found)
			return
		}
		s.Limit = n
	}
}

// Bounds of the directives' values, as their errors say them.
const (
	minRetention = time.Minute
	maxRetention = 8760 * time.Hour // a year
	maxLimit     = 1_000_000
)

func clip(s string) string { return excerpt([]byte(strings.ToValidUTF8(s, "\uFFFD"))) }

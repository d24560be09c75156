package schema

import (
	"strconv"
	"strings"

	"github.com/runnel-sse/runnel/pkg/channel"
)

// Directive is a comment that says something of the whole stream, the same in
// every language:
//
//	//sse:channel item:{item_id}
//	//sse:policy owner item_id
//	//sse:retention 24h
//	//sse:limit 100
//	//sse:limit user 5
//	//sse:presence grace 10s
//	//sse:economy open 25s closed 60s
//	//sse:budget 500h
//	//sse:function prices memory 512 concurrency 50 lease 60s
type Directive struct {
	Pos
	Name     string // "channel"
	Argument string // "item:{item_id}"
}

const directivesThere = "there are //sse:channel, //sse:policy, //sse:retention, //sse:limit, //sse:presence, //sse:economy, //sse:budget and //sse:function"

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
	case "channel", "policy", "retention", "limit", "presence", "economy", "budget", "function":
		return true
	}
	return false
}

// key is what a definition may say once: each kind of limit is one of its own.
func (d Directive) key() string {
	if kind, _, _ := strings.Cut(d.Argument, " "); d.Name == "limit" && (kind == "user" || kind == "address") {
		return "limit " + kind
	}
	return d.Name
}

// apply gives the stream what the directive says by itself.
func (d Directive) apply(s *Stream, ps *Problems) {
	switch d.Name {
	case "channel":
		t, err := channel.ParseTemplate(d.Argument)
		if err != nil {
			ps.Add(d.Pos, "write fixed parts and fields with : between, such as //sse:channel item:{item_id}", "%v", err)
			return
		}
		s.Template = t
	case "policy":
		d.policy(s, ps)
	case "retention":
		s.Retention = d.duration(minRetention, maxRetention, "write hours or minutes from 1m to 8760h, such as //sse:retention 24h", ps)
	case "limit":
		d.limit(s, ps)
	case "presence":
		d.presence(s, ps)
	case "economy":
		d.economy(s, ps)
	case "budget":
		s.Budget = d.duration(minBudget, maxBudget, "write hours of connection a month, 1h to 1000000h, such as //sse:budget 500h", ps)
	case "function":
		d.function(s, ps)
	}
}

func (d Directive) found() string { return strconv.Quote(clip(d.Argument)) }

func clip(s string) string { return excerpt([]byte(strings.ToValidUTF8(s, "\uFFFD"))) }

package schema

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// What a directive means when it does not say.
const (
	defaultClaim  = "sub"
	defaultGrace  = 10 * time.Second
	defaultOpen   = 25 * time.Second
	defaultClosed = 60 * time.Second
)

// Bounds of the directives' values, as their errors say them.
const (
	minRetention = time.Minute
	maxRetention = 8760 * time.Hour // a year
	maxLimit     = 1_000_000
	maxClaim     = 128 // bytes
	minGrace     = time.Second
	maxGrace     = time.Hour
	minOpen      = 5 * time.Second
	maxOpen      = 5 * time.Minute
	minClosed    = 5 * time.Second
	maxClosed    = 15 * time.Minute
	minBudget    = time.Hour
	maxBudget    = 1_000_000 * time.Hour

	minMemory, maxMemory           = 128, 10240 // megabytes, of a Lambda function
	minConcurrency, maxConcurrency = 1, 10_000
	minLease, maxLease             = 10 * time.Second, 10 * time.Minute
	maxFunction                    = 24 // bytes of the name, which is a part of longer ones
)

// DefaultEconomy is how readers are parked where a definition does not say.
func DefaultEconomy() Economy { return Economy{Open: defaultOpen, Closed: defaultClosed} }

// policy reads a policy, and for owner whose field it is and which claim it has
// to equal. That the field exists, only the whole definition shows.
func (d Directive) policy(s *Stream, ps *Problems) {
	words := strings.Fields(d.Argument)
	if len(words) > 1 && words[0] == string(PolicyOwner) {
		s.Policy, s.Owner = PolicyOwner, Owner{Field: words[1], Claim: defaultClaim}
		if len(words) > 2 {
			s.Owner.Claim = words[2]
		}
		if len(words) > 3 || !claimName(s.Owner.Claim) {
			ps.Add(d.Pos, "write a field of the channel and the token's claim that it equals, such as //sse:policy owner user_id sub", "policy %s", d.found())
		}
		return
	}
	switch p := Policy(d.Argument); p {
	case PolicyPublic, PolicyAuthenticated, PolicyOwner, PolicyClaim:
		s.Policy = p
	default:
		ps.Add(d.Pos, "write public, authenticated, owner or claim", "unknown policy %s", d.found())
	}
}

// claimName reports whether a token's claim of that name can say who somebody
// is: those that say when and for whom a token is valid cannot.
func claimName(name string) bool {
	switch name {
	case "iss", "aud", "exp", "nbf", "iat", "jti":
		return false
	}
	odd := func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '"' || r == '\\' }
	return len(name) <= maxClaim && !strings.ContainsFunc(name, odd)
}

// limit reads how many there may be: of a channel, of a user or of an address.
func (d Directive) limit(s *Stream, ps *Problems) {
	to, number := &s.Limit, d.Argument
	write := "write how many subscribers a channel may have, 1 to 1000000, such as //sse:limit 100; or //sse:limit user 5, //sse:limit address 20"
	if kind, rest, _ := strings.Cut(d.Argument, " "); kind == "user" || kind == "address" {
		to, number = &s.UserLimit, strings.TrimSpace(rest)
		if kind == "address" {
			to = &s.AddressLimit
		}
		write = "write how many connections one " + kind + " may have, 1 to 1000000, such as //sse:limit " + kind + " 5"
	}
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || n > maxLimit {
		ps.Add(d.Pos, write, "limit %s", d.found())
		return
	}
	*to = n
}

func (d Directive) presence(s *Stream, ps *Problems) {
	s.Presence = true
	d.spans(ps, "write //sse:presence alone, or how long a user may be away unsaid, 1s to 1h, such as //sse:presence grace 10s",
		span{"grace", length(&s.Grace, minGrace, maxGrace)})
}

func (d Directive) economy(s *Stream, ps *Problems) {
	e := DefaultEconomy()
	s.Economy = &e
	d.spans(ps, "write how long a reader is connected, 5s to 5m, and parked, 5s to 15m, such as //sse:economy open 25s closed 60s",
		span{"open", length(&e.Open, minOpen, maxOpen)}, span{"closed", length(&e.Closed, minClosed, maxClosed)})
}

// function reads which function serves the stream, and what it is given.
func (d Directive) function(s *Stream, ps *Problems) {
	name, rest, _ := strings.Cut(d.Argument, " ")
	f := &Function{Name: name}
	s.Function = f
	const write = "write a name of small letters, digits and -, at most 24, and what it is given: memory 128 to 10240 megabytes, " +
		"concurrency 1 to 10000, lease 10s to 10m, such as //sse:function prices memory 512 concurrency 50 lease 60s"
	if !functionName(name) {
		ps.Add(d.Pos, write, "function %s", d.found())
		return
	}
	if slices.Contains([]string{"ingest", "changes", "control", "sweep"}, name) {
		ps.Add(d.Pos, "take another name", "there is a function %s already, which serves no stream", name)
		return
	}
	d.Argument = strings.TrimSpace(rest)
	d.spans(ps, write, span{"memory", count(&f.Memory, minMemory, maxMemory)},
		span{"concurrency", count(&f.Concurrency, minConcurrency, maxConcurrency)}, span{"lease", length(&f.Lease, minLease, maxLease)})
}

// functionName reports whether a function can be called that wherever it is
// deployed.
func functionName(name string) bool {
	for i := range len(name) {
		b := name[i]
		if (b < 'a' || b > 'z') && (i == 0 || !digit(b) && (b != '-' || i == len(name)-1)) {
			return false
		}
	}
	return name != "" && len(name) <= maxFunction
}

// span is a word with a value after it.
type span struct {
	word string
	read func(text string) bool // false: no value, or none within its bounds
}

func length(to *time.Duration, least, most time.Duration) func(string) bool {
	return func(text string) (ok bool) {
		*to, ok = within(text, least, most)
		return ok
	}
}

func count(to *int, least, most int) func(string) bool {
	return func(text string) bool {
		n, err := strconv.Atoi(text)
		*to = n
		return err == nil && n >= least && n <= most
	}
}

// spans reads the words that the argument may have, each at most once and in
// any order.
func (d Directive) spans(ps *Problems, write string, may ...span) {
	words := strings.Fields(d.Argument)
	bad := len(words)%2 != 0
	for i := 0; i+1 < len(words); i += 2 {
		at := slices.IndexFunc(may, func(s span) bool { return s.word == words[i] })
		if at < 0 {
			bad = true
			break
		}
		bad = !may[at].read(words[i+1]) || bad
		may = slices.Delete(may, at, at+1)
	}
	if bad {
		ps.Add(d.Pos, write, "%s %s", d.Name, d.found())
	}
}

// duration reads an argument that is one duration.
func (d Directive) duration(least, most time.Duration, write string, ps *Problems) time.Duration {
	length, ok := within(d.Argument, least, most)
	if !ok {
		ps.Add(d.Pos, write, "%s %s", d.Name, d.found())
	}
	return length
}

func within(text string, least, most time.Duration) (time.Duration, bool) {
	d, err := time.ParseDuration(text)
	return d, err == nil && d >= least && d <= most
}

// checkSettings completes what the directives leave open, and finds those that
// each are possible and together are not.
func checkSettings(s *Stream, given map[string]Directive, ps *Problems) {
	if s.Policy == PolicyOwner {
		checkOwner(s, given["policy"], ps)
	}
	least := time.Duration(0) // of the grace
	if e := s.Economy; e != nil {
		// Parked readers come back spread around their time; until then they are
		// there, and saying otherwise would say it of everybody, again and again.
		least = 2 * e.Closed
		if e.Closed >= s.Retention {
			ps.Add(given["economy"].Pos, "park them shorter, or keep events longer with //sse:retention",
				"readers are parked for %v and events are kept for %v, so they would miss some", e.Closed, s.Retention)
		}
	}
	if s.Presence && s.Grace == 0 {
		s.Grace = max(defaultGrace, least)
	}
	if s.Presence && s.Grace < least {
		ps.Add(given["presence"].Pos, "write //sse:presence grace "+least.String()+", or longer",
			"presence says after %v that a user has left, and //sse:economy parks readers for %v", s.Grace, s.Economy.Closed)
	}
}

// checkOwner finds the field of the channel that says whose it is.
func checkOwner(s *Stream, at Directive, ps *Problems) {
	fields := s.Template.Fields()
	switch {
	case len(fields) == 0:
		ps.Add(at.Pos, "write a channel with a field, such as //sse:channel user:{user_id}, or another policy",
			"the channel %s has no field that could be its owner", s.Template)
	case s.Owner.Field == "" && len(fields) > 1:
		ps.Add(at.Pos, "write //sse:policy owner "+fields[0],
			"the owner is not clear: the channel %s has the fields %s", s.Template, strings.Join(fields, ", "))
	case s.Owner.Field == "":
		s.Owner = Owner{Field: fields[0], Claim: defaultClaim}
	case !slices.Contains(fields, s.Owner.Field):
		ps.Add(at.Pos, "write one of "+strings.Join(fields, ", "), "the channel %s has no field %s", s.Template, clip(s.Owner.Field))
	}
}

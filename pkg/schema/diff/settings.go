package diff

import (
	"fmt"
	"strings"
	"time"

	"github.com/runnel-sse/runnel/pkg/schema"
)

// settings compares what is said of the whole stream.
func (d *differ) settings(before, after *schema.Stream) {
	name := before.Name
	if from, to := before.Template.String(), after.Template.String(); from != to {
		d.add(Change{
			Where: name + ".channel", What: from + " became " + to,
			Readers: breaks("they follow channels that are no more"), Log: breaks("they are in channels that nobody follows"),
			Publishers: breaks("what they send to the old channels is refused"),
			Instead:    "add a stream with that channel, send to both for a while, then take the old one out",
		})
	}
	d.policy(before, after)
	d.retention(before, after)
	for _, l := range []struct {
		name        string
		old, limit  int
		who, within string
	}{
		{"limit", before.Limit, after.Limit, "subscribers", "of a channel"},
		{"limit user", before.UserLimit, after.UserLimit, "connections", "of a user"},
		{"limit address", before.AddressLimit, after.AddressLimit, "connections", "of an address"},
	} {
		d.limit(name+"."+l.name, l.old, l.limit, l.who+" "+l.within)
	}
	switch {
	case before.Presence && !after.Presence:
		d.add(Change{
			Where: name + ".presence", What: "presence is off",
			Readers: breaks("they hear of nobody who comes or leaves"), Log: safe, Publishers: safe,
			Instead: "leave it on until no client shows who is there",
		})
	case !before.Presence && after.Presence:
		d.add(harmless(name+".presence", "presence is on; old clients ignore sse.joined and sse.left"))
	case before.Grace != after.Grace:
		d.add(harmless(name+".presence", "grace %v became %v", before.Grace, after.Grace))
	}
	if from, to := economy(before.Economy), economy(after.Economy); from != to {
		d.add(harmless(name+".economy", "%s became %s; events may wait as long", from, to))
	}
	if from, to := function(before.Function), function(after.Function); from != to {
		d.add(harmless(name+".function", "%s became %s; readers come back to it by the same address", from, to))
	}
	if before.Budget != after.Budget {
		d.add(harmless(name+".budget", "%s became %s", span(before.Budget), span(after.Budget)))
	}
}

func economy(e *schema.Economy) string {
	if e == nil {
		return "none"
	}
	return fmt.Sprintf("open %v closed %v", e.Open, e.Closed)
}

func function(f *schema.Function) string {
	if f == nil {
		f = &schema.Function{Name: schema.DefaultFunction}
	}
	return fmt.Sprintf("%s, memory %d, concurrency %d, lease %v", f.Name, f.Memory, f.Concurrency, f.Lease)
}

func span(d time.Duration) string {
	if d == 0 {
		return "none"
	}
	return d.String()
}

// openness is how many may read: everybody, everybody who is signed in, some.
var openness = map[schema.Policy]int{
	schema.PolicyPublic: 2, schema.PolicyAuthenticated: 1, schema.PolicyOwner: 0, schema.PolicyClaim: 0,
}

func policy(s *schema.Stream) string {
	return strings.TrimSpace(strings.Join([]string{string(s.Policy), s.Owner.Field, s.Owner.Claim}, " "))
}

func (d *differ) policy(before, after *schema.Stream) {
	from, to := policy(before), policy(after)
	if from == to {
		return
	}
	c := harmless(before.Name+".policy", "%s became %s", from, to)
	less := openness[after.Policy] - openness[before.Policy]
	if less <= 0 { // or others, which leaves some out
		c.Readers = breaks("some who could read are refused")
		c.Instead = "let clients sign in, or get the token that it needs, before it counts"
	}
	if less >= 0 {
		c.Log = breaks("what was sent for fewer, or for others, can be read by those who may now")
		c.Instead = "add a stream with that policy, and leave what is kept as it is"
	}
	d.add(c)
}

func (d *differ) retention(before, after *schema.Stream) {
	switch from, to := before.Retention, after.Retention; {
	case to < from:
		d.add(Change{
			Where: before.Name + ".retention", What: fmt.Sprintf("%v became %v", from, to),
			Readers: safe, Log: breaks("who was away for longer than %v finds a gap", to), Publishers: safe,
			Instead: "see that clients fetch anew after a gap (sse.gap), and that " + to.String() + " is longer than they are away",
		})
	case to > from:
		d.add(harmless(before.Name+".retention", "%v became %v", from, to))
	}
}

func (d *differ) limit(where string, before, after int, of string) {
	switch {
	case before == after:
	case after == 0 || before != 0 && after > before:
		d.add(harmless(where, "%s became %s %s", count(before), count(after), of))
	default:
		d.add(Change{
			Where: where, What: fmt.Sprintf("%s became %s %s", count(before), count(after), of),
			Readers: breaks("those over %d are refused", after), Log: safe, Publishers: safe,
			Instead: "see in the metrics that no one comes near it",
		})
	}
}

func count(n int) string {
	if n == 0 {
		return "no limit"
	}
	return fmt.Sprint(n)
}

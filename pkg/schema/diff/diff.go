// Package diff says what a change of the definitions means for those who still
// have the old ones: readers with old clients that get new events, events of the
// old form that are kept and replayed to new clients, and publishers that still
// send the old form.
//
// It compares what is on the wire and who may have it. Words, the order of
// fields, and the names of types and of Go or Rust fields are none of it.
package diff

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/runnel-sse/runnel/pkg/schema"
)

// Effect is what a change does to one of those who have the old form.
type Effect struct {
	Safe bool   `json:"safe"`
	Why  string `json:"why,omitempty"` // what breaks
}

// Change is one difference.
type Change struct {
	Where      string `json:"where"` // "CommentStream.CommentAdded.timestamp"
	What       string `json:"what"`  // "int64 became string"
	Readers    Effect `json:"readers"`
	Log        Effect `json:"log"`
	Publishers Effect `json:"publishers"`
	Instead    string `json:"instead,omitempty"` // what to do, if it breaks something
}

// Breaking reports whether the change is not safe for all of them.
func (c *Change) Breaking() bool { return !c.Readers.Safe || !c.Log.Safe || !c.Publishers.Safe }

// String is the change on one line: what and, if it breaks something, why that
// breaks and what to do instead.
func (c *Change) String() string {
	if !c.Breaking() {
		return fmt.Sprintf("safe      %s: %s", c.Where, c.What)
	}
	var breaks []string
	for _, e := range []struct {
		who string
		Effect
	}{{"old clients", c.Readers}, {"kept events", c.Log}, {"publishers", c.Publishers}} {
		if !e.Safe {
			breaks = append(breaks, e.who+": "+e.Why)
		}
	}
	return fmt.Sprintf("breaking  %s: %s (%s); %s", c.Where, c.What, strings.Join(breaks, "; "), c.Instead)
}

// Catalogs returns every difference, sorted by its place.
func Catalogs(before, after *schema.Catalog) []Change {
	d := &differ{}
	for i := range before.Streams {
		old := &before.Streams[i]
		if s, ok := after.Stream(old.Name); ok {
			d.stream(old, s)
			continue
		}
		d.add(Change{
			Where: old.Name, What: "the stream is gone",
			Readers: breaks("their connections are refused"), Log: breaks("nobody can read them any more"), Publishers: breaks("what they send is refused"),
			Instead: "keep it until no client follows it and no service sends to it",
		})
	}
	for i := range after.Streams {
		if _, ok := before.Stream(after.Streams[i].Name); !ok {
			d.add(harmless(after.Streams[i].Name, "the stream is new"))
		}
	}
	slices.SortStableFunc(d.changes, func(a, b Change) int { return cmp.Compare(a.Where, b.Where) })
	return d.changes
}

var safe = Effect{Safe: true}

func breaks(why string, args ...any) Effect { return Effect{Why: fmt.Sprintf(why, args...)} }

func harmless(where, what string, args ...any) Change {
	return Change{Where: where, What: fmt.Sprintf(what, args...), Readers: safe, Log: safe, Publishers: safe}
}

type differ struct{ changes []Change }

func (d *differ) add(c Change) { d.changes = append(d.changes, c) }

func (d *differ) stream(before, after *schema.Stream) {
	d.settings(before, after)
	renamed := map[string]string{} // the new names of events that are gone
	for i := range before.Events {
		old := &before.Events[i]
		if e, ok := after.Event(old.Name); ok {
			d.fields(before.Name+"."+old.Name, old.Fields, e.Fields, map[[2]*schema.Named]bool{})
			continue
		}
		if to := successor(before, after, old); to != "" {
			renamed[to] = old.Name
			d.add(Change{
				Where: before.Name + "." + old.Name, What: "the event is named " + to + " now",
				Readers: breaks("they do not know %s, and miss it silently", to), Log: breaks("new clients do not know %s, and miss it silently", old.Name),
				Publishers: breaks("what they send is refused"),
				Instead:    "keep " + old.Name + " beside it, send both for a while, then take the old one out",
			})
			continue
		}
		d.add(Change{
			Where: before.Name + "." + old.Name, What: "the event is gone",
			Readers: safe, Log: breaks("new clients do not know it, and miss it silently"), Publishers: breaks("what they send is refused"),
			Instead: "stop sending it, wait until the last one is kept no more (" + before.Retention.String() + "), then take it out",
		})
	}
	for i := range after.Events {
		name := after.Events[i].Name
		if _, ok := before.Event(name); !ok && renamed[name] == "" {
			d.add(harmless(after.Name+"."+name, "the event is new; old clients ignore it"))
		}
	}
}

// successor is the one new event that has the fields of an old one that is gone.
func successor(before, after *schema.Stream, gone *schema.Event) string {
	name, n := "", 0
	for i := range after.Events {
		e := &after.Events[i]
		if _, was := before.Event(e.Name); was || len(e.Fields) == 0 {
			continue
		}
		var d differ
		d.fields("", gone.Fields, e.Fields, map[[2]*schema.Named]bool{})
		if len(d.changes) == 0 {
			name, n = e.Name, n+1
		}
	}
	if n != 1 {
		return ""
	}
	return name
}

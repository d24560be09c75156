package schema

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/runnel-sse/runnel/pkg/channel"
)

// Definition is one definition file, read. What is the same in every language
// that definitions are written in stands in this file; the parsers beside it
// (goparse, rustparse) only find structs, fields and comments.
type Definition struct {
	File    string
	Stream  Stream
	Derived bool // the template is derived, for want of a directive
	// Places are where the types of the file stand, by their names, and its
	// directives, as //sse:channel.
	Places map[string]Pos
}

// Pos is a place in a definition file, counted from 1.
type Pos struct {
	File      string
	Line, Col int
}

// Problem is one fault of a definition: what is wrong there, and what to write.
type Problem struct {
	Pos
	What, Write string
}

func (p *Problem) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s; %s", p.File, p.Line, p.Col, p.What, p.Write)
}

// Problems are all the faults of a run.
type Problems []*Problem

// Add notes a fault.
func (ps *Problems) Add(at Pos, write, what string, args ...any) {
	*ps = append(*ps, &Problem{Pos: at, What: fmt.Sprintf(what, args...), Write: write})
}

// Err is the problems as one error in the order of their places, a line each,
// or nil when there are none.
func (ps Problems) Err() error {
	if len(ps) == 0 {
		return nil
	}
	slices.SortStableFunc(ps, func(a, b *Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
	})
	// A type that several fields have is read for each of them; its fault is one.
	ps = slices.CompactFunc(ps, func(a, b *Problem) bool { return *a == *b })
	errs := make([]error, len(ps))
	for i, p := range ps {
		errs[i] = p
	}
	return errors.Join(errs...)
}

// StreamName is the stream that a definition file declares:
// "comment_sse.go" declares "CommentStream", "price_tick_sse.rs" "PriceTickStream".
func StreamName(file string) (string, error) {
	base := filepath.Base(file)
	stem, found := strings.CutSuffix(strings.TrimSuffix(base, filepath.Ext(base)), "_sse")
	if !found {
		return "", fmt.Errorf("%s is no name of a definition, want NAME_sse%s", base, filepath.Ext(base))
	}
	var b strings.Builder
	for word := range strings.SplitSeq(stem, "_") {
		if word != "" {
			b.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	b.WriteString("Stream")
	if _, err := channel.New(b.String(), "all"); err != nil || b.String() == "Stream" {
		return "", fmt.Errorf("%s gives no name of a stream: want letters, digits and _, a letter first, at most %d", base, channel.MaxStream)
	}
	return b.String(), nil
}

// Complete finishes a definition whose events and types are read: it applies
// the directives, derives the template where none is given, and checks what can
// only be seen on the whole. start is where the file begins, place where each
// type stands.
func (d *Definition) Complete(start Pos, directives []Directive, place map[string]Pos) Problems {
	var ps Problems
	d.Places = place
	s := &d.Stream
	s.Policy, s.Retention = PolicyAuthenticated, DefaultRetention
	if len(s.Events) == 0 {
		ps.Add(start, "declare a public struct for each event", "the definition has no event")
		return ps
	}
	for i := range s.Events {
		e := &s.Events[i]
		if len(e.Name) > MaxEventName {
			ps.Add(place[e.Name], fmt.Sprintf("shorten it to %d bytes", MaxEventName), "the event's name has %d bytes", len(e.Name))
		}
		if Reserved(e.Name) {
			ps.Add(place[e.Name], "take another name", "the event's name %s is taken: browsers fire open, error and message themselves, and sse. begins what Runnel says", clip(e.Name))
		}
	}
	given := map[string]Directive{}
	for _, dir := range directives {
		if first, twice := given[dir.key()]; twice {
			ps.Add(dir.Pos, "delete one of them", "//sse:%s stands on line %d already", dir.key(), first.Line)
			continue
		}
		given[dir.key()] = dir
		place["//sse:"+dir.Name] = dir.Pos
		dir.apply(s, &ps)
	}
	if dir, ok := given["channel"]; ok {
		checkTemplate(s, dir.Pos, place, &ps)
	} else {
		d.Derived = true
		derive(s, start, &ps)
	}
	if len(ps) == 0 { // what is said of the whole would only repeat a fault of its parts
		checkSettings(s, given, &ps)
	}
	return ps
}

// checkTemplate sees that every event can tell which channel it belongs to.
func checkTemplate(s *Stream, at Pos, place map[string]Pos, ps *Problems) {
	for _, name := range s.Template.Fields() {
		for i := range s.Events {
			e := &s.Events[i]
			switch f, ok := e.Field(name); {
			case !ok:
				ps.Add(place[e.Name], "add the field to the event, or take another template",
					"event %s has no field %s, which the channel %s (line %d) needs", e.Name, name, s.Template, at.Line)
			case !f.keyed():
				ps.Add(place[e.Name], "make it a string or an integer, always present",
					"field %s of event %s is %s, so the channel %s cannot be made of it", name, e.Name, f.Type.String(), s.Template)
			}
		}
	}
}

// keyed reports whether a channel's key can be made of the field.
func (f *Field) keyed() bool {
	return f.Type.Kind == String || f.Type.Kind == Int || f.Type.Kind == Enum
}

// derive takes the template from the one field x_id that all events share and
// that is not named after the stream itself: "x:{x_id}", or "all" without one.
func derive(s *Stream, start Pos, ps *Problems) {
	var shared []string
	for i := range s.Events[0].Fields {
		f := &s.Events[0].Fields[i]
		stem, ok := strings.CutSuffix(f.JSON, "_id")
		if !ok || stem == "" || !f.keyed() || strings.EqualFold(strings.ReplaceAll(stem, "_", "")+"stream", s.Name) {
			continue
		}
		everywhere := true
		for j := range s.Events {
			g, ok := s.Events[j].Field(f.JSON)
			everywhere = everywhere && ok && g.keyed()
		}
		if everywhere {
			shared = append(shared, stem+":{"+f.JSON+"}")
		}
	}
	text := "all"
	switch {
	case len(shared) == 1:
		text = shared[0]
	case len(shared) > 1:
		ps.Add(start, "write //sse:channel "+shared[0],
			"the channel is not clear: %s would all do", strings.Join(shared, ", "))
	}
	t, err := channel.ParseTemplate(text)
	if err != nil {
		ps.Add(start, "write a directive such as //sse:channel item:{item_id}", "the derived channel does not work: %v", err)
		return
	}
	s.Template = t
}

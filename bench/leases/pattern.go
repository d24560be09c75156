// Package leases plays a day of visits against the lease rules of pkg/gateway,
// and adds up what the connections cost where the host bills them for as long as
// they last, whether somebody reads or not.
//
// It moves no bytes: it is arithmetic about time. The rules are the gateway's
// own; how people behave is in patterns/, with where that comes from.
package leases

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"path"
	"time"
)

//go:embed patterns/*.json
var builtin embed.FS

// Pattern is a way to visit a page.
type Pattern struct {
	Name   string  `json:"name"`
	What   string  `json:"what"`
	Source string  `json:"source"` // where its numbers come from
	Visits float64 `json:"visits"` // of a user in a day, on average
	Phases []Phase `json:"phases"` // the last is gone, for good
}

// State is what a page does.
type State string

// The states. A page that is gone may come back: it was frozen, or asleep.
const (
	Reading State = "reading" // in sight, and connected
	Hidden  State = "hidden"  // out of sight, and connected
	Gone    State = "gone"    // not connected, and the host does not see that
)

// Phase is a part of a pattern.
type Phase struct {
	State   State   `json:"state"`
	Seconds *Length `json:"seconds,omitempty"`
	// When is the part of the visits that have this phase, from and to, of one
	// draw from 0 to 1 for the whole visit; none: all. So phases with the same
	// part come together, and those of [0, 0.5] and [0.5, 1] are alternatives.
	When []float64 `json:"when,omitempty"`
	Said float64   `json:"said,omitempty"` // of Gone: the chance that a client which says goodbye can
}

// Length is a distribution of seconds.
type Length struct {
	Weibull *struct {
		Shape float64 `json:"shape"`
		Scale float64 `json:"scale"`
	} `json:"weibull,omitempty"`
	Uniform []float64 `json:"uniform,omitempty"` // from, to
	Least   float64   `json:"least,omitempty"`
	Most    float64   `json:"most,omitempty"`
}

// Patterns returns what is in patterns/, in the order of the names of the files.
func Patterns() ([]Pattern, error) {
	dir, err := fs.Sub(builtin, "patterns")
	if err != nil {
		return nil, fmt.Errorf("leases: %w", err)
	}
	return Load(dir)
}

// Load reads the patterns of a folder, such as one's own.
func Load(dir fs.FS) ([]Pattern, error) {
	files, err := fs.Glob(dir, "*.json")
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("leases: no pattern *.json in the folder (%w)", fs.ErrNotExist)
	}
	var patterns []Pattern
	for _, file := range files {
		src, err := fs.ReadFile(dir, file)
		if err != nil {
			return nil, fmt.Errorf("leases: %w", err)
		}
		var p Pattern
		dec := json.NewDecoder(bytes.NewReader(src))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&p); err != nil {
			return nil, fmt.Errorf("leases: %s: %w", path.Base(file), err)
		}
		if err := p.check(); err != nil {
			return nil, fmt.Errorf("leases: %s: %w", path.Base(file), err)
		}
		patterns = append(patterns, p)
	}
	return patterns, nil
}

func (p *Pattern) check() error {
	if p.Name == "" || p.Source == "" || p.Visits <= 0 || p.Visits > 100 {
		return fmt.Errorf("a pattern needs a name, a source and visits above 0 and up to 100, found %q, %q and %v", p.Name, p.Source, p.Visits)
	}
	for i, ph := range p.Phases {
		last := i == len(p.Phases)-1
		switch {
		case ph.State != Reading && ph.State != Hidden && ph.State != Gone:
			return fmt.Errorf("phase %d: state %q; write reading, hidden or gone", i+1, ph.State)
		case ph.Said < 0 || ph.Said > 1:
			return fmt.Errorf("phase %d: said is a chance from 0 to 1", i+1)
		case ph.When != nil && (len(ph.When) != 2 || ph.When[0] < 0 || ph.When[1] > 1 || ph.When[0] >= ph.When[1]):
			return fmt.Errorf("phase %d: write when as [from, to] within 0 and 1", i+1)
		case last && (ph.State != Gone || ph.Seconds != nil || ph.When != nil):
			return fmt.Errorf("phase %d: the last is gone, without seconds and when", i+1)
		case !last && (ph.Seconds == nil || !ph.Seconds.valid()):
			return fmt.Errorf("phase %d: write seconds as weibull {shape, scale}, with least and most if need be, or as uniform [from, to]", i+1)
		}
	}
	if len(p.Phases) == 0 {
		return fmt.Errorf("it has no phases")
	}
	return nil
}

func (l *Length) valid() bool {
	if w := l.Weibull; w != nil {
		return l.Uniform == nil && w.Shape > 0 && w.Scale > 0 && l.Least >= 0 && (l.Most == 0 || l.Most >= l.Least)
	}
	return len(l.Uniform) == 2 && l.Uniform[0] >= 0 && l.Uniform[1] >= l.Uniform[0]
}

func (l *Length) draw(r *rand.Rand) time.Duration {
	var s float64
	if w := l.Weibull; w != nil {
		s = max(l.Least, w.Scale*math.Pow(r.ExpFloat64(), 1/w.Shape))
		if l.Most > 0 {
			s = min(s, l.Most)
		}
	} else {
		s = l.Uniform[0] + r.Float64()*(l.Uniform[1]-l.Uniform[0])
	}
	return time.Duration(s * float64(time.Second))
}

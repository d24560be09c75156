// Package schema is the model of definitions: which streams there are, which
// events each carries, and which JSON an event's data must be. The parsers of
// definition files (goparse, rustparse) make it, the generators read it, and at run time it
// is the gate through which every event passes before it is stored.
//
// It reads no files and knows no programming language.
package schema

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/runnel-sse/runnel/pkg/channel"
)

// DefaultRetention is how long a stream's events are kept when its definition
// does not say: as long as ids are remembered, so what is kept is never doubled.
const DefaultRetention = 24 * time.Hour

// Bounds of a definition and of its data.
const (
	MaxEventName = 64 // bytes of Event.Name; the log allows no more
	MaxDepth     = 64 // of nested lists and objects in an event's data
)

var (
	// ErrUnknownStream: the catalog has no stream of that name.
	ErrUnknownStream = errors.New("unknown stream")
	// ErrUnknownEvent: the stream has no event of that name.
	ErrUnknownEvent = errors.New("unknown event")
	// ErrData is in a *FieldError: the data is not what the definition says.
	ErrData = errors.New("data does not fit its definition")
)

// Catalog is every stream of an application. It is read only once it is built.
type Catalog struct {
	Streams []Stream
}

// Stream is a family of channels and the closed set of events they carry.
type Stream struct {
	Name     string // "CommentStream"
	Doc      string
	Template channel.Template // of the channels' keys
	Policy   Policy           // who may read
	Owner    Owner            // with PolicyOwner
	// Retention is how long an event is kept for readers that come back.
	Retention time.Duration
	Limit     int // subscribers a channel may have; 0: no limit of its own
	// UserLimit and AddressLimit are how many connections a user or an address may
	// have in all to get one with a channel of this stream; 0: no limit of its own.
	UserLimit, AddressLimit int
	Presence                bool          // which users are there is kept, and said on the channel
	Grace                   time.Duration // how long a user may be away before that is said; with Presence
	Economy                 *Economy      // nil: readers are not parked while the budget lasts
	Budget                  time.Duration // of connections, summed up, in a month; 0: none
	Function                *Function     // that serves it; nil: the one that serves all such streams
	Events                  []Event
	Types                   []*Named // the named types of the events' fields, in the order of the definition
}

// Policy says who may read a stream's channels.
type Policy string

// The policies. A definition that names none gets PolicyAuthenticated: nothing
// is public by omission.
const (
	PolicyPublic        Policy = "public"        // everybody
	PolicyAuthenticated Policy = "authenticated" // whoever has a valid token
	PolicyOwner         Policy = "owner"         // the one whose channel it is, see Owner
	PolicyClaim         Policy = "claim"         // the token lists patterns of channels
)

// Owner says whose a channel is: the reader's whose token has in Claim what the
// channel has in Field.
type Owner struct {
	Field string // of the template: "user_id"
	Claim string // "sub" is the token's subject
}

// Economy says that a stream's readers are connected for a while and then parked
// for a while, so events may wait that long.
type Economy struct {
	Open, Closed time.Duration
}

// DefaultFunction serves the streams whose definitions name none.
const DefaultFunction = "stream"

// Function is what serves a stream where it is deployed. Zero: as the deployment
// has it.
type Function struct {
	Name        string
	Memory      int // megabytes
	Concurrency int // how many of it run at once, at most
	// Lease is that of its processes: how long after the end of one its
	// subscribers are counted still.
	Lease time.Duration
}

// Event is one type of event of a stream.
type Event struct {
	Name   string // "CommentAdded"
	Doc    string
	Fields []Field
}

// Field is a member of an event's data, or of a struct in it.
type Field struct {
	Name string // in the definition: "ItemID"
	JSON string // on the wire: "item_id"
	Doc  string
	Type Type
}

// ControlPrefix begins the names of what Runnel itself says on a stream, such as
// sse.gap and sse.joined.
const ControlPrefix = "sse."

// Reserved reports whether no event of a definition may have that name, since
// readers would take it for something else.
func Reserved(event string) bool {
	return strings.HasPrefix(event, ControlPrefix) || slices.Contains([]string{"open", "error", "message"}, event)
}

// Kind is the form of a type.
type Kind uint8

// The kinds, and what each is in JSON.
const (
	String   Kind = iota + 1 // string
	Bool                     // true or false
	Int                      // integer of Bits bits, without fraction or exponent
	Float                    // number of Bits bits
	Bytes                    // string of base64, padded
	Time                     // string of RFC 3339
	Optional                 // Elem, null or absent
	List                     // list of Elem
	Map                      // object whose values are Elem
	Struct                   // object with the fields of Named
	Enum                     // string, one of the values of Named
)

// Type is what a field holds.
type Type struct {
	Kind     Kind
	Bits     int    // Int: 8, 16, 32 or 64; Float: 32 or 64
	Unsigned bool   // Int
	Elem     *Type  // Optional, List, Map
	Named    *Named // Struct, Enum
}

// Named is a type that a definition gives a name: a struct, or an enum.
type Named struct {
	Name   string
	Doc    string
	Fields []Field  // of a struct
	Values []string // of an enum
}

// Stream returns the stream of that name.
func (c *Catalog) Stream(name string) (*Stream, bool) {
	for i := range c.Streams {
		if c.Streams[i].Name == name {
			return &c.Streams[i], true
		}
	}
	return nil, false
}

// Event returns the event of that name.
func (s *Stream) Event(name string) (*Event, bool) {
	for i := range s.Events {
		if s.Events[i].Name == name {
			return &s.Events[i], true
		}
	}
	return nil, false
}

// Field returns the field of that JSON name.
func (e *Event) Field(json string) (*Field, bool) {
	for i := range e.Fields {
		if e.Fields[i].JSON == json {
			return &e.Fields[i], true
		}
	}
	return nil, false
}

// String names the type for people: "int64", "list of string".
func (t *Type) String() string {
	switch t.Kind {
	case String:
		return "string"
	case Bool:
		return "bool"
	case Int:
		return intName(t)
	case Float:
		return "float" + itoa(t.Bits)
	case Bytes:
		return "base64 string"
	case Time:
		return "RFC 3339 time"
	case Optional:
		return "optional " + t.Elem.String()
	case List:
		return "list of " + t.Elem.String()
	case Map:
		return "map of " + t.Elem.String()
	case Struct, Enum:
		return t.Named.Name
	}
	return "unknown type"
}

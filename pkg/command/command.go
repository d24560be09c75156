// Package command is what one process tells another of a connection: it is done,
// it goes on, it has to go. A command is an event in the mailbox of the process
// that holds the connection, and a mailbox is a channel of the log like any
// other: its process follows it on the same poll as everything else.
//
// It sends and obeys nothing; who may command what is for whoever appends.
package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/eventlog"
)

// The types of the events in a mailbox.
const (
	Goodbye = "Goodbye" // the reader has left
	Renew   = "Renew"   // the reader has a fresh token, or wants other channels
	Kick    = "Kick"    // the reader has to go
)

const (
	// Stream is the type of every mailbox. No catalog has it, so nobody can
	// read a mailbox as a stream or publish into it.
	Stream = "Runnel"
	// Retention of a mailbox: a process that is further behind is dead.
	Retention = time.Hour
	// MaxChannels that one command adds or removes: what a cursor can hold.
	MaxChannels = 64
)

// ErrInvalid: an event is no command. Obeying something else would be worse than
// passing it over.
var ErrInvalid = errors.New("invalid command")

// Command is one of the above.
type Command struct {
	Type       string    `json:"-"` // the event's
	Connection string    `json:"connection"`
	Subject    string    `json:"subject,omitempty"` // Renew: whose token it was; another's connection is not renewed
	Expires    time.Time `json:"expires,omitzero"`  // Renew: when that token ends; zero: never
	Add        []string  `json:"add,omitempty"`     // Renew: channels that the token may read
	Remove     []string  `json:"remove,omitempty"`  // Renew: channels
	// Channels and Claims are what else policies ask of that token: whether its
	// holder still may read what the connection reads.
	Channels []string          `json:"channels,omitempty"` // Renew: patterns
	Claims   map[string]string `json:"claims,omitempty"`   // Renew
	Until    time.Time         `json:"until,omitzero"`     // Kick: kept out until then; zero: not at all
	Reason   string            `json:"reason,omitempty"`   // Kick: for the reader
}

// Mailbox is the channel that the process follows. A name that is none of a
// process gives the zero Name.
func Mailbox(process string) channel.Name {
	if !word(process) {
		return channel.Name{}
	}
	name, err := channel.New(Stream, "process:"+process)
	if err != nil {
		return channel.Name{}
	}
	return name
}

// ProcessOf is the process that holds the connection "process.random".
func ProcessOf(connection string) (process string, ok bool) {
	process, random, _ := strings.Cut(connection, ".")
	if !word(process) || !word(random) {
		return "", false
	}
	return process, true
}

// word reports whether s is what random names are made of: base64url.
func word(s string) bool {
	const most = 43 // 256 bits
	if s == "" || len(s) > most {
		return false
	}
	for _, c := range []byte(s) {
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_') {
			return false
		}
	}
	return true
}

// Mailbox is where the command goes: to the process that holds its connection.
func (c Command) Mailbox() channel.Name {
	process, _ := ProcessOf(c.Connection)
	return Mailbox(process)
}

// Event is the command as an event. Commands of the same id are given once.
func (c Command) Event(id string) eventlog.Event {
	data, _ := json.Marshal(c) // strings and times: cannot fail
	return eventlog.Event{ID: id, Type: c.Type, Data: data}
}

// Parse reads the command in an event of a mailbox, or fails with ErrInvalid.
// Members that it does not know are a newer process's, and passed over.
func Parse(r eventlog.Record) (Command, error) {
	switch r.Type {
	case Goodbye, Renew, Kick:
	default:
		return Command{}, fmt.Errorf("%w: unknown type %q", ErrInvalid, r.Type)
	}
	c := Command{Type: r.Type}
	if err := json.Unmarshal(r.Data, &c); err != nil {
		return Command{}, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if _, ok := ProcessOf(c.Connection); !ok {
		return Command{}, fmt.Errorf("%w: it names no connection", ErrInvalid)
	}
	if n := max(len(c.Add), len(c.Remove)); n > MaxChannels {
		return Command{}, fmt.Errorf("%w: %d channels, at most %d are allowed", ErrInvalid, n, MaxChannels)
	}
	for _, name := range append(c.Add[:len(c.Add):len(c.Add)], c.Remove...) {
		if _, err := channel.Parse(name); err != nil {
			return Command{}, fmt.Errorf("%w: %w", ErrInvalid, err)
		}
	}
	return c, nil
}

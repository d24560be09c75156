package subscriber

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of names, in bytes.
const (
	MaxID   = 128
	MaxUser = 256
)

// AddressOf returns the form in which an address counts: an IPv4 address is
// itself, also where it comes as IPv6, and an IPv6 address is its /64, of which
// one house has all. What is no address, with or without a port, is "".
func AddressOf(remote string) string {
	a, err := netip.ParseAddr(remote)
	if err != nil {
		with, err := netip.ParseAddrPort(remote)
		if err != nil {
			return ""
		}
		a = with.Addr()
	}
	a = a.Unmap().WithZone("")
	if a.Is4() {
		return a.String()
	}
	net, err := a.Prefix(64)
	if err != nil {
		return ""
	}
	return net.String()
}

// Check reports, as an ErrInvalid, what no registry can keep.
func (c Connection) Check() error {
	switch {
	case !plain(c.ID):
		return fmt.Errorf("%w connection id %.80q: want 1 to %d bytes of printable ASCII", ErrInvalid, c.ID, MaxID)
	case !plain(c.Process):
		return fmt.Errorf("%w process %.80q: want 1 to %d bytes of printable ASCII", ErrInvalid, c.Process, MaxID)
	case c.Address != "" && !plain(c.Address):
		return fmt.Errorf("%w address %.80q: want what AddressOf gives", ErrInvalid, c.Address)
	case len(c.Seats) == 0:
		return fmt.Errorf("%w connection %s: it has no channel", ErrInvalid, c.ID)
	}
	for _, s := range c.Seats {
		if s.Channel.IsZero() || s.Limit < 0 || s.Grace < 0 {
			return fmt.Errorf("%w connection %s: a seat without a channel, or with a limit or a grace below 0", ErrInvalid, c.ID)
		}
	}
	return CheckUser(c.User)
}

// Distinct returns the seats, each channel as it is named first.
func (c Connection) Distinct() []Seat {
	var all []Seat
	for _, s := range c.Seats {
		if !slices.ContainsFunc(all, func(t Seat) bool { return t.Channel == s.Channel }) {
			all = append(all, s)
		}
	}
	return all
}

// CheckUser reports, as an ErrInvalid, a name that no registry can keep.
func CheckUser(name string) error {
	if len(name) > MaxUser || !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl) {
		return fmt.Errorf("%w user %.80q: want at most %d bytes of UTF-8 without control characters", ErrInvalid, name, MaxUser)
	}
	return nil
}

// plain reports whether s is printable ASCII without spaces, of an id's length.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return s != "" && len(s) <= MaxID
}

// Check reports, as an ErrInvalid, a target that is none.
func (t Target) Check() error {
	if (t.User == "") == t.Channel.IsZero() {
		return fmt.Errorf("%w target: want a user or a channel, and not both", ErrInvalid)
	}
	return CheckUser(t.User)
}

// CheckOnce reports, as an ErrInvalid, an id that Once does not take.
func CheckOnce(id string) error {
	if id == "" || len(id) > MaxUser {
		return fmt.Errorf("%w id of %d bytes: want 1 to %d", ErrInvalid, len(id), MaxUser)
	}
	return nil
}

package subscriber_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/subscriber"
)

func TestAddressOf(t *testing.T) {
	t.Parallel()
	for remote, want := range map[string]string{
		"192.0.2.7":                       "192.0.2.7",
		"192.0.2.7:8080":                  "192.0.2.7",
		"::ffff:192.0.2.7":                "192.0.2.7",
		"[::ffff:192.0.2.7]:8080":         "192.0.2.7",
		"2001:db8:1:2:3:4:5:6":            "2001:db8:1:2::/64",
		"[2001:db8:1:2:ffff::1]:443":      "2001:db8:1:2::/64",
		"2001:db8:1:3::":                  "2001:db8:1:3::/64",
		"fe80::1%eth0":                    "fe80::/64",
		"":                                "",
		"somewhere":                       "",
		"192.0.2.7, 198.51.100.1":         "",
		"192.0.2.7.":                      "",
		"2001:db8:1:2:3:4:5:6:7":          "",
		strings.Repeat("1", 100) + ".1.1": "",
	} {
		require.Equal(t, want, subscriber.AddressOf(remote), remote)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	ch := channel.MustParse("S:a")
	good := func() subscriber.Connection {
		return subscriber.Connection{
			ID: strings.Repeat("a", subscriber.MaxID), Process: strings.Repeat("p", subscriber.MaxID),
			User: strings.Repeat("ü", subscriber.MaxUser/2), Address: "2001:db8::/64", Seats: []subscriber.Seat{{Channel: ch}},
		}
	}
	require.NoError(t, good().Check(), "at the bounds")
	for name, change := range map[string]func(c *subscriber.Connection){
		"an id too long":         func(c *subscriber.Connection) { c.ID += "a" },
		"an id with a space":     func(c *subscriber.Connection) { c.ID = "a b" },
		"a process too long":     func(c *subscriber.Connection) { c.Process += "p" },
		"an id in Greek":         func(c *subscriber.Connection) { c.ID = "α" },
		"a user too long":        func(c *subscriber.Connection) { c.User += "u" },
		"a user that is no text": func(c *subscriber.Connection) { c.User = "\xff" },
		"a line break":           func(c *subscriber.Connection) { c.User = "a\nb" },
		"an odd address":         func(c *subscriber.Connection) { c.Address = "a b" },
		"no seats":               func(c *subscriber.Connection) { c.Seats = nil },
		"no channel":             func(c *subscriber.Connection) { c.Seats = append(c.Seats, subscriber.Seat{}) },
		"a limit below 0":        func(c *subscriber.Connection) { c.Seats[0].Limit = -1 },
		"a grace below 0":        func(c *subscriber.Connection) { c.Seats[0].Grace = -1 },
	} {
		c := good()
		change(&c)
		require.ErrorIs(t, c.Check(), subscriber.ErrInvalid, name)
	}
	require.NoError(t, subscriber.Target{User: "7"}.Check())
	require.NoError(t, subscriber.Target{Channel: ch}.Check())
	require.ErrorIs(t, subscriber.Target{User: "7", Channel: ch}.Check(), subscriber.ErrInvalid)
	require.NoError(t, subscriber.CheckOnce(strings.Repeat("a", 256)))
	require.ErrorIs(t, subscriber.CheckOnce(strings.Repeat("a", 257)), subscriber.ErrInvalid)
}

package dynamo_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/dynamo"
	"github.com/runnel-sse/runnel/pkg/subscriber"
)

// bill is a DynamoDB that adds up requests and write units by the price list:
// DynamoDB Local charges a transaction by its bytes in all, not write by write.
type bill struct {
	*dynamodb.Client
	dynamo.Meter
	wru int // of transactions: two for each write of at most 1 KB
}

func (b *bill) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, o ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	b.wru += 2 * len(in.TransactItems)
	return b.Client.TransactWriteItems(ctx, in, o...)
}

// cost is what was consumed, in requests, write units and read units.
type cost struct{ requests, wru, rru int }

func (b *bill) take() cost {
	m := b.Take()
	c := cost{m.Requests, b.wru, int(m.RRU)}
	if b.wru == 0 { // no transaction: the server knows
		c.wru = int(m.WRU)
	}
	b.wru = 0
	return c
}

// metered is a registry with one living process, and its bill.
func metered(t *testing.T) (*dynamo.Registry, *bill) {
	t.Helper()
	b := &bill{Client: open(t)}
	r := dynamo.NewRegistry(b, newTable(t, b.Client, dynamo.SubscribersTable), dynamo.RegistryOptions{Meter: &b.Meter})
	require.NoError(t, r.Renew(t.Context(), "p", time.Now().Add(time.Hour)))
	b.take()
	return r, b
}

// reads is a connection of a user from an address, as most are.
func reads(id string, channels int, presence bool) subscriber.Connection {
	c := subscriber.Connection{ID: "4V2XJ7QK5ZLNAQGB3Y6DWMTR2C." + id, Process: "p", User: "7", Address: "192.0.2.7", Joined: time.Now()}
	for i := range channels {
		ch := channel.MustParse(fmt.Sprintf("CommentStream:item:%d", i))
		c.Seats = append(c.Seats, subscriber.Seat{Channel: ch, Limit: 100, Presence: presence})
	}
	return c
}

var limits = subscriber.Limits{User: 10, Address: 100, Rate: 100}

// TestWhatAConnectionCosts pins what the comment of Registry says. Whole
// transactions double their units.
func TestWhatAConnectionCosts(t *testing.T) {
	nobody := reads("a", 1, false)
	nobody.User, nobody.Address = "", ""
	for name, tc := range map[string]struct {
		c           subscriber.Connection
		join, leave cost
	}{
		"one channel, a user, an address": {
			c: reads("a", 1, false), join: cost{1, 14, 0}, leave: cost{1, 12, 0},
		},
		"nobody known": {
			c: nobody, join: cost{1, 8, 0}, leave: cost{1, 6, 0},
		},
		"eight channels": {
			c: reads("a", 8, false), join: cost{1, 42, 0}, leave: cost{1, 40, 0},
		},
		"presence": {
			c: reads("a", 1, true), join: cost{1, 18, 0}, leave: cost{2, 16, 1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, meter := metered(t)
			_, err := r.Join(t.Context(), tc.c, limits)
			require.NoError(t, err)
			require.Equal(t, tc.join, meter.take(), "join")
			require.Equal(t, cost{}, meter.take(), "a quiet connection writes nothing")
			require.NoError(t, r.Renew(t.Context(), "p", time.Now().Add(time.Hour)))
			require.Equal(t, cost{1, 1, 0}, meter.take(), "its process's lease is one write")
			_, err = r.Leave(t.Context(), tc.c)
			require.NoError(t, err)
			require.Equal(t, tc.leave, meter.take(), "leave")
		})
	}
}

// TestWhatASecondConnectionCosts: that the user is there already is found out by
// a first request that is refused.
func TestWhatASecondConnectionCosts(t *testing.T) {
	t.Parallel()
	r, meter := metered(t)
	for i, requests := range []int{1, 2, 2} {
		c := reads(fmt.Sprint(i), 1, true)
		_, err := r.Join(t.Context(), c, subscriber.Limits{User: 10, Address: 100})
		require.NoError(t, err)
		require.Equal(t, requests, meter.take().requests)
	}
	for i := range 3 {
		_, err := r.Leave(t.Context(), reads(fmt.Sprint(i), 1, true))
		require.NoError(t, err)
	}
}

// TestWhatNewsCost: the coming is looked up and forgotten, the going is one
// transaction and two removals.
func TestWhatNewsCost(t *testing.T) {
	t.Parallel()
	r, meter := metered(t)
	c := reads("a", 1, true)
	joined, err := r.Join(t.Context(), c, limits)
	require.NoError(t, err)
	left, err := r.Leave(t.Context(), c)
	require.NoError(t, err)
	meter.take()
	for i, want := range []cost{{2, 1, 1}, {3, 4, 0}} {
		n := append(joined, left...)[i]
		holds, err := r.Confirm(t.Context(), n)
		require.NoError(t, err)
		require.True(t, holds)
		require.NoError(t, r.Said(t.Context(), n))
		require.Equal(t, want, meter.take(), n.Kind)
	}
}

// TestCountingReadsOneItem, however many there are.
func TestCountingReadsOneItem(t *testing.T) {
	t.Parallel()
	r, meter := metered(t)
	ch := channel.MustParse("CommentStream:item:0")
	for i := range 300 {
		c := reads(fmt.Sprint(i), 1, true)
		c.User, c.Address, c.Seats[0].Limit = fmt.Sprint("user ", i), "", 0
		_, err := r.Join(t.Context(), c, subscriber.Limits{})
		require.NoError(t, err)
	}
	meter.take()
	for _, count := range []func() (int, error){
		func() (int, error) { return r.Count(t.Context(), ch) },
		func() (int, error) { return r.CountUsers(t.Context(), ch) },
	} {
		n, err := count()
		require.NoError(t, err)
		require.Equal(t, 300, n)
		require.Equal(t, cost{1, 0, 1}, meter.take())
	}
}

// TestRefusalsDoNotLookForTheDeadEachTime: what an attack costs is bounded.
func TestRefusalsDoNotLookForTheDeadEachTime(t *testing.T) {
	t.Parallel()
	r, meter := metered(t)
	one := subscriber.Limits{User: 1}
	_, err := r.Join(t.Context(), reads("a", 1, false), one)
	require.NoError(t, err)
	_, err = r.Join(t.Context(), reads("b", 1, false), one)
	require.ErrorIs(t, err, subscriber.ErrFull)
	meter.take()
	_, err = r.Join(t.Context(), reads("b", 1, false), one)
	require.ErrorIs(t, err, subscriber.ErrFull)
	require.Equal(t, 1, meter.take().requests)
}

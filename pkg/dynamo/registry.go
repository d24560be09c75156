package dynamo

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/subscriber"
)

// RegistryOptions are the settings of a registry.
type RegistryOptions struct {
	Now   func() time.Time // nil: time.Now
	Meter *Meter
}

// Registry is a subscriber registry in a table.
//
// What it costs, in write request units, where one that is part of a transaction
// counts double: a join of one channel by a user from an address 14, the leaving
// 12; without a user 10 and 8; each further channel 4; presence 4 more when a
// user comes and when they go. Each is one request, but that who leaves a
// channel with presence looks first, and that a user's second connection there
// is found out by a first request that is refused.
//
// Items that many share are its hot keys: a channel's counter, a user's, an
// address's, a process's lease. Transactions that meet on one cancel each other,
// and are tried again after a pause with jitter; so a channel's joins and leaves
// go one after the other, some hundred a second, and no other channel's wait.
// Everything else is spread: leases and news over shards.
type Registry struct {
	client Client
	table  string
	o      RegistryOptions

	mu    sync.Mutex
	quiet time.Time // guarded by mu: when no lease was found lapsed
}

var _ subscriber.Storage = (*Registry)(nil)

// NewRegistry returns a registry in the table, which has the form of SubscribersTable.
func NewRegistry(client Client, table string, o RegistryOptions) *Registry {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Registry{client: client, table: table, o: o}
}

// Items of the registry. A channel's name has no #, and times are Unix
// milliseconds, but for expires and second.
//
//	pk                    sk              else
//	CommentStream:item:1  #count          n, users, until: kept out till then
//	CommentStream:item:1  c#{connection}  process, user, joined
//	CommentStream:item:1  u#{user}        n, since, visit, due, left, over
//	u#{user}              #count          n, until
//	u#{user}              c#{connection}  process, joined
//	a#{address}           #count          n, second, connects: in that second
//	p#{process}           c#{connection}  v: the connection
//	lease#{shard}         {process}       until, dead: found lapsed, done: nothing lives by it
//	news#{shard}          {due}#{id}      channel, user, kind, at
//	once#{id}             #once           until
//	budget#{stream}       {month}         n
//
// An item p#{process} c#{connection} is the connection: all else of it is
// written on condition that this one is what it was found to be. The counters of
// users and addresses count these items, those of channels their c# items.
const (
	countSK   = "#count"
	memberSK  = "c#"
	presentSK = "u#"

	userPK    = "u#"
	addressPK = "a#"
	processPK = "p#"
	leasePK   = "lease#"
	newsPK    = "news#"
	oncePK    = "once#"
	onceSK    = "#once"
	budgetPK  = "budget#"
)

const (
	// leaseShards and newsShards are partitions, each good for 1,000 WRU a second.
	leaseShards = 4
	newsShards  = 4

	// counterLife is how long after the last join a counter is kept: longer than
	// any connection is open, so what is forgotten was at nothing.
	counterLife = 7 * 24 * time.Hour
	// tombstone is how long a dead name is remembered, so that it does not live
	// again. Names are random: nobody comes back to one after a day.
	tombstone = 24 * time.Hour
	// budgetLife is how long a month's sum is kept.
	budgetLife = 400 * 24 * time.Hour
)

func shard(prefix, name string, shards int) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name))
	return fmt.Sprint(prefix, h.Sum32()%uint32(shards))
}

func leaseKey(process string) item { return key(shard(leasePK, process, leaseShards), process) }

// held is a connection as it is there. Seats are sorted, so that its value is
// the same whoever writes it.
type held struct {
	id, process string
	value
}

type value struct {
	User    string   `json:"u,omitempty"`
	Address string   `json:"a,omitempty"`
	Joined  int64    `json:"j"`
	Seats   []string `json:"s,omitempty"` // channels without presence
	Present []string `json:"p,omitempty"` // channels with it
}

// heldOf is the connection that c was joined as, if that was at once.
func heldOf(c subscriber.Connection) held {
	h := held{id: c.ID, process: c.Process, value: value{User: c.User, Address: c.Address, Joined: c.Joined.UnixMilli()}}
	return h.with(c.Distinct())
}

// with has the seats too.
func (h held) with(seats []subscriber.Seat) held {
	h.Seats, h.Present = slices.Clone(h.Seats), slices.Clone(h.Present)
	for _, s := range seats {
		if s.Presence && h.User != "" {
			h.Present = append(h.Present, s.Channel.String())
		} else {
			h.Seats = append(h.Seats, s.Channel.String())
		}
	}
	slices.Sort(h.Seats)
	slices.Sort(h.Present)
	return h
}

// without has not got the seats.
func (h held) without(seats []subscriber.Seat) held {
	gone := func(ch string) bool {
		return slices.ContainsFunc(seats, func(s subscriber.Seat) bool { return s.Channel.String() == ch })
	}
	h.Seats = slices.DeleteFunc(slices.Clone(h.Seats), gone)
	h.Present = slices.DeleteFunc(slices.Clone(h.Present), gone)
	return h
}

// seats are all of the connection's, without what its item does not hold.
func (h held) seats() (all []subscriber.Seat, err error) {
	for _, list := range [][]string{h.Seats, h.Present} {
		for _, name := range list {
			ch, err := channel.Parse(name)
			if err != nil {
				return nil, fmt.Errorf("connection %s: %w", h.id, err)
			}
			all = append(all, subscriber.Seat{Channel: ch, Presence: slices.Contains(h.Present, name)})
		}
	}
	return all, nil
}

func (h held) has(ch channel.Name) bool {
	return slices.Contains(h.Seats, ch.String()) || slices.Contains(h.Present, ch.String())
}

func (h held) empty() bool { return len(h.Seats)+len(h.Present) == 0 }

func (h held) text() types.AttributeValue {
	v, _ := json.Marshal(h.value) // strings and a number: cannot fail
	return text(string(v))
}

func readHeld(id, process string, it item) (*held, error) {
	h := &held{id: id, process: process}
	if err := json.Unmarshal([]byte(readText(it, attrValue)), &h.value); err != nil {
		return nil, fmt.Errorf("connection %s: %w", id, err)
	}
	return h, nil
}

// fetch reads the connection where it lives by that process; nil: it does not.
func (r *Registry) fetch(ctx context.Context, id, process string) (*held, error) {
	it, err := r.get(ctx, key(processPK+process, memberSK+id))
	if err != nil || it == nil {
		return nil, err
	}
	return readHeld(id, process, it)
}

// find reads the connection, whatever process it lives by, where it has one of
// the seats or the user; nil: it does not.
func (r *Registry) find(ctx context.Context, c subscriber.Connection) (*held, error) {
	var keys []item
	for _, s := range c.Distinct() {
		keys = append(keys, key(s.Channel.String(), memberSK+c.ID))
	}
	if c.User != "" {
		keys = append(keys, key(userPK+c.User, memberSK+c.ID))
	}
	for attempt := 1; ; attempt++ {
		found, err := r.batchGet(ctx, keys)
		if err != nil || len(found) == 0 {
			return nil, err
		}
		for _, it := range found {
			if h, err := r.fetch(ctx, c.ID, readText(it, attrProcess)); h != nil || err != nil {
				return h, err
			}
		}
		if attempt == maxAttempts {
			return nil, fmt.Errorf("%w: connection %s moves all the time", subscriber.ErrUnavailable, c.ID)
		}
		if err := pause(ctx, attempt); err != nil {
			return nil, err
		}
	}
}

// Renew is subscriber.Registry's: one conditional write.
func (r *Registry) Renew(ctx context.Context, process string, until time.Time) error {
	refused, _, err := r.update(ctx, r.changing(leaseKey(process),
		"SET #until = :until", "attribute_not_exists(pk) OR (attribute_not_exists(dead) AND #until > :now)",
		item{":until": num(until.UnixMilli()), ":now": num(r.o.Now().UnixMilli())}))
	if refused {
		err = subscriber.ErrLapsed
	}
	if err != nil {
		return fmt.Errorf("dynamo: renew: %w", err)
	}
	return nil
}

// alive checks that the process holds its lease, in the same transaction: what
// is entered under a name that was given up would never be reaped.
func (r *Registry) alive(process string) types.TransactWriteItem {
	cond := "attribute_not_exists(dead) AND #until > :now"
	return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		TableName: &r.table, Key: leaseKey(process), ConditionExpression: &cond,
		ExpressionAttributeNames:  names(cond),
		ExpressionAttributeValues: item{":now": num(r.o.Now().UnixMilli())},
	}}
}

// counterExpires keeps a counter for as long as it may count something.
func (r *Registry) counterExpires() types.AttributeValue { return expiry(r.o.Now(), counterLife) }

func (r *Registry) get(ctx context.Context, k item) (item, error) {
	out, err := r.client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &r.table, Key: k, ConsistentRead: new(true), ReturnConsumedCapacity: total(),
	})
	if err != nil {
		r.o.Meter.read()
		return nil, translate(err, r.table, subscriber.ErrUnavailable)
	}
	r.o.Meter.read(one(out.ConsumedCapacity)...)
	return out.Item, nil
}

// batchGet reads at most 100 items, in no order.
func (r *Registry) batchGet(ctx context.Context, keys []item) (found []item, err error) {
	for attempt := 1; len(keys) > 0; attempt++ {
		out, err := r.client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{
			RequestItems:           map[string]types.KeysAndAttributes{r.table: {Keys: keys, ConsistentRead: new(true)}},
			ReturnConsumedCapacity: total(),
		})
		if err != nil {
			r.o.Meter.read()
			return nil, translate(err, r.table, subscriber.ErrUnavailable)
		}
		r.o.Meter.read(out.ConsumedCapacity...)
		found = append(found, out.Responses[r.table]...)
		if keys = out.UnprocessedKeys[r.table].Keys; len(keys) == 0 {
			break
		}
		if attempt == maxAttempts {
			return nil, fmt.Errorf("%w: keys are not read", subscriber.ErrUnavailable)
		}
		if err := pause(ctx, attempt); err != nil {
			return nil, err
		}
	}
	return found, nil
}

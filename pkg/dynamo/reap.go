package dynamo

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/runnel-sse/runnel/pkg/subscriber"
)

// lookAgain is how long a full channel is refused without another look for dead
// processes when the last look found none: refusals must be cheap under attack.
const lookAgain = time.Second

// lease is one process's item.
type lease struct {
	process string
	dead    bool // somebody has found it lapsed
}

// Reap is subscriber.Reaper's. A lapsed lease is marked dead, so that its name
// can never live again, and when nothing lives by it any more, as done.
func (r *Registry) Reap(ctx context.Context) (removed int, err error) {
	lapsed, err := r.lapsed(ctx)
	for _, l := range lapsed {
		if err != nil {
			break
		}
		var n int
		n, err = r.reapProcess(ctx, l)
		removed += n
	}
	if err != nil {
		return removed, fmt.Errorf("dynamo: reap: %w", err)
	}
	return removed, nil
}

// lapsed are the leases that have run out and are not done, marked dead.
func (r *Registry) lapsed(ctx context.Context) ([]lease, error) {
	now := r.o.Now()
	var all []lease
	for i := range leaseShards {
		filter := "#until <= :now AND attribute_not_exists(done)"
		err := r.query(ctx, &dynamodb.QueryInput{
			TableName:                 &r.table,
			KeyConditionExpression:    new("pk = :pk"),
			FilterExpression:          &filter,
			ExpressionAttributeNames:  names(filter),
			ExpressionAttributeValues: item{":pk": text(fmt.Sprint(leasePK, i)), ":now": num(now.UnixMilli())},
			ConsistentRead:            new(true),
			ReturnConsumedCapacity:    total(),
		}, func(it item) bool {
			all = append(all, lease{process: readText(it, SortKey), dead: it[attrDead] != nil})
			return true
		})
		if err != nil {
			return nil, err
		}
	}
	for _, l := range all {
		if l.dead {
			continue
		}
		// Refused: another was faster. Nobody renews what has lapsed.
		_, _, err := r.update(ctx, r.changing(leaseKey(l.process), "SET dead = :now", "#until <= :now AND attribute_not_exists(dead)",
			item{":now": num(now.UnixMilli())}))
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// reapProcess removes the process's connections. None can come: nobody joins by
// a dead lease.
func (r *Registry) reapProcess(ctx context.Context, l lease) (removed int, err error) {
	all, err := r.livingBy(ctx, l.process)
	for _, h := range all {
		if err != nil {
			return removed, err
		}
		var n int
		n, err = r.takeAll(ctx, h)
		removed += n
	}
	if err != nil {
		return removed, err
	}
	_, _, err = r.update(ctx, r.changing(leaseKey(l.process), "SET done = :one, expires = :expires", "attribute_exists(dead)",
		item{":one": num(1), ":expires": expiry(r.o.Now(), tombstone)}))
	return removed, err
}

// livingBy are the process's connections.
func (r *Registry) livingBy(ctx context.Context, process string) (all []*held, err error) {
	err = r.query(ctx, &dynamodb.QueryInput{
		TableName:                 &r.table,
		KeyConditionExpression:    new("pk = :pk"),
		ExpressionAttributeValues: item{":pk": text(processPK + process)},
		ConsistentRead:            new(true),
		ReturnConsumedCapacity:    total(),
	}, func(it item) bool {
		h, fault := readHeld(strings.TrimPrefix(readText(it, SortKey), memberSK), process, it)
		if err = fault; err == nil {
			all = append(all, h)
		}
		return err == nil
	})
	return all, err
}

func (r *Registry) takeAll(ctx context.Context, h *held) (int, error) {
	seats, err := h.seats()
	if err != nil {
		return 0, err
	}
	n, _, _, err := r.take(ctx, h, seats)
	return n, err
}

// fullness is what left no place, and whose: the user's or the address's name.
type fullness struct {
	subscriber.LimitError
	name string
}

// free removes the dead from what is full, and returns how many.
func (r *Registry) free(ctx context.Context, full []*fullness) (freed int, err error) {
	now := r.o.Now()
	r.mu.Lock()
	since := now.Sub(r.quiet)
	r.mu.Unlock()
	if since >= 0 && since < lookAgain {
		return 0, nil
	}
	lapsed, err := r.lapsed(ctx)
	if err != nil {
		return 0, err
	}
	if len(lapsed) == 0 {
		r.mu.Lock()
		r.quiet = now
		r.mu.Unlock()
		return 0, nil
	}
	dead := map[string]bool{}
	for _, l := range lapsed {
		dead[l.process] = true
	}
	for _, f := range full {
		var in []*held
		if f.What == subscriber.OfAddress {
			in, err = r.deadOfAddress(ctx, lapsed, f.name)
		} else {
			in, err = r.deadIn(ctx, dead, f)
		}
		for _, h := range in {
			if err != nil {
				break
			}
			var n int
			n, err = r.takeAll(ctx, h)
			freed += n
		}
		if err != nil {
			return freed, err
		}
	}
	return freed, nil
}

// deadOfAddress looks through the dead processes: an address has no list.
func (r *Registry) deadOfAddress(ctx context.Context, lapsed []lease, address string) (in []*held, err error) {
	for _, l := range lapsed {
		all, err := r.livingBy(ctx, l.process)
		if err != nil {
			return nil, err
		}
		for _, h := range all {
			if h.Address == address {
				in = append(in, h)
			}
		}
	}
	return in, nil
}

// deadIn looks through the list of the channel, or of the user.
func (r *Registry) deadIn(ctx context.Context, dead map[string]bool, f *fullness) (in []*held, err error) {
	pk := userPK + f.name
	if f.What == subscriber.OfChannel {
		pk = f.Channel.String()
	}
	for after := ""; ; {
		page, err := r.members(ctx, pk, after, 500)
		if err != nil || len(page) == 0 {
			return in, err
		}
		for _, s := range page {
			after = s.Connection
			if !dead[s.Process] {
				continue
			}
			h, err := r.fetch(ctx, s.Connection, s.Process)
			if err != nil {
				return nil, err
			}
			if h != nil { // nil: it has just left, or moved
				in = append(in, h)
			}
		}
	}
}

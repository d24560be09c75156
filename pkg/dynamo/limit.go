package dynamo

import (
	"context"
	"fmt"
	"time"

	"github.com/runnel-sse/runnel/pkg/subscriber"
)

// Block is subscriber.Blocker's: one write of the counter that every such join
// moves, which is kept for as long.
func (r *Registry) Block(ctx context.Context, t subscriber.Target, until time.Time) error {
	if err := t.Check(); err != nil {
		return fmt.Errorf("dynamo: block: %w", err)
	}
	pk := t.Channel.String()
	if t.User != "" {
		pk = userPK + t.User
	}
	now := r.o.Now()
	kept := now
	change, values := "SET #expires = :expires REMOVE #until", item{}
	if !until.IsZero() {
		change, values[":until"] = "SET #expires = :expires, #until = :until", num(max(0, until.UnixMilli()))
		if until.After(now) {
			kept = until
		}
	}
	values[":expires"] = expiry(kept, counterLife)
	if _, _, err := r.update(ctx, r.changing(key(pk, countSK), change, "", values)); err != nil {
		return fmt.Errorf("dynamo: block: %w", err)
	}
	return nil
}

// First is subscriber.Once's: one conditional write.
func (r *Registry) First(ctx context.Context, id string, until time.Time) (bool, error) {
	if err := subscriber.CheckOnce(id); err != nil {
		return false, fmt.Errorf("dynamo: first: %w", err)
	}
	now := r.o.Now()
	refused, _, err := r.update(ctx, r.changing(key(oncePK+id, onceSK),
		"SET #until = :until, #expires = :expires", "attribute_not_exists(pk) OR #until <= :now", item{
			":until": num(max(0, until.UnixMilli())), ":now": num(now.UnixMilli()), ":expires": expiry(now, max(0, until.Sub(now))),
		}))
	if err != nil {
		return false, fmt.Errorf("dynamo: first: %w", err)
	}
	return !refused, nil
}

// Spend is subscriber.Budget's: one write.
func (r *Registry) Spend(ctx context.Context, stream, month string, seconds int64) (int64, error) {
	_, now, err := r.update(ctx, r.changing(key(budgetPK+stream, month), "SET #expires = :expires ADD n :seconds", "",
		item{":seconds": num(max(0, seconds)), ":expires": expiry(r.o.Now(), budgetLife)}))
	if err != nil {
		return 0, fmt.Errorf("dynamo: spend of %s: %w", stream, err)
	}
	n, _ := readNum(now, attrCount)
	return int64(n), nil
}

// Spent is subscriber.Budget's: one read.
func (r *Registry) Spent(ctx context.Context, stream, month string) (int64, error) {
	it, err := r.get(ctx, key(budgetPK+stream, month))
	if err != nil {
		return 0, fmt.Errorf("dynamo: spent of %s: %w", stream, err)
	}
	n, _ := readNum(it, attrCount)
	return int64(n), nil
}

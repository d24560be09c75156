package dynamo

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/runnel-sse/runnel/pkg/subscriber"
)

// Leave is subscriber.Registry's: one transaction where the connection leaves as
// it joined; where presence is kept, after a look at who is there.
func (r *Registry) Leave(ctx context.Context, c subscriber.Connection) ([]subscriber.News, error) {
	h := heldOf(c)
	_, news, gone, err := r.take(ctx, &h, c.Distinct())
	if err == nil && gone { // or it never was by this process
		var there *held
		if there, err = r.find(ctx, c); there != nil {
			_, news, _, err = r.take(ctx, there, c.Distinct())
		}
	}
	if err != nil {
		return nil, fmt.Errorf("dynamo: leave: %w", err)
	}
	return news, nil
}

// take takes the connection, as it is thought to be, from the seats, and with
// the last one from everything. It returns from how many it did, and whether
// it found that the connection is not there.
func (r *Registry) take(ctx context.Context, h *held, leaving []subscriber.Seat) (taken int, news []subscriber.News, gone bool, err error) {
	seen := map[string]item{}
	for attempt := 1; ; attempt++ {
		seats := slices.DeleteFunc(slices.Clone(leaving), func(s subscriber.Seat) bool { return !h.has(s.Channel) })
		if len(seats) == 0 {
			return taken, news, false, nil
		}
		for i := range seats { // as it is there, whatever the caller thinks
			seats[i].Presence = slices.Contains(h.Present, seats[i].Channel.String())
		}
		seats = seats[:fit(seats)]
		if err := r.look(ctx, h, seats, seen); err != nil {
			return taken, news, false, err
		}
		p := r.leaving(h, seats, seen)
		refused, err := r.transact(ctx, p)
		if err == nil {
			left := h.without(seats)
			h, taken, news = &left, taken+len(seats), append(news, p.news...)
			continue
		}
		if len(refused) == 0 || attempt >= maxAttempts {
			return taken, news, false, err
		}
		for _, f := range refused {
			switch {
			case f.what == aVisit:
				seen[at(visitKey(f.seat.Channel, h.User))] = f.found
			case f.found == nil:
				return taken, news, true, nil
			default:
				if h, err = readHeld(h.id, h.process, f.found); err != nil {
					return taken, news, false, err
				}
			}
		}
		if attempt > 3 {
			if err := pause(ctx, attempt); err != nil {
				return taken, news, false, err
			}
		}
	}
}

// leaving plans it.
func (r *Registry) leaving(h *held, seats []subscriber.Seat, seen map[string]item) *plan {
	p, none := &plan{}, subscriber.Seat{}
	less := func(k item, also string, by int) *types.Update {
		change, values := "ADD n :less", item{":less": minus(1)}
		if by != 0 {
			change, values[":by"] = change+", #"+also+" :by", minus(by)
		}
		return r.changing(k, change, "", values)
	}
	k, left := key(processPK+h.process, memberSK+h.id), h.without(seats)
	if !left.empty() {
		p.update(theConnection, none, r.changing(k, "SET v = :new", "v = :old", item{":old": h.text(), ":new": left.text()}))
	} else {
		p.remove(theConnection, none, r.removing(k, "v = :v", item{":v": h.text()}))
		if h.User != "" {
			p.remove(unconditional, none, r.removing(key(userPK+h.User, memberSK+h.id), "", nil))
			p.update(unconditional, none, less(key(userPK+h.User, countSK), "", 0))
		}
		if h.Address != "" {
			p.update(unconditional, none, less(key(addressPK+h.Address, countSK), "", 0))
		}
	}
	for _, s := range seats {
		p.remove(unconditional, s, r.removing(key(s.Channel.String(), memberSK+h.id), "", nil))
		p.update(unconditional, s, less(key(s.Channel.String(), countSK), "", 0))
		if s.Presence {
			r.depart(p, h.User, s, seen)
		}
	}
	return p
}

func minus(n int) types.AttributeValue { return &types.AttributeValueMemberN{Value: fmt.Sprint(-n)} }

// look reads the visits that the seats belong to, unless they are seen already.
func (r *Registry) look(ctx context.Context, h *held, seats []subscriber.Seat, seen map[string]item) error {
	var keys []item
	for _, s := range seats {
		k := visitKey(s.Channel, h.User)
		if _, known := seen[at(k)]; s.Presence && !known {
			keys = append(keys, k)
		}
	}
	if len(keys) == 0 {
		return nil
	}
	found, err := r.batchGet(ctx, keys)
	if err != nil {
		return err
	}
	for _, k := range keys {
		seen[at(k)] = nil
	}
	for _, it := range found {
		seen[at(it)] = it
	}
	return nil
}

// milli reads a time.
func milli(it item, name string) time.Time {
	n, _ := readNum(it, name)
	return time.UnixMilli(int64(n)).UTC()
}

package dynamo

import (
	"context"
	"time"

	"github.com/runnel-sse/runnel/pkg/subscriber"
)

// learn takes from a refusal how things are, and returns what ends the join.
func (j *joining) learn(ctx context.Context, refused []refusal) error {
	for _, f := range refused {
		if f.what == aLease {
			return subscriber.ErrLapsed
		}
	}
	known, err := j.learnConnection(ctx, refused)
	if known || err != nil {
		return err
	}
	for _, f := range refused {
		if err := j.blocked(f); err != nil {
			return err
		}
	}
	var full []*fullness
	for _, f := range refused {
		switch f.what {
		case aVisit:
			j.seen[at(visitKey(f.seat.Channel, j.c.User))] = f.found
		case aUser:
			full = append(full, &fullness{subscriber.LimitError{What: subscriber.OfUser, Limit: j.l.User}, j.c.User})
		case anAddress:
			of, err := j.learnAddress(f.found)
			if err != nil {
				return err
			}
			full = append(full, of...)
		case aChannel:
			full = append(full, &fullness{LimitError: subscriber.LimitError{
				What: subscriber.OfChannel, Channel: f.seat.Channel, Limit: f.seat.Limit,
			}})
		}
	}
	if len(full) == 0 {
		return nil
	}
	if j.freed {
		return &full[0].LimitError
	}
	j.freed = true
	freed, err := j.r.free(ctx, full)
	if err == nil && freed == 0 {
		return &full[0].LimitError
	}
	return err
}

// learnConnection is for a connection that is not as it was thought to be, and
// reports whether it is one.
func (j *joining) learnConnection(ctx context.Context, refused []refusal) (known bool, err error) {
	for _, f := range refused {
		switch f.what {
		case theConnection:
			if j.have != nil { // it changed while it was looked at
				j.have, err = j.r.find(ctx, j.c)
				return true, err
			}
			j.have, err = readHeld(j.c.ID, j.c.Process, f.found)
			return true, err
		case aMember:
			j.have, err = j.r.find(ctx, j.c)
			return true, err
		}
	}
	return false, nil
}

func (j *joining) blocked(f refusal) error {
	until, is := readNum(f.found, attrUntil)
	if !is || int64(until) <= j.r.o.Now().UnixMilli() {
		return nil
	}
	target := subscriber.Target{User: j.c.User}
	switch f.what {
	case aUser:
	case aChannel:
		target = subscriber.Target{Channel: f.seat.Channel}
	default:
		return nil
	}
	return &subscriber.BlockedError{Target: target, Until: time.UnixMilli(int64(until)).UTC()}
}

// learnAddress is for an address's counter that refused: full, in the midst of a
// second, or at the end of it.
func (j *joining) learnAddress(it item) ([]*fullness, error) {
	k := at(key(addressPK+j.c.Address, countSK))
	second, now := int64(0), j.r.o.Now().Unix()
	if s, ok := readNum(it, attrSecond); ok {
		second = int64(s)
	}
	delete(j.seen, k)
	if connects, _ := readNum(it, attrConnects); j.l.Rate > 0 && second >= now && second <= now+farSeconds {
		if connects >= uint64(j.l.Rate) {
			return nil, &subscriber.LimitError{What: subscriber.OfRate, Limit: j.l.Rate}
		}
		j.seen[k] = it
	}
	if n, _ := readNum(it, attrCount); j.l.Address > 0 && n >= uint64(j.l.Address) {
		return []*fullness{{subscriber.LimitError{What: subscriber.OfAddress, Limit: j.l.Address}, j.c.Address}}, nil
	}
	return nil, nil
}

package dynamo

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/runnel-sse/runnel/pkg/subscriber"
)

// seatWrites is how many writes for seats one transaction has room for, of the
// 100 that it may have.
const seatWrites = 94

// fit returns how many of the seats one transaction takes.
func fit(seats []subscriber.Seat) int {
	n := 0
	for i, s := range seats {
		if n += 2; s.Presence {
			n += 2
		}
		if n > seatWrites {
			return i
		}
	}
	return len(seats)
}

// Join is subscriber.Registry's: one transaction, unless a limit is reached, the
// user or the connection is there already, or the channels are very many. Of
// those, all or none is by undoing, which a crash leaves to the reaper.
func (r *Registry) Join(ctx context.Context, c subscriber.Connection, l subscriber.Limits) ([]subscriber.News, error) {
	if err := c.Check(); err != nil {
		return nil, fmt.Errorf("dynamo: join: %w", err)
	}
	var news []subscriber.News
	var added []subscriber.Seat
	for seats := c.Distinct(); len(seats) > 0; {
		n := fit(seats)
		j := &joining{r: r, c: c, l: l, want: seats[:n], seen: map[string]item{}}
		told, err := j.run(ctx)
		if err != nil {
			err = fmt.Errorf("dynamo: join: %w", err)
			if len(added) > 0 {
				c.Seats = added
				_, undone := r.Leave(context.WithoutCancel(ctx), c)
				err = errors.Join(err, undone)
			}
			return nil, err
		}
		news, added, seats = append(news, told...), append(added, j.seats...), seats[n:]
	}
	return news, nil
}

// joining is one join under way. It begins with what is usual, a connection and
// a user that are new, and plans anew with what a refusal shows.
type joining struct {
	r     *Registry
	c     subscriber.Connection
	l     subscriber.Limits
	want  []subscriber.Seat
	seats []subscriber.Seat // of those, what the connection has not

	have  *held           // the connection as it is there; nil: it is new
	seen  map[string]item // visits, and the address's counter, as they were found
	freed bool            // the dead were looked for
}

func (j *joining) run(ctx context.Context) ([]subscriber.News, error) {
	for attempt := 1; ; attempt++ {
		p, err := j.plan()
		if p == nil || err != nil {
			return nil, err
		}
		refused, err := j.r.transact(ctx, p)
		if err == nil {
			if j.have == nil || j.have.process == j.c.Process {
				return p.news, nil
			}
			j.have.process = j.c.Process // it has moved; now for the seats
			continue
		}
		if len(refused) == 0 || attempt >= maxAttempts {
			return nil, err
		}
		if err := j.learn(ctx, refused); err != nil {
			return nil, err
		}
		if attempt < 4 {
			continue
		}
		if err := pause(ctx, attempt); err != nil {
			return nil, err
		}
	}
}

// plan returns what to do next; nil: nothing.
func (j *joining) plan() (*plan, error) {
	p := &plan{}
	none := subscriber.Seat{}
	j.seats = slices.DeleteFunc(slices.Clone(j.want), func(s subscriber.Seat) bool { return j.have != nil && j.have.has(s.Channel) })
	p.all, p.kind = append(p.all, j.r.alive(j.c.Process)), append(p.kind, part{aLease, none})
	switch {
	case j.have == nil:
		j.enter(p)
	case j.have.process != j.c.Process:
		return p, j.move(p)
	default:
		if len(j.seats) == 0 {
			return nil, nil
		}
		p.update(theConnection, none, j.r.changing(key(processPK+j.c.Process, memberSK+j.c.ID),
			"SET v = :new", "v = :old", item{":old": j.have.text(), ":new": j.have.with(j.seats).text()}))
	}
	for _, s := range j.seats {
		it := key(s.Channel.String(), memberSK+j.c.ID)
		it[attrProcess], it[attrJoined] = text(j.c.Process), num(j.c.Joined.UnixMilli())
		if j.c.User != "" {
			it[attrUser] = text(j.c.User)
		}
		p.put(aMember, s, j.r.putting(it, "attribute_not_exists(pk)", nil))
		users := 0
		if s.Presence && j.c.User != "" {
			users = j.arrive(p, s)
		}
		p.update(aChannel, s, j.channel(s, users))
	}
	return p, nil
}

// enter is for a connection that is new.
func (j *joining) enter(p *plan) {
	none := subscriber.Seat{}
	c, r := j.c, j.r
	c.Seats = j.seats
	it := key(processPK+c.Process, memberSK+c.ID)
	it[attrValue] = heldOf(c).text()
	p.put(theConnection, none, r.putting(it, "attribute_not_exists(pk)", nil))
	if c.User != "" {
		it := key(userPK+c.User, memberSK+c.ID)
		it[attrProcess], it[attrJoined] = text(c.Process), num(c.Joined.UnixMilli())
		p.put(aMember, none, r.putting(it, "attribute_not_exists(pk)", nil))
		p.update(aUser, none, j.counter(key(userPK+c.User, countSK), j.l.User, true, "", 0))
	}
	if c.Address != "" {
		p.update(anAddress, none, j.address())
	}
}

// move puts the connection that is there under its present process.
func (j *joining) move(p *plan) error {
	none := subscriber.Seat{}
	r, h := j.r, j.have
	old := key(processPK+h.process, memberSK+h.id)
	it := key(processPK+j.c.Process, memberSK+h.id)
	it[attrValue] = h.text()
	p.remove(theConnection, none, r.removing(old, "v = :v", item{":v": h.text()}))
	p.put(theConnection, none, r.putting(it, "attribute_not_exists(pk)", nil))
	to := func(pk string) *types.Update {
		return r.changing(key(pk, memberSK+h.id), "SET #process = :process", "", item{":process": text(j.c.Process)})
	}
	if h.User != "" {
		p.update(unconditional, none, to(userPK+h.User))
	}
	seats, err := h.seats()
	for _, s := range seats {
		p.update(unconditional, s, to(s.Channel.String()))
	}
	return err
}

// channel is one more on the channel, and so many more users.
func (j *joining) channel(s subscriber.Seat, users int) *types.Update {
	return j.counter(key(s.Channel.String(), countSK), s.Limit, true, "users", users)
}

// counter is one more in a counter, not above its limit if there is one, and not
// while it is blocked if it can be.
func (j *joining) counter(k item, limit int, blockable bool, also string, by int) *types.Update {
	change, cond := "SET #expires = :expires ADD n :one", ""
	values := item{":expires": j.r.counterExpires(), ":one": num(1)}
	if by != 0 {
		change += ", #" + also + " :by"
		values[":by"] = num(by)
	}
	if blockable {
		cond = "(attribute_not_exists(#until) OR #until <= :now)"
		values[":now"] = num(j.r.o.Now().UnixMilli())
	}
	if limit > 0 {
		cond = and(cond, "(attribute_not_exists(n) OR n < :limit)")
		values[":limit"] = num(limit)
	}
	return j.r.changing(k, change, cond, values)
}

func and(a, b string) string {
	if a == "" {
		return b
	}
	return a + " AND " + b
}

// farSeconds is how far another process's clock may be ahead: what is further is
// no second that has begun.
const farSeconds = 5

// address is one more of the address, and one more connect of its second: of a
// new one, unless the counter was found in this one.
func (j *joining) address() *types.Update {
	k := key(addressPK+j.c.Address, countSK)
	u := j.counter(k, j.l.Address, false, "", 0)
	if j.l.Rate == 0 {
		return u
	}
	change, cond := *u.UpdateExpression, ""
	if u.ConditionExpression != nil {
		cond = *u.ConditionExpression
	}
	values, now := u.ExpressionAttributeValues, j.r.o.Now().Unix()
	if it := j.seen[at(k)]; it != nil {
		second, _ := readNum(it, attrSecond)
		change += ", #connects :one"
		cond = and(cond, "#second = :second AND #connects < :rate")
		values[":second"], values[":rate"] = num(second), num(j.l.Rate)
	} else {
		change = "SET #expires = :expires, #second = :second, #connects = :one ADD n :one"
		cond = and(cond, "(attribute_not_exists(#second) OR #second < :second OR #second > :far)")
		values[":second"], values[":far"] = num(now), num(now+farSeconds)
	}
	return j.r.changing(k, change, cond, values)
}

// at is the key as a map's.
func at(k item) string { return readText(k, PartitionKey) + "\x00" + readText(k, SortKey) }

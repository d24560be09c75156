package dynamo

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/subscriber"
)

// A visit is an item, u#{user} on the channel, from the user's arrival until it
// is said that they left. n is their connections; due, of the newest of their
// news, tells two goings of one visit apart; left is when the last connection
// went; over says that this is confirmed.

func visitKey(ch channel.Name, user string) item { return key(ch.String(), presentSK+user) }

func newsKey(n subscriber.News) item {
	return key(shard(newsPK, n.Channel.String(), newsShards), fmt.Sprintf("%013d#%s", n.Due.UnixMilli(), n.ID))
}

// arrive adds to the plan what one more connection of the user on the seat is,
// and returns how many users more the channel has.
func (j *joining) arrive(p *plan, s subscriber.Seat) (users int) {
	r, k := j.r, visitKey(s.Channel, j.c.User)
	v := j.seen[at(k)]
	n, _ := readNum(v, attrCount)
	switch {
	case n > 0:
		p.update(aVisit, s, r.changing(k, "ADD n :one", "n >= :one", item{":one": num(1)}))
		return 0
	case v != nil && v[attrOver] == nil: // back within the grace
		p.update(aVisit, s, r.changing(k, "SET n = :one REMOVE #left", "n = :none AND #visit = :visit AND #due = :due AND attribute_not_exists(#over)",
			item{":one": num(1), ":none": num(0), ":visit": v[attrVisit], ":due": v[attrDue]}))
		p.remove(unconditional, s, r.removing(newsKey(leftNews(s.Channel, j.c.User, v)), "", nil))
		return 0
	}
	now := time.UnixMilli(r.o.Now().UnixMilli()).UTC()
	news := subscriber.News{Channel: s.Channel, User: j.c.User, Kind: subscriber.Joined, At: now, Due: now}
	visit := rand.Text()
	news.ID = visit + "-" + news.Kind
	cond, values := "attribute_not_exists(pk)", item(nil)
	if v != nil { // confirmed, and not yet said
		before := leftNews(s.Channel, j.c.User, v)
		p.news = append(p.news, before)
		news.Due = later(news.Due, before.Due)
		cond, values = "#visit = :visit AND attribute_exists(#over)", item{":visit": v[attrVisit]}
	}
	it := visitKey(s.Channel, j.c.User)
	it[attrCount], it[attrVisit], it[attrSince], it[attrDue] = num(1), text(visit), num(now.UnixMilli()), num(news.Due.UnixMilli())
	p.put(aVisit, s, r.putting(it, cond, values))
	p.put(unconditional, s, r.putting(newsItem(news), "", nil))
	p.news = append(p.news, news)
	return 1
}

// depart adds to the plan what one connection less of the user on the seat is.
func (r *Registry) depart(p *plan, user string, s subscriber.Seat, seen map[string]item) {
	k := visitKey(s.Channel, user)
	v := seen[at(k)]
	if n, _ := readNum(v, attrCount); n != 1 {
		p.update(aVisit, s, r.changing(k, "ADD n :less", "n > :one", item{":less": minus(1), ":one": num(1)}))
		return
	}
	now := time.UnixMilli(r.o.Now().UnixMilli()).UTC()
	news := subscriber.News{
		Channel: s.Channel, User: user, Kind: subscriber.Left, At: now,
		Due: later(now.Add(s.Grace).Truncate(time.Millisecond), milli(v, attrDue)), ID: readText(v, attrVisit) + "-" + subscriber.Left,
	}
	p.update(aVisit, s, r.changing(k, "SET n = :none, #due = :due, #left = :left", "n = :one AND #visit = :visit AND #due = :was", item{
		":none": num(0), ":one": num(1), ":due": num(news.Due.UnixMilli()), ":left": num(now.UnixMilli()),
		":visit": v[attrVisit], ":was": v[attrDue],
	}))
	p.put(unconditional, s, r.putting(newsItem(news), "", nil))
	p.news = append(p.news, news)
}

// later is due, or right after the news before, so that an order by it is theirs.
func later(due, before time.Time) time.Time {
	if next := before.Add(time.Millisecond); due.Before(next) {
		return next
	}
	return due
}

// leftNews is what there is to say of a visit without connections.
func leftNews(ch channel.Name, user string, v item) subscriber.News {
	return subscriber.News{
		Channel: ch, User: user, Kind: subscriber.Left, At: milli(v, attrLeft), Due: milli(v, attrDue),
		ID: readText(v, attrVisit) + "-" + subscriber.Left,
	}
}

func newsItem(n subscriber.News) item {
	it := newsKey(n)
	it[attrChannel], it[attrUser], it[attrKind], it[attrAt] = text(n.Channel.String()), text(n.User), text(n.Kind), num(n.At.UnixMilli())
	return it
}

func readNews(it item) (n subscriber.News, err error) {
	due, id, _ := strings.Cut(readText(it, SortKey), "#")
	var ms int64
	if _, err := fmt.Sscanf(due, "%d", &ms); err != nil {
		return n, fmt.Errorf("news %q: %w", readText(it, SortKey), err)
	}
	n = subscriber.News{
		User: readText(it, attrUser), Kind: readText(it, attrKind), ID: id,
		At: milli(it, attrAt), Due: time.UnixMilli(ms).UTC(),
	}
	n.Channel, err = channel.Parse(readText(it, attrChannel))
	return n, err
}

// Due is subscriber.Outbox's: a query for each shard.
func (r *Registry) Due(ctx context.Context, now time.Time, limit int) ([]subscriber.News, error) {
	var due []subscriber.News
	for i := range newsShards {
		var faults error
		n := 0
		err := r.query(ctx, &dynamodb.QueryInput{
			TableName:              &r.table,
			KeyConditionExpression: new("pk = :pk AND sk < :end"),
			ExpressionAttributeValues: item{
				":pk": text(fmt.Sprint(newsPK, i)), ":end": text(fmt.Sprintf("%013d~", now.UnixMilli())),
			},
			ConsistentRead: new(true), Limit: new(int32(min(limit, 1000))), ReturnConsumedCapacity: total(),
		}, func(it item) bool {
			var one subscriber.News
			if one, faults = readNews(it); faults == nil {
				due = append(due, one)
			}
			n++
			return faults == nil && n < limit
		})
		if err = cmp.Or(err, faults); err != nil {
			return nil, fmt.Errorf("dynamo: due: %w", err)
		}
	}
	slices.SortFunc(due, func(a, b subscriber.News) int { return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.ID, b.ID)) })
	return due[:min(limit, len(due))], nil
}

// Confirm is subscriber.Outbox's. Left is one transaction, which takes the user
// out of the count; what is refused is looked up.
func (r *Registry) Confirm(ctx context.Context, n subscriber.News) (holds bool, err error) {
	if n.Kind == subscriber.Left {
		p := &plan{}
		s := subscriber.Seat{Channel: n.Channel}
		p.update(aVisit, s, r.changing(visitKey(n.Channel, n.User),
			"SET #over = :one", "n = :none AND #visit = :visit AND #due = :due AND attribute_not_exists(#over)", item{
				":none": num(0), ":one": num(1),
				":visit": text(strings.TrimSuffix(n.ID, "-"+n.Kind)), ":due": num(n.Due.UnixMilli()),
			}))
		p.update(unconditional, s, r.changing(key(n.Channel.String(), countSK), "ADD #users :less", "", item{":less": minus(1)}))
		refused, err := r.transact(ctx, p)
		switch {
		case err == nil:
			return true, nil
		case len(refused) == 0:
			return false, fmt.Errorf("dynamo: confirm: %w", err)
		}
	}
	// Whoever comes back within the grace takes the news away with it. So what
	// is there has been confirmed, or needs no confirming.
	it, err := r.get(ctx, newsKey(n))
	if err != nil {
		return false, fmt.Errorf("dynamo: confirm: %w", err)
	}
	return it != nil, nil
}

// Said is subscriber.Outbox's. The visit ends first: while its news are there,
// to say so again is not too late.
func (r *Registry) Said(ctx context.Context, n subscriber.News) error {
	if n.Kind == subscriber.Left {
		err := r.delete(ctx, r.removing(visitKey(n.Channel, n.User), "#visit = :visit AND attribute_exists(#over)",
			item{":visit": text(strings.TrimSuffix(n.ID, "-"+n.Kind))}))
		if err != nil {
			return fmt.Errorf("dynamo: said: %w", err)
		}
	}
	if err := r.delete(ctx, r.removing(newsKey(n), "", nil)); err != nil {
		return fmt.Errorf("dynamo: said: %w", err)
	}
	return nil
}

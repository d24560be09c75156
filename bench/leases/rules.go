package leases

import (
	"time"

	"github.com/runnel-sse/runnel/pkg/gateway"
	"github.com/runnel-sse/runnel/pkg/schema"
)

// Rules are what the report compares.
func Rules() []Rule {
	economy := schema.DefaultEconomy()
	const platform = 15 * time.Minute // the longest that Lambda lets a stream be
	return []Rule{
		rule("fixed, 15 min", gateway.Leases{MaxLife: platform}),
		rule("fixed, 60 s", gateway.Leases{MaxLife: time.Minute}),
		rule("adaptive, 60 s quiet", gateway.Leases{MaxLife: platform, QuietLife: time.Minute}),
		rule("economy, 25 s open, 60 s closed", gateway.Leases{MaxLife: platform, Economy: &economy}),
	}
}

// rule is the gateway's own.
func rule(name string, l gateway.Leases) Rule {
	return Rule{Name: name, Lease: func(from time.Duration, events []time.Duration) (to, back time.Duration) {
		var since []time.Duration
		for _, e := range events {
			if e-from > l.MaxLife {
				break
			}
			since = append(since, e-from)
		}
		lasts, away := l.Play(since)
		return from + lasts, from + lasts + away
	}}
}

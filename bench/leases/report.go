package leases

import (
	"fmt"
	"strings"
	"time"
)

// Report is the page that docs/benchmarks-leases.md is.
func Report(patterns []Pattern, rules []Rule, users int, seed uint64) string {
	visits := Day(patterns, users, seed)
	var b strings.Builder
	fmt.Fprintf(&b, `<!-- Written by "make bench/leases". Do not edit: run it again. -->

# What leases cost: %s users a day

Lambda bills a stream until its lease ends, also when its reader has left: it does not see that. This page plays the same day of visits (seed %d) against
each kind of lease, by the gateway's own rules (%s). It is arithmetic over assumed visits, not a measurement of an account. Ends of leases are random within a fifth, so the last digits differ from run to run.

| lease | client | connections | connection-hours | paid but unread, hours | share | in hidden tabs, hours | page there, not connected | longest | Lambda $ | DynamoDB $ | $ a day | times the best |
|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|
`, thousands(users), seed, "`pkg/gateway`")
	type row struct {
		rule, client string
		bill         Bill
	}
	var rows []row
	best := 0.0
	for _, rule := range rules {
		for _, goodbye := range []bool{false, true} {
			r := row{rule.Name, "plain `EventSource`", Play(visits, rule, goodbye)}
			if goodbye {
				r.client = "says goodbye"
			}
			rows = append(rows, r)
			if cost := r.bill.Cost(); best == 0 || cost < best {
				best = cost
			}
		}
	}
	there := pageHours(visits)
	for _, r := range rows {
		fmt.Fprintf(&b, "| %s | %s | %s | %.0f | %.1f | %.1f %% | %.0f | %.1f %% | %v | %.3f | %.3f | **%.2f** | %.1f |\n",
			r.rule, r.client, thousands(r.bill.Connections), r.bill.Paid.Hours(), r.bill.Unread.Hours(), 100*share(r.bill.Unread, r.bill.Paid),
			r.bill.Hidden.Hours(), 100*share(r.bill.Away, there), r.bill.LongestAway.Round(100*time.Millisecond),
			r.bill.Lambda(), r.bill.Dynamo(), r.bill.Cost(), r.bill.Cost()/best)
	}
	fmt.Fprintf(&b, "\nPages are there for %.0f hours in all. While a page is not connected its events wait, and come when it is back: within the retention none is lost.\n", there.Hours())
	byPattern(&b, patterns, visits, rules)
	sources(&b, patterns)
	return b.String()
}

// byPattern shows where the waste is.
func byPattern(b *strings.Builder, patterns []Pattern, visits []Visit, rules []Rule) {
	b.WriteString("\n## By pattern, plain `EventSource`: connection-hours (of them unread)\n\n| pattern | visits |")
	for _, rule := range rules {
		fmt.Fprintf(b, " %s |", rule.Name)
	}
	b.WriteString("\n|---|---:|" + strings.Repeat("---:|", len(rules)) + "\n")
	for _, p := range patterns {
		var of []Visit
		for _, v := range visits {
			if v.Pattern == p.Name {
				of = append(of, v)
			}
		}
		fmt.Fprintf(b, "| %s | %s |", p.Name, thousands(len(of)))
		for _, rule := range rules {
			bill := Play(of, rule, false)
			fmt.Fprintf(b, " %.1f (%.0f %%) |", bill.Paid.Hours(), 100*share(bill.Unread, bill.Paid))
		}
		b.WriteString("\n")
	}
}

// sources says where the numbers come from.
func sources(b *strings.Builder, patterns []Pattern) {
	b.WriteString("\n## What is assumed\n\nThe visits are drawn from the distributions in `bench/leases/patterns/`, which hold for nobody in particular: `-patterns DIR` plays one's own.\n\n")
	for _, p := range patterns {
		fmt.Fprintf(b, "- **%s**, %v a user and day: %s. %s\n", p.Name, p.Visits, p.What, p.Source)
	}
	fmt.Fprintf(b, "- **Goodbye**: where a client says it, it arrives with the chance that the pattern gives and ends the stream within %v; an assumption. Field measurements of beacons on page end (Speed Kit, 2023 and 2024) have up to 98 %% with the newest browser API.\n", sayGoodbye)
	fmt.Fprintf(b, "- **Channels**: %s.\n", Activity)
	fmt.Fprintf(b, `- **Prices**: %s. Lambda arm64 $%.10f a GB-second at %.0f MB, $%.2f a million requests, %v s billed before the first byte of each connection (assumed); no free tier, no traffic.
- **DynamoDB**: one connection in a process, which is the dearest way: %.0f write units to join and %.0f to leave (transactions count twice; presence not counted), a renewal of the lease every 15 s, %.0f polls of the heads of two channels a second; $%.3f a million write units, $%.3f a million read units.
`, PricesOf, gbSecond, memoryGB*1024, perRequest*1e6, startSecond, joinUnits, leaveUnits, pollsASec, writeUnit*1e6, readUnit*1e6)
}

// Cost is what a day costs, in dollars.
func (b Bill) Cost() float64 { return b.Lambda() + b.Dynamo() }

// pageHours is for how long pages are there, connected or not.
func pageHours(visits []Visit) (sum time.Duration) {
	for i := range visits {
		for _, s := range visits[i].Spans {
			if s.State != Gone {
				sum += s.To - s.From
			}
		}
	}
	return sum
}

func share(part, whole time.Duration) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}

func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

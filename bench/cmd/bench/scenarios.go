package main

import (
	"context"
	"fmt"
	"time"

	"github.com/runnel-sse/runnel/bench/load"
)

// ceiling raises the rate until a server no longer keeps up.
func ceiling() scenario {
	return scenario{
		name:    "ceiling",
		title:   "The ceiling: 1,000 readers of one channel, the highest rate with p99 ≤ 250 ms and nothing lost",
		columns: []column{{throughput, 0}, {rate, 0}, {p50, 0}, {p99, 0}, {perRead, 1}, {core, 2}, {ownCore, 2}, {perEvent, 2}},
		main:    throughput,
		targets: []target{
			atLeast(throughput, 3, "Node.js"),
			atLeast(throughput, 1, "go-sse"),
		},
		run: climb,
	}
}

// crowd is many readers.
func crowd() scenario {
	return scenario{
		name:    "crowd",
		title:   "A crowd: 10,000 readers of one channel, 5 events a second",
		columns: []column{{throughput, 0}, {lost, 0}, {cut, 0}, {p50, 0}, {p99, 0}, {slowest, 0}, {core, 2}, {perEvent, 1}},
		main:    p99,
		targets: []target{
			atMost(lost, 0, ""),
			atMost(cut, 0, ""),
			atMost(p99, 1000, " ms"),
		},
		run: fixed(10_000, 5, 6*time.Second),
	}
}

// steady is the ordinary case.
func steady() scenario {
	return scenario{
		name:    "steady",
		title:   "Steady: 1,000 readers of one channel, 10 events a second",
		columns: []column{{throughput, 0}, {lost, 0}, {cut, 0}, {p50, 1}, {p99, 1}, {slowest, 1}, {core, 2}, {perEvent, 1}},
		main:    p99,
		run:     fixed(1000, 10, 5*time.Second),
	}
}

// latency is from a publish to the frame of one reader.
func latency() scenario {
	return scenario{
		name:    "latency",
		title:   "From publish to frame: one reader, 200 events, 50 a second",
		columns: []column{{lost, 0}, {p50, 2}, {p99, 2}, {slowest, 2}, {core, 3}},
		main:    p99,
		targets: []target{atMost(p99, 10, " ms")},
		run:     fixed(1, 50, 4*time.Second),
	}
}

// pollInterval is how often `runnel dev --aws` asks DynamoDB for the heads; twice
// as often while each poll finds something, so events must come more seldom.
const pollInterval = 250 * time.Millisecond

// polling is latency again, with a database between that tells nobody.
func polling() scenario {
	const perEvent = 30 * time.Millisecond // for the append, the poll and the read
	return scenario{
		name:    "polling",
		title:   "From publish to frame through DynamoDB, polled every 250 ms: one reader, 60 events, 3 a second",
		columns: []column{{lost, 0}, {p50, 0}, {p99, 0}, {slowest, 0}, {core, 3}},
		main:    p99,
		targets: []target{
			atMost(lost, 0, ""),
			atMost(p99, ms(pollInterval+perEvent), " ms"),
		},
		run:   fixed(1, 3, 20*time.Second),
		alone: true,
		args:  []string{"--aws"},
		needs: "AWS_ENDPOINT_URL_DYNAMODB",
		hint:  "`localstack/up` brings a local DynamoDB up, `localstack/run make bench` measures with it",
		note:  "`runnel dev --aws` with DynamoDB Local on the same two cores: it shows what polling costs, not how fast DynamoDB is.",
	}
}

// idle is what readers cost that hear nothing.
func idle() scenario {
	return scenario{
		name:    "idle",
		title:   "Idle: 10,000 readers of one channel, nothing published",
		columns: []column{{perReader, 1}, {accepted, 0}, {acceptCPU, 2}},
		main:    perReader,
		targets: []target{atMost(perReader, 24, " KiB")},
		run:     wait,
	}
}

// Steps of the ceiling: by doubling until one fails, then on a fresh server by
// a quarter from the last that passed.
const (
	firstRate  = 16
	coarseStep = 2
	fineStep   = 1.25
	lastRate   = 20_000 // no server is expected here; it only ends the climb
	mostP99    = 250 * time.Millisecond
)

func climb(ctx context.Context, c contender, quick bool) (sample, error) {
	long := 2500 * time.Millisecond
	if quick {
		long = 1500 * time.Millisecond
	}
	good, best, err := climbBy(ctx, c, coarseStep, firstRate, long)
	if err != nil {
		return nil, err
	}
	if best == nil {
		return nil, fmt.Errorf("%s does not bear %d events a second", c.name, firstRate)
	}
	_, finer, err := climbBy(ctx, c, fineStep, good*fineStep, long)
	if err != nil {
		return nil, err
	}
	if finer != nil {
		best = finer
	}
	return best, nil
}

// climbBy returns the last rate that passed and what was measured there.
func climbBy(ctx context.Context, c contender, factor, from float64, long time.Duration) (good float64, best sample, err error) {
	s, err := open(ctx, c, 1000)
	if err != nil {
		return 0, nil, err
	}
	defer s.close()
	if err := s.warmUp(); err != nil {
		return 0, nil, err
	}
	for r := from; r <= lastRate; r *= factor {
		m, passed, err := s.step(r, long)
		if err != nil {
			return 0, nil, err
		}
		if !passed {
			break
		}
		good, best = r, m.sample()
		best[rate] = r
	}
	return good, best, nil
}

// step measures one rate. What fails is tried once more, since something else
// on the machine may have been the reason.
func (s *session) step(r float64, long time.Duration) (m measured, passed bool, err error) {
	for range 2 {
		m, err = s.measure(load.Plan{Rate: r, For: long, Drain: time.Second})
		if err != nil {
			return m, false, err
		}
		slow := m.Latency.Quantile(0.99)
		progress("    %6.0f events/s: p99 %v, %d missing, %d cut off", r, slow.Round(time.Millisecond), m.Missing, m.Cut)
		if m.Whole() && slow <= mostP99 {
			return m, true, nil
		}
		if m.Cut > 0 || slow > 4*mostP99 {
			break // who was cut off would be missing again; what is that late is no accident
		}
		if err := s.Idle(time.Second); err != nil {
			return m, false, err
		}
	}
	return m, false, nil
}

func wait(ctx context.Context, c contender, _ bool) (sample, error) {
	const readers = 10_000
	p, err := start(ctx, c)
	if err != nil {
		return nil, err
	}
	defer p.stop()
	g, err := load.New(p.addr)
	if err != nil {
		return nil, err
	}
	defer g.Close()
	time.Sleep(settle)
	before, err := p.rss()
	if err != nil {
		return nil, err
	}
	used, err := p.cpu()
	if err != nil {
		return nil, err
	}
	took, err := g.Connect(readers, 1, time.Minute)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, p.output)
	}
	now, err := p.cpu()
	if err != nil {
		return nil, err
	}
	if err := g.Idle(3 * time.Second); err != nil {
		return nil, err
	}
	after, err := p.rss()
	return sample{
		perReader: float64(after-before) / 1024 / readers,
		accepted:  readers / took.Seconds(),
		acceptCPU: (now - used).Seconds(),
	}, err
}

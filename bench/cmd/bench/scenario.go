package main

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/runnel-sse/runnel/bench/load"
)

// sample is what one run of a scenario has measured: the figures by name, NaN
// where there is none.
type sample map[string]float64

// scenario is one table.
type scenario struct {
	name    string // in flags
	title   string
	columns []column
	// main is the column that is compared: ours through theirs, or theirs
	// through ours where less is better.
	main    string
	targets []target
	run     func(ctx context.Context, c contender, quick bool) (sample, error)

	// alone: rivals have no such thing. args are what ours is started with
	// beside the usual.
	alone bool
	args  []string
	// needs is the environment variable without which it is left out; hint says
	// how to have it set.
	needs, hint string
	note        string // what to know of the figures
}

// entrants are those of the contenders that take part.
func (s scenario) entrants(cs []contender) []contender {
	if !s.alone {
		return cs
	}
	for _, c := range cs {
		if c.name == ours {
			return []contender{c.with(s.args...)}
		}
	}
	return nil
}

// leftOut says why the scenario cannot be run, or nothing.
func (s scenario) leftOut(entrants []contender, getenv func(string) string) string {
	switch {
	case len(entrants) == 0:
		return "only " + ours + " can be measured so, and it was not asked for."
	case s.needs != "" && getenv(s.needs) == "":
		return fmt.Sprintf("%s is not set; %s.", s.needs, s.hint)
	}
	return ""
}

// column is one figure of a table.
type column struct {
	name   string
	digits int
}

// target is what issue 2 asks of a figure of ours.
type target struct {
	text string
	met  func(medians map[string]sample) (value string, met bool)
}

func scenarios() []scenario {
	return []scenario{ceiling(), crowd(), steady(), latency(), polling(), idle()}
}

const settle = 500 * time.Millisecond

// session is a fresh server with its readers.
type session struct {
	*process
	*load.Generator
	connected time.Duration
}

func open(ctx context.Context, c contender, readers int) (*session, error) {
	p, err := start(ctx, c)
	if err != nil {
		return nil, err
	}
	s := &session{process: p}
	if s.Generator, err = load.New(p.addr); err != nil {
		p.stop()
		return nil, err
	}
	if s.connected, err = s.Connect(readers, 1, time.Minute); err == nil {
		err = s.Idle(settle)
	}
	if err != nil {
		s.close()
		return nil, fmt.Errorf("%w: %s", err, p.output)
	}
	return s, nil
}

func (s *session) close() {
	s.Close()
	s.stop()
}

// measured is a run of a plan with what it cost.
type measured struct {
	*load.Result
	server, generator time.Duration
}

func (s *session) measure(p load.Plan) (measured, error) {
	own := ownCPU()
	before, err := s.cpu()
	if err != nil {
		return measured{}, err
	}
	r, err := s.Run(p)
	if err != nil {
		return measured{}, fmt.Errorf("%w: %s", err, s.output)
	}
	after, err := s.cpu()
	return measured{Result: r, server: after - before, generator: ownCPU() - own}, err
}

// Names of figures.
const (
	throughput = "deliveries/s"
	rate       = "events/s"
	lost       = "lost"
	cut        = "cut off"
	p50        = "p50 ms"
	p99        = "p99 ms"
	slowest    = "max ms"
	perRead    = "deliveries a read"
	core       = "server core"
	ownCore    = "generator core"
	perEvent   = "server µs a delivery"
	perReader  = "KiB a reader"
	accepted   = "connections/s"
	acceptCPU  = "CPU s to accept"
)

func (m measured) sample() sample {
	return sample{
		throughput: m.Throughput(), rate: math.NaN(),
		lost: float64(m.Missing), cut: float64(m.Cut),
		p50: ms(m.Latency.Quantile(0.5)), p99: ms(m.Latency.Quantile(0.99)), slowest: ms(m.Latency.Max()),
		perRead:  float64(m.Delivered) / float64(max(1, m.Reads)),
		core:     m.server.Seconds() / m.Took.Seconds(),
		ownCore:  m.generator.Seconds() / m.Took.Seconds(),
		perEvent: float64(m.server.Microseconds()) / float64(max(1, m.Delivered)),
	}
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// warmUp lets a server compile, grow and settle before it is measured.
func (s *session) warmUp() error {
	_, err := s.Run(load.Plan{Rate: 10, For: time.Second, Drain: 10 * time.Second})
	return err
}

// fixed is a scenario at a fixed rate.
func fixed(readers int, rate float64, long time.Duration) func(context.Context, contender, bool) (sample, error) {
	return func(ctx context.Context, c contender, quick bool) (sample, error) {
		s, err := open(ctx, c, readers)
		if err != nil {
			return nil, err
		}
		defer s.close()
		if err := s.warmUp(); err != nil {
			return nil, err
		}
		plan := load.Plan{Rate: rate, For: long, Drain: 30 * time.Second}
		if quick {
			plan.For = 3 * time.Second
		}
		m, err := s.measure(plan)
		if err != nil {
			return nil, err
		}
		return m.sample(), nil
	}
}

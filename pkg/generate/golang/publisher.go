package golang

import (
	"strings"

	"github.com/runnel-sse/runnel/pkg/schema"
)

// publisher writes the package by which services publish: a method for each event.
func (p *pkg) publisher() ([]byte, error) {
	g := &generator{pkg: p, imports: map[string]string{
		"context": "context", publishPath: "runnel", p.Path: "events",
	}}
	g.line("// Publisher puts events into a queue, each checked against its definition and")
	g.line("// addressed by its own fields before it leaves. It is safe for concurrent use.")
	g.line("type Publisher struct { to *runnel.Publisher }\n")
	g.line("// New returns a Publisher for an SQS queue; client is an *sqs.Client. Order is kept")
	g.line("// within each channel when the queue's URL ends in .fifo.")
	g.line("func New(client runnel.Client, queueURL string) *Publisher { return To(runnel.SQS(client, queueURL)) }\n")
	g.line("// To returns a Publisher for any queue.")
	g.line("func To(queue runnel.Queue) *Publisher { return &Publisher{runnel.New(&events.Catalog, queue)} }\n")
	g.line("// Batch publishes several events in their order, of any streams, with as few calls")
	g.line("// as may be. One that is at fault keeps all from being sent; those that the queue")
	g.line("// did not take are in a *runnel.Unsent.")
	g.line("func (p *Publisher) Batch(ctx context.Context, all ...runnel.Item) error { return p.to.Batch(ctx, all...) }")
	for i := range p.c.Streams {
		s := &p.c.Streams[i]
		for j := range s.Events {
			g.publish(s, &s.Events[j])
		}
	}
	src, err := g.sourceOf(PublisherFile, "publish")
	if err != nil {
		return nil, err
	}
	doc := "// Package publish is what a service publishes the events of package " + p.Package + " with.\npackage publish\n"
	return []byte(strings.Replace(string(src), "package publish\n", doc, 1)), nil
}

func (g *generator) publish(s *schema.Stream, e *schema.Event) {
	name := g.typeName(s, e.Name)
	method := schema.Escape(name, own)
	g.line("\n// %s publishes to %s of %s.", method, s.Template, s.Name)
	if e.Doc != "" {
		g.line("//")
		g.comment(e.Doc)
	}
	g.line("func (p *Publisher) %s(ctx context.Context, e events.%s, o ...runnel.Option) error { return p.to.Publish(ctx, e, o...) }", method, name)
}

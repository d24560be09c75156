package ingest_test

import (
	"fmt"
	"log/slog"
	"testing"

	lambda "github.com/aws/aws-lambda-go/events"

	"github.com/runnel-sse/runnel/events"
	"github.com/runnel-sse/runnel/pkg/ingest"
	"github.com/runnel-sse/runnel/pkg/memory"
)

// BenchmarkSQS is what a batch of ten comments to three items costs beside the
// log itself.
func BenchmarkSQS(b *testing.B) {
	in := ingest.New(ingest.Config{
		Log: memory.NewLog(memory.LogOptions{MaxRecords: 1000}), Catalog: &events.Catalog, Logic: events.Logic, Logger: slog.New(slog.DiscardHandler),
	})
	var e lambda.SQSEvent
	for i := range 10 {
		e.Records = append(e.Records, message(fmt.Sprint("m", i), fmt.Sprintf(
			`{"event_type":"CommentAdded","context":{"item_owner_id":"u1"},"payload":{"comment_id":"7","item_id":"%d","author_name":"Ada","text":"The engine weaves algebraic patterns.","timestamp":1}}`, i%3)))
	}
	b.ReportAllocs()
	for b.Loop() {
		if resp, err := in.SQS(b.Context(), e); err != nil || len(resp.BatchItemFailures) > 0 {
			b.Fatal(resp, err)
		}
	}
}

package publish_test

import (
	"context"
	"errors"
	"log"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/runnel-sse/runnel/events"
	ours "github.com/runnel-sse/runnel/events/publish"
	"github.com/runnel-sse/runnel/pkg/publish"
)

// A service publishes in a few lines. e2e runs the same against a queue.
func Example() {
	ctx := context.Background()
	settings, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		log.Print(err)
		return
	}
	pub := ours.New(sqs.NewFromConfig(settings), os.Getenv("QUEUE_URL"))
	err = pub.CommentAdded(ctx, events.CommentAdded{
		CommentID: "7", ItemID: "42", AuthorName: "Ada", Text: "hi", Timestamp: time.Now().Unix(),
	}, publish.WithID("comment-7-added")) // the same when the service tries again
	if unsent, ok := errors.AsType[*publish.Unsent](err); ok {
		log.Printf("try %s again: %v", unsent.Messages[0].ID, err)
	}
}

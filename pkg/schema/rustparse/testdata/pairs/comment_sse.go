package events

// CommentStream tells the readers of an item what happens to its comments.
//
//sse:channel item:{item_id}
//sse:policy public
//sse:presence

// CommentAdded says that a comment was written.
type CommentAdded struct {
	CommentID string `json:"comment_id"`
	ItemID    string `json:"item_id"`
	// Timestamp is in Unix seconds.
	Timestamp int64 `json:"timestamp"`
}

type CommentDeleted struct {
	ItemID string `json:"item_id"`
}

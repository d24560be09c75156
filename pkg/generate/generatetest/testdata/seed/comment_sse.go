package events

// CommentStream tells the readers of an item what happens to its comments, and
// which of the signed-in users read with them.
//
//sse:channel item:{item_id}
//sse:policy public
//sse:presence

// CommentAdded says that a comment was written.
type CommentAdded struct {
	CommentID  string `json:"comment_id"`
	ItemID     string `json:"item_id"`
	AuthorName string `json:"author_name"`
	Text       string `json:"text"`
	Timestamp  int64  `json:"timestamp"` // Unix seconds
}

// CommentUpdated says that a comment has another text now.
type CommentUpdated struct {
	CommentID string `json:"comment_id"`
	ItemID    string `json:"item_id"`
	NewText   string `json:"new_text"`
	EditedAt  int64  `json:"edited_at"` // Unix seconds
}

// CommentDeleted says that a comment is gone.
type CommentDeleted struct {
	CommentID string `json:"comment_id"`
	ItemID    string `json:"item_id"`
}

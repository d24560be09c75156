//! CommentStream tells the readers of an item what happens to its comments.
//sse:channel item:{item_id}
//sse:policy public
//sse:presence

/// CommentAdded says that a comment was written.
pub struct CommentAdded {
    pub comment_id: String,
    pub item_id: String,
    /// Timestamp is in Unix seconds.
    pub timestamp: i64,
}

pub struct CommentDeleted {
    pub item_id: String,
}

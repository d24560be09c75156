pub struct CommentAdded {
    pub comment_id: String,
    pub item_id: String,
    pub author_name: String,
    pub text: String,
    pub timestamp: i64,
}

pub struct CommentUpdated {
    pub comment_id: String,
    pub item_id: String,
    pub new_text: String,
    pub edited_at: i64,
}

pub struct EmailSent {
    pub user_id: String,
    pub email_type: String,
    pub sent_to: String,
    pub correlation_id: String,
}

pub struct TaskComplete {
    pub user_id: String,
    pub task_type: String,
    pub result: String,
    pub duration_ms: u64,
}

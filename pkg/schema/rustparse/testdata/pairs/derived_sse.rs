pub struct TaskComplete {
    pub user_id: String,
    pub duration_ms: u64,
}

pub struct SystemAlert {
    pub message: String,
    pub severity: String,
    pub expires_at: i64,
}

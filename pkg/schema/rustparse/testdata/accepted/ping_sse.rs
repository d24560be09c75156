pub struct Ping {}

/// Pong
///
/// answers.
pub struct Pong { pub of: Option<String> /* nothing */ }

//! Streams whose names are words of other languages.
//sse:channel class:{self_id}

/// A name that another stream has too.
#[derive(serde::Serialize, serde::Deserialize)]
pub struct Record {
    pub self_id: String,
    #[serde(rename = "let")]
    pub let_: Option<Level>,
}

/// `Level` here is not the `Level` there.
#[derive(serde::Serialize, serde::Deserialize)]
pub enum Level {
    Low,
    High,
}

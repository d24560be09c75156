use chrono::{DateTime, Utc};
use std::collections::HashMap;

//sse:channel all

pub struct Every {
    pub s: String,
    pub b: bool,
    pub i8: i8,
    pub i16: i16,
    pub i32: i32,
    pub i64: i64,
    pub u8: u8,
    pub u16: u16,
    pub u32: u32,
    pub u64: u64,
    pub f32: f32,
    pub f64: f64,
    pub bytes: Vec<u8>,
    pub at: DateTime<Utc>,
    pub maybe: Option<String>,
    pub empty: Option<Vec<String>>,
    pub list: Vec<Option<Box<Part>>>,
    pub map: HashMap<String, Vec<Part>>,
    pub level: Level,
    pub r#type: Alias,
}

/// Part is a part.
#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Part {
    pub inner_part: Inner,
}

#[derive(serde::Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub struct Inner {
    pub up: DateTime<Utc>,
}

pub type Alias = i32;

#[derive(serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    Low,
    VeryLow,
    #[serde(rename = "bad/worse")]
    Worse,
}

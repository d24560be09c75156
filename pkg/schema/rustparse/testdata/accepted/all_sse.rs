#![allow(dead_code)]
//! AllStream has everything.
//!
//!
//! Really.
//
//sse:channel a:{item_id}:{n}
//sse:policy claim
//sse:retention 90m
//sse:limit 100
//sse:limit user 5
//sse:limit address  20
//sse:presence
//sse:budget 500h

use chrono::{DateTime, FixedOffset, Utc as Zulu};
use serde::{Deserialize, Serialize};
use std::collections::{self, BTreeMap};
use std::fmt;

/* A comment /* in a comment */ "and a quote */

/// One is an event.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub struct One {
    /** ItemID is
     * whose it is. */
    #[serde(rename = "item_id")]
    pub id: self::Key,
    #[doc = " how many"]
    pub n: u16,
    pub b: bool,
    pub r: i32,
    pub f: f32,
    #[serde(with = "stand_ins::base64")]
    pub raw: Vec<u8>,
    #[serde(default, with = "stand_ins::base64", skip_serializing_if = "Vec::is_empty")]
    pub maybe_raw: Vec<u8>,
    pub at: DateTime<Zulu>,
    pub there: chrono::DateTime<FixedOffset>,
    #[serde(with = "chrono::serde::ts_milliseconds")]
    pub ms: DateTime<Zulu>,
    #[serde(with = "chrono::serde::ts_seconds_option")]
    pub s: Option<DateTime<Zulu>>,
    pub note: std::option::Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quiet: Option<Box<f64>>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub maybe: Vec<String>,
    #[serde(skip)]
    pub private: (usize, &'static str),
    pub lists: Vec<Vec<i64>>,
    pub map: BTreeMap<Key, Part>,
    pub other: collections::HashMap<String, Vec::<Option<(Part)>>>,
    pub level: Level,
    pub r#type: i8,
    #[serde(rename = "\x79\u{5f}Y")] pub y: u64,
}

pub type Key = String;

/// Part is no event: One consists of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Part {
    pub inner_part: Inner,
    #[serde(rename = r#"WHEN"#)]
    pub at: ::chrono::DateTime<chrono::Utc>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Inner {
    pub v: Small,
}

type Small = u8;

/// Level is how bad it is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    #[serde(rename = "bad/worse")]
    High = 1 + (2 * 3),
    VeryLow = -7,
    Ünder,
}

impl Default for Part {
    fn default() -> Part {
        Part { inner_part: Inner::default(), at: Default::default() }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let brace = '{';
        write!(f, "}} {brace} {:?} {}", self, r##"}"# ""##)
    }
}

const LIMIT: usize = { 3 };
static NAME: &[u8; 2] = b"}\"";

pub trait Named<'a> {
    fn name(&'a self) -> &'a str where Self: Sized;
}

const fn double(n: u32) -> u32 { n * 2 }

#[cfg(test)]
mod tests {
    use super::*;
    pub struct NotAnEvent(pub One);
}

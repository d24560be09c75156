//! ParcelStream follows a parcel.
//sse:channel parcel:{number}:{carrier}
//sse:policy claim
//sse:retention 48h
//sse:limit user 5
//sse:function orders

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// ParcelMoved says where a parcel is.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ParcelMoved {
    pub number: i64,
    pub carrier: Carrier,
    pub stops: Vec<Stop>,
    /// What was measured, by sensor.
    pub readings: HashMap<String, Vec<f32>>,
    pub delivered_at: Option<DateTime<Utc>>,
    pub weight_grams: Option<u16>,
    #[serde(rename = "event_type")]
    pub cause: String,
    pub tracking_url: Option<String>,
}

/// ParcelLost says that nobody knows.
pub struct ParcelLost {
    pub number: i64,
    pub carrier: Carrier,
    pub seen: DateTime<Utc>,
    pub proof: Vec<u8>,
}

/// Where a parcel was.
#[derive(Serialize, Deserialize)]
pub struct Stop {
    pub city: String,
    pub at: DateTime<Utc>,
    pub parts: Option<Vec<Option<i32>>>,
}

/// Carrier carries.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Carrier {
    OwnFleet,
    Post,
    #[serde(rename = "3rd party")]
    Third,
    #[serde(rename = "*")]
    Any,
    #[serde(rename = "post!")]
    PostAgain,
}

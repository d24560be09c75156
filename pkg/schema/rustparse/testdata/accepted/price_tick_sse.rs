use chrono::prelude::*;
use std::collections::{btree_map::{self, BTreeMap as Tree}, *};

// PriceTickStream has words around its directive,
//sse:channel symbol:{symbol}
// on both sides.

/// PriceChanged is one line.
pub struct PriceChanged { pub symbol: String, pub at: DateTime<Utc>, pub here: DateTime<Local>, pub side: Side, pub by: Tree<String, bool>, pub to: HashMap<String, u32>, pub of: btree_map::BTreeMap<String, Vec<u8>> }

/// Side is which.
#[allow(non_camel_case_types)]
pub enum Side { BUY, Sell, r#Short_sale }

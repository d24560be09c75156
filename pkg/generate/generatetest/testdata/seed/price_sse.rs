//! PriceStream tells everybody what a symbol costs, many times a second.
//sse:channel symbol:{symbol}
//sse:policy public
//sse:retention 1h

/// PriceChanged says that a symbol has another price now.
pub struct PriceChanged {
    pub symbol: String,
    pub price: f64,
    /// Change since the day began, in percent.
    pub change: f64,
    /// Unix milliseconds
    pub at: i64,
}

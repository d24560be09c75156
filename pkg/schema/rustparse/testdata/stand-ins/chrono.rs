// The times of chrono that a definition may name.
#[derive(Clone, Copy, Debug, Default)]
pub struct Utc;
#[derive(Clone, Copy, Debug, Default)]
pub struct Local;
#[derive(Clone, Copy, Debug, Default)]
pub struct FixedOffset;
#[derive(Clone, Copy, Debug, Default)]
pub struct DateTime<Zone>(pub i64, pub Zone);

pub mod prelude {
    pub use super::{DateTime, FixedOffset, Local, Utc};
}

//! What the judgement is worth: simulated fleets with known truth, and real cases.
//!
//! Fleets are made as minima of ten minutes, at which the server studies hosts as well. Seeds and
//! families of leaks, and the habits of healthy tags, are split in two: one half may be looked at
//! when rules are tuned, the other only tells how good they are.

pub mod cases;
pub mod fleet;
pub mod halves;
pub mod report;
pub mod study;

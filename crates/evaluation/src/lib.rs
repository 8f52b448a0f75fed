//! What the judgement is worth: simulated fleets with known truth, and real cases.
//!
//! Fleets are made as minima of ten minutes, and detection goes through their months as it does in the
//! server: the same code with the same windows, paces and bounds. Seeds and
//! families of leaks, and the habits of healthy tags, are split in two: one half may be looked at
//! when rules are tuned, the other only tells how good they are.

pub mod cases;
pub mod fleet;
mod formats;
pub mod generated;
pub mod halves;
pub mod history;
mod machine;
pub mod month;
pub mod poolbench;
pub mod report;
pub mod simulated;
pub mod study;
pub mod tag_scans;

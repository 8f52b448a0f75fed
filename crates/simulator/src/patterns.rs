//! The patterns that every simulation draws from: how hosts work, how leaks grow, and who is behind
//! them. The live simulation shows them in whole snapshots by the minute; the evaluation in months of
//! ten-minute minima. Nothing here knows which of the two asks.

pub mod activity;
pub mod growth;
pub mod leaks;
pub mod load;
pub mod rng;
pub mod runs;
pub mod software;
pub mod workload;

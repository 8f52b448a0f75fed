//! What scripts use.

pub(super) mod hosts;
pub(super) mod snapshots;
pub(super) mod tags;

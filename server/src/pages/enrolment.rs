//! How hosts come into the fleet and go: who waits, rules, tokens.

pub(super) mod candidate;
pub(super) mod decide;
pub(super) mod deploy;
pub(super) mod kit;
pub(super) mod rules;
pub(super) mod waiting;

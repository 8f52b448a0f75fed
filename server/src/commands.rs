//! What the command line offers.

pub(crate) mod admin;
pub(crate) mod check;
pub(crate) mod diagnose;
pub(crate) mod import;
pub(crate) mod migrate;
pub(crate) mod serve;

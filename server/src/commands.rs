//! What the command line offers.

pub(crate) mod admin;
pub(crate) mod check;
pub(crate) mod config;
pub(crate) mod diagnose;
pub(crate) mod health;
pub(crate) mod import;
pub(crate) mod migrate;
mod parsed_settings;
mod preflight;
pub(crate) mod serve;

//! Who may pass: hosts by their keys, people by sessions, scripts by tokens.

pub mod audit;
pub mod hosts;
pub mod people;
mod visible_fleet;

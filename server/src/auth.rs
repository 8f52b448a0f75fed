//! What tells who somebody is: keys, passwords, secrets and known devices, and how often it is tried.

pub mod callers;
pub mod devices;
pub mod host_keys;
pub mod passwords;
pub mod personal_shares;
pub mod sealing;
pub mod second_factor;
pub mod secrets;
pub mod sign_in_limits;

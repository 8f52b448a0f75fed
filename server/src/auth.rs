//! Who is there: hosts by their keys, people by sessions, scripts by tokens.

pub mod devices;
pub mod hosts;
pub mod passwords;
pub mod people;
pub mod secrets;
pub mod sign_in_limits;

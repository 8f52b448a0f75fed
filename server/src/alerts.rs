//! What people are told: which messages there are, who gets them, and how they get out.

pub mod answer;
pub mod deliver;
pub mod digest;
pub mod dispatch;
pub mod incident;
pub mod mailer;
pub mod rule_alert;
pub mod secrets;
mod signs;
pub mod silencing;
pub mod syslog;
pub mod webhook;
pub mod windows;

pub use signs::{heartbeat, plain_message};

//! What people are told: which messages there are, who gets them, and how they get out.

pub mod answer;
pub mod deliver;
pub mod dispatch;
pub mod incident;
pub mod kept_mailer;
pub mod mailer;
mod signs;
pub mod silencing;
pub mod webhook;

pub use signs::{heartbeat, plain_message};

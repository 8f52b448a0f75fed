//! How alerting is set up.

use jiff::{SignedDuration, Timestamp};

/// Where a sign of life goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Heartbeat {
    /// Nowhere.
    #[default]
    Off,
    /// To who is told of everything by mail.
    Mail,
    /// To a URL, by GET.
    Url(String),
}

/// How alerting is set up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AlertSettings {
    /// Whether webhooks may go to loopback, link-local and private addresses.
    pub allows_private: bool,
    /// Where a sign of life goes.
    pub heartbeat: Heartbeat,
    /// How often.
    pub heartbeat_every: SignedDuration,
    /// When the last one was given.
    pub heartbeat_at: Option<Timestamp>,
    /// What the other side said of it.
    pub heartbeat_answer: Option<String>,
}

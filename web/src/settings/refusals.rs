//! Who was refused lately, and why (`GET /settings/refusals`).

use askama::Template;
use jiff::Timestamp;

use crate::{HostLink, Shell, assets, figures};

/// Who was refused since the server started.
#[derive(Debug, Clone, Template)]
#[template(path = "settings/refusals.html")]
pub struct RefusalsPage {
    /// What surrounds the page.
    pub shell: Shell,
    /// One per party and reason, latest first.
    pub rows: Vec<RefusalRow>,
}

/// What somebody was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusalRow {
    /// The host, where it is one.
    pub host: Option<HostLink>,
    /// Who it is otherwise: a person, a token or an address.
    pub who: String,
    /// What it was, in some words.
    pub title: &'static str,
    /// The reason that was told last.
    pub reason: String,
    /// What was asked for last.
    pub asked: String,
    /// How often.
    pub times: u64,
    /// When last.
    pub last: Timestamp,
}

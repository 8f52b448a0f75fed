//! What runs here (`GET /settings/about`).

use askama::Template;

use crate::{Shell, assets, figures};

/// What runs here.
#[derive(Debug, Clone, Template)]
#[template(path = "settings/about.html")]
pub struct AboutPage {
    /// What surrounds the page.
    pub shell: Shell,
    /// Version of the server.
    pub version: &'static str,
    /// Number of the newest migration of the schema.
    pub schema: i64,
    /// Version of Postgres, as it tells.
    pub postgres: String,
    /// Address of the console.
    pub public_url: String,
    /// Hosts that are known.
    pub hosts: u64,
}

//! What runs here, how it does, and how it is configured (`GET /settings/server`).

use askama::Template;
use jiff::Timestamp;
use poolwatch_model::Bytes;

use crate::{Shell, assets, figures};

/// How something stands that the server looks at of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CheckState {
    /// Nothing is wrong.
    Good,
    /// It works, and somebody should look at it.
    Warning,
    /// It does not work.
    Failed,
}

impl CheckState {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Warning => "warning",
            Self::Failed => "failed",
        }
    }

    /// The class that colours it.
    #[must_use]
    pub const fn class(self) -> &'static str {
        match self {
            Self::Good => "calm",
            Self::Warning => "warning",
            Self::Failed => "critical",
        }
    }
}

/// Something that the server looks at of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelfCheck {
    /// A stable word for it.
    pub name: &'static str,
    /// How it stands.
    pub state: CheckState,
    /// What was found, and what to do about it.
    pub words: String,
}

impl SelfCheck {
    /// Its name on the page.
    #[must_use]
    pub fn title(&self) -> String {
        let mut letters = self.name.chars();
        let first = letters.next().map(|letter| letter.to_ascii_uppercase());
        first.into_iter().chain(letters).collect()
    }
}

/// A setting in effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingRow {
    /// Its name in the file of settings.
    pub name: String,
    /// Its variable in the environment.
    pub variable: String,
    /// Its value, where it has one that may be shown.
    pub value: Option<String>,
    /// Where that comes from.
    pub source: &'static str,
}

/// What runs here.
#[derive(Debug, Clone, Template)]
#[template(path = "settings/server.html")]
pub struct ServerPage {
    /// What surrounds the page.
    pub shell: Shell,
    /// Version of the server.
    pub version: &'static str,
    /// When it was started.
    pub started: Timestamp,
    /// Number of the newest migration of the schema.
    pub schema: Option<i64>,
    /// Version of Postgres, as it tells.
    pub postgres: Option<String>,
    /// What the database takes of its disk.
    pub database: Option<Bytes>,
    /// Address of the console.
    pub public_url: String,
    /// Hosts that are known.
    pub hosts: u64,
    /// What it looks at of itself.
    pub checks: Vec<SelfCheck>,
    /// The file of settings.
    pub file: String,
    /// Settings that somebody set, then those at their defaults.
    pub settings: Vec<SettingRow>,
}

impl ServerPage {
    /// The sentence above the page.
    #[must_use]
    pub fn headline(&self) -> String {
        let count = |state| self.checks.iter().filter(|check| check.state == state).count() as u64;
        match (count(CheckState::Failed), count(CheckState::Warning)) {
            (0, 0) => "The server is well.".to_owned(),
            (0, warnings) => {
                format!("{} to look at.", figures::counted(warnings, "thing", "things"))
            }
            (failed, _) => {
                format!("{} not work.", figures::counted(failed, "thing does", "things do"))
            }
        }
    }
}

//! Tokens of scripts and services (`GET /settings/tokens`), and the table of tokens that the account
//! page shows as well.

use askama::Template;
use jiff::Timestamp;
use poolwatch_model::person::Role;

use super::groups::ScopeForm;
use crate::{Shell, assets, figures, words};

/// All tokens.
#[derive(Debug, Clone, Template)]
#[template(path = "settings/tokens.html")]
pub struct TokensPage {
    /// What surrounds the page.
    pub shell: Shell,
    /// The tokens, latest first.
    pub tokens: Vec<TokenRow>,
    /// Whose hosts a new token sees.
    pub scope: ScopeForm,
}

/// A token in a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRow {
    /// Its number.
    pub id: i32,
    /// What it is for.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Whether it sees the hosts of some groups alone.
    pub is_limited: bool,
    /// The person whose it is; none for a service.
    pub owner: Option<String>,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created: Timestamp,
    /// When it ends.
    pub expires: Option<Timestamp>,
    /// When it was last used.
    pub last_used: Option<Timestamp>,
}

impl TokenRow {
    /// Whether its time is over.
    pub(crate) fn has_ended(&self, now: &Timestamp) -> bool {
        self.expires.is_some_and(|at| at <= *now)
    }
}

//! The identity provider that people sign in by (`GET /settings/sign-in`).

use askama::Template;
use jiff::Timestamp;

use crate::{Shell, assets, figures};

/// The identity provider.
#[derive(Debug, Clone, Template)]
#[template(path = "settings/sign_in.html")]
pub struct SignInPage {
    /// What surrounds the page.
    pub shell: Shell,
    /// What is set.
    pub provider: ProviderView,
    /// The address that the provider sends people back to.
    pub back: String,
    /// Groups of hosts, by number and name.
    pub groups: Vec<(i32, String)>,
}

/// An identity provider, without its secret.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProviderView {
    /// Whether the command line or environment names it.
    pub is_fixed: bool,
    /// Its address; empty where none is set.
    pub issuer: String,
    /// As what this server is known to it.
    pub client_id: String,
    /// Whether it shares a secret with this server.
    pub has_secret: bool,
    /// What it is asked for.
    pub scopes: String,
    /// The claim that holds groups.
    pub groups_claim: String,
    /// What groups may do, a rule on a line.
    pub rules: String,
    /// Who set it, and when.
    pub changed: Option<(String, Timestamp)>,
    /// Why what was set cannot be read.
    pub trouble: Option<String>,
}

impl ProviderView {
    fn is_set(&self) -> bool {
        !self.issuer.is_empty()
    }
}

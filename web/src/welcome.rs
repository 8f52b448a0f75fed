//! What a one-time link opens (`GET /welcome`): a person sets their password, or somebody becomes the
//! first administrator.

use askama::Template;

use crate::assets;

/// Sets a password.
#[derive(Debug, Clone, Template)]
#[template(path = "welcome.html")]
pub struct WelcomePage {
    /// The link's secret, to come back with the form.
    pub link: String,
    /// E-mail address of whose password it is; none for the first administrator, who types one.
    pub email: Option<String>,
    /// What was typed as name and e-mail address.
    pub typed: (String, String),
    /// Fewest characters of a password.
    pub min_characters: usize,
    /// Why the last attempt failed.
    pub error: Option<String>,
}

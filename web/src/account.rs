//! One's own account (`GET /account`): password, second factor, sessions, tokens; and secrets that are
//! shown once.

use askama::Template;
use jiff::Timestamp;
use poolwatch_model::person::Role;

use crate::{Shell, assets, figures, list::SavedViewLink, settings::tokens::TokenRow, words};

/// The account of who is signed in.
#[derive(Debug, Clone, Template)]
#[template(path = "account.html")]
pub struct AccountPage {
    /// What surrounds the page.
    pub shell: Shell,
    /// E-mail address.
    pub email: String,
    /// Recovery codes that are left, where a second factor is enabled.
    pub recovery_codes: Option<u64>,
    /// Where the person is signed in, latest first.
    pub sessions: Vec<SessionRow>,
    /// The person's tokens, latest first.
    pub tokens: Vec<TokenRow>,
    /// The views that the person keeps, by name.
    pub views: Vec<SavedViewLink>,
    /// What was done, or why not.
    pub notice: Option<AccountNotice>,
}

/// What was done, or why not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccountNotice {
    /// It was done.
    Done(&'static str),
    /// It was refused.
    Refused(String),
}

/// Where somebody is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    /// Its number.
    pub id: i64,
    /// Whether it is the one that asks.
    pub is_this: bool,
    /// Address that it began at.
    pub address: String,
    /// What the browser calls itself.
    pub user_agent: String,
    /// When it began.
    pub created: Timestamp,
    /// When it was last used.
    pub last_used: Option<Timestamp>,
    /// When it ends by itself.
    pub expires: Timestamp,
}

impl SessionRow {
    /// Browser and system in few words: `Firefox on Windows`.
    #[must_use]
    pub fn browser(&self) -> String {
        let first = |names: &[(&str, &'static str)]| {
            let found = names.iter().find(|(part, _)| self.user_agent.contains(part));
            found.map(|(_, name)| *name)
        };
        let browser = first(&[
            ("Edg/", "Edge"),
            ("OPR/", "Opera"),
            ("Chrome/", "Chrome"),
            ("Firefox/", "Firefox"),
            ("Safari/", "Safari"),
        ]);
        let system = first(&[
            ("Windows", "Windows"),
            ("Android", "Android"),
            ("iPhone", "iPhone"),
            ("iPad", "iPad"),
            ("Mac OS", "macOS"),
            ("Linux", "Linux"),
        ]);
        match (browser, system) {
            (Some(browser), Some(system)) => format!("{browser} on {system}"),
            (Some(only), None) | (None, Some(only)) => only.to_owned(),
            (None, None) => self.user_agent.chars().take(40).collect(),
        }
    }
}

/// A secret that is shown once.
#[derive(Debug, Clone, Template)]
#[template(path = "secret.html")]
pub struct SecretPage {
    /// What surrounds the page.
    pub shell: Shell,
    /// What it is.
    pub headline: String,
    /// What to do with it.
    pub advice: String,
    /// The secret, a line for each.
    pub secrets: Vec<String>,
    /// Where to go on: address and what it is called.
    pub back: (&'static str, &'static str),
}

/// Enables a second factor.
#[derive(Debug, Clone, Template)]
#[template(path = "second_factor.html")]
pub struct SecondFactorPage {
    /// What surrounds the page.
    pub shell: Shell,
    /// The secret in base 32, for who cannot scan.
    pub secret: String,
    /// The secret, sealed, to come back with the code.
    pub sealed: String,
    /// The modules of the code to scan, row by row.
    pub modules: Vec<Vec<bool>>,
    /// Why the last code was not taken.
    pub error: Option<&'static str>,
}

impl SecondFactorPage {
    /// Modules of one side, with the quiet zone around.
    fn side(&self) -> usize {
        self.modules.len() + 8
    }

    /// The dark modules as the path of an SVG.
    fn path(&self) -> String {
        let mut path = String::new();
        for (y, row) in self.modules.iter().enumerate() {
            for (x, _) in row.iter().enumerate().filter(|(_, dark)| **dark) {
                path.push_str(&format!("M{} {}h1v1h-1z", x + 4, y + 4));
            }
        }
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_called_by_its_name_and_system() {
        let browser = |user_agent: &str| {
            let at = Timestamp::UNIX_EPOCH;
            let user_agent = user_agent.to_owned();
            let (created, expires) = (at, at);
            SessionRow {
                id: 1,
                is_this: false,
                address: String::new(),
                user_agent,
                created,
                last_used: None,
                expires,
            }
            .browser()
        };
        let edge = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                    Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0";
        assert_eq!(browser(edge), "Edge on Windows");
        assert_eq!(
            browser("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0"),
            "Firefox on Linux"
        );
        assert_eq!(browser("curl/8.5.0"), "curl/8.5.0");
    }
}

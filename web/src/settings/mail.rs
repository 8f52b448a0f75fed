//! The mail server (`GET /settings/mail`), and a test of it.

use askama::Template;
use jiff::Timestamp;

use crate::{Shell, assets, figures};

/// The mail server that warnings are sent by.
#[derive(Debug, Clone, Template)]
#[template(path = "settings/mail.html")]
pub struct MailSettingsPage {
    /// What surrounds the page.
    pub shell: Shell,
    /// What counts.
    pub server: MailServerView,
    /// What came of a test.
    pub test: Option<MailTest>,
}

/// The mail server as it is set, without its password.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MailServerView {
    /// Whether the command line or the environment sets it, so that no page changes it.
    pub is_fixed: bool,
    /// Its name.
    pub host: String,
    /// Its port.
    pub port: Option<u16>,
    /// How it is encrypted.
    pub security: MailSecurity,
    /// User that the server signs in as; empty for none.
    pub user: String,
    /// Whether a password is kept.
    pub has_password: bool,
    /// Sender of the mails.
    pub from: String,
    /// Address of the authority that gives tokens to sign in with; empty for none.
    pub token_url: String,
    /// Number of the application that asks for tokens.
    pub client_id: String,
    /// Who set it, and when.
    pub changed: Option<(String, Timestamp)>,
}

impl MailServerView {
    /// Whether there is one.
    #[must_use]
    pub fn is_set(&self) -> bool {
        !self.host.is_empty()
    }
}

/// How mail is encrypted on its way to the mail server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MailSecurity {
    /// It begins plain and has to become TLS.
    #[default]
    StartTls,
    /// TLS from the beginning.
    Tls,
    /// Not at all.
    Plain,
}

impl MailSecurity {
    /// All, in the order in which they are offered.
    pub const ALL: [Self; 3] = [Self::StartTls, Self::Tls, Self::Plain];

    /// Its value in a form.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::StartTls => "starttls",
            Self::Tls => "tls",
            Self::Plain => "none",
        }
    }

    /// What it is called.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::StartTls => "STARTTLS, usually port 587",
            Self::Tls => "TLS from the start, usually port 465",
            Self::Plain => "none, usually port 25",
        }
    }
}

/// What came of a test mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailTest {
    /// Who it was sent to.
    pub to: String,
    /// Whether the mail server took it.
    pub is_accepted: bool,
    /// What the mail server said, in its own words.
    pub answer: String,
}

//! Signing in (`GET /login`, `POST /login` with `email`, `password`, `next`).

use askama::Template;

use crate::{assets, figures::duration, links};

/// The page that asks who is there.
#[derive(Debug, Clone, Template)]
#[template(path = "login.html")]
pub struct LoginPage {
    /// What was typed as e-mail address.
    pub email: String,
    /// Why the last attempt failed.
    pub error: Option<LoginError>,
    /// Path to go to afterwards.
    pub next: String,
    /// The identity provider that people can sign in by.
    pub provider: Option<String>,
}

impl LoginPage {
    fn provider_url(&self) -> String {
        links::Address::new("/login/provider").with("next", &self.next).finish()
    }

    /// Its host: what people know it by.
    fn provider_name(&self) -> Option<&str> {
        let issuer = self.provider.as_deref()?;
        let (_, rest) = issuer.split_once("://")?;
        rest.split(['/', ':']).next()
    }
}

/// The page that asks for the code of an authenticator.
#[derive(Debug, Clone, Template)]
#[template(path = "code.html")]
pub struct CodePage {
    /// Who gave the right password, sealed, to come back with the code.
    pub pending: String,
    /// Path to go to afterwards.
    pub next: String,
    /// Why the last code was not taken.
    pub error: Option<String>,
}

/// Why somebody is not signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoginError {
    /// No such person, or another password. Which of both is not told.
    WrongCredentials,
    /// Too many attempts.
    TooManyAttempts {
        /// When the next one is allowed, seconds.
        retry_after_s: u32,
    },
    /// The session is over.
    Expired,
    /// The identity provider did not say who it is, or who it says may not sign in.
    Provider(String),
}

impl LoginError {
    fn text(&self) -> String {
        match self {
            Self::WrongCredentials => "E-mail address or password is wrong.".to_owned(),
            Self::TooManyAttempts { retry_after_s } => {
                format!("Too many attempts. Try again in {}.", duration(u64::from(*retry_after_s)))
            }
            Self::Provider(error) => error.clone(),
            Self::Expired => "You were signed out. Sign in again to go on.".to_owned(),
        }
    }
}

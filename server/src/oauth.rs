//! Signing in to a mail server by OAuth2, as Exchange Online asks for: client credentials (RFC 6749,
//! section 4.4) give a token, and the token signs in (XOAUTH2).

use std::{sync::Arc, time::Duration};

use anyhow::{Context, anyhow, ensure};
use lettre::{
    AsyncSmtpTransport, Tokio1Executor,
    transport::smtp::{
        AsyncSmtpTransportBuilder,
        authentication::{Credentials, Mechanism},
    },
};
use reqwest::{Client, Url, redirect::Policy};
use serde::Deserialize;
use tokio::{sync::Mutex, time::Instant};

/// What tokens of Exchange Online are asked for.
pub const EXCHANGE_SCOPE: &str = "https://outlook.office365.com/.default";
/// How long the authority may take.
const TIMEOUT: Duration = Duration::from_secs(20);
/// A token is renewed so long before it expires.
const SPARE: Duration = Duration::from_secs(120);
/// Bytes of an answer that are read.
const ANSWER_BYTES: usize = 64 << 10;

/// Who asks for a token, and where.
#[derive(Clone, PartialEq, Eq)]
pub struct OAuthClient {
    /// Address of the authority's tokens
    /// (`https://login.microsoftonline.com/TENANT/oauth2/v2.0/token`).
    pub token_url: String,
    /// The application's number.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// What the token is for.
    pub scope: String,
}

impl std::fmt::Debug for OAuthClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OAuthClient").field("token_url", &self.token_url).finish_non_exhaustive()
    }
}

/// Gives tokens, each for as long as it is good.
#[derive(Debug, Clone)]
pub struct TokenSource {
    client: OAuthClient,
    kept: Arc<Mutex<Option<KeptToken>>>,
}

struct KeptToken {
    token: String,
    until: Instant,
}

impl std::fmt::Debug for KeptToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeptToken").field("until", &self.until).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: Option<String>,
    expires_in: Option<u64>,
    error: Option<String>,
    error_description: Option<String>,
}

impl TokenSource {
    /// Gives tokens for this client.
    #[must_use]
    pub fn new(client: OAuthClient) -> Self {
        Self { client, kept: Arc::default() }
    }

    /// A token that is good for some minutes at least.
    ///
    /// # Errors
    /// What the authority said, or why it was not reached.
    async fn token(&self) -> anyhow::Result<String> {
        let mut kept = self.kept.lock().await;
        if let Some(kept) = kept.as_ref().filter(|kept| Instant::now() < kept.until) {
            return Ok(kept.token.clone());
        }
        let new = self.client.ask().await.context("no token to sign in with")?;
        let token = new.token.clone();
        *kept = Some(new);
        Ok(token)
    }

    /// A connection to a mail server that signs in as this user by a token.
    ///
    /// # Errors
    /// What the authority said, or why it was not reached.
    pub async fn sign_in(
        &self,
        builder: &AsyncSmtpTransportBuilder,
        user: &str,
    ) -> anyhow::Result<AsyncSmtpTransport<Tokio1Executor>> {
        let credentials = Credentials::new(user.to_owned(), self.token().await?);
        let builder = builder.clone().authentication(vec![Mechanism::Xoauth2]);
        Ok(builder.credentials(credentials).build())
    }

    /// Forgets a token that the mail server did not take.
    pub async fn forget(&self) {
        *self.kept.lock().await = None;
    }
}

impl OAuthClient {
    async fn ask(&self) -> anyhow::Result<KeptToken> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().redirect(Policy::none()).timeout(TIMEOUT).build()?;
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", &self.client_id),
            ("client_secret", &self.client_secret),
            ("scope", &self.scope),
        ];
        // A query is written as a form is.
        let form = Url::parse_with_params("form:", fields)?;
        let url: Url = self.token_url.parse().context("the authority's address is no URL")?;
        let request = client
            .post(url)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.query().unwrap_or_default().to_owned());
        let mut response = request.send().await.map_err(reqwest::Error::without_url)?;
        let status = response.status();
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await? {
            body.extend_from_slice(&piece);
            ensure!(body.len() <= ANSWER_BYTES, "{status}: the answer is too long");
        }
        let answer: TokenAnswer = serde_json::from_slice(&body)
            .map_err(|_| anyhow!("{status}, and no answer of an authority"))?;
        let token = answer.access_token.ok_or_else(|| {
            let words = answer.error_description.or(answer.error).unwrap_or_default();
            anyhow!("{status} {}", words.lines().next().unwrap_or_default())
        })?;
        let lasts = Duration::from_secs(answer.expires_in.unwrap_or(600));
        Ok(KeptToken { token, until: Instant::now() + lasts.saturating_sub(SPARE) })
    }
}

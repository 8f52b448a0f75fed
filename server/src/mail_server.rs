//! The mail server: named on the command line, or set by the console and kept with its password sealed.

use std::time::Duration;

use anyhow::Context;
use jiff::Timestamp;
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor, message::Mailbox,
    transport::smtp::AsyncSmtpTransportBuilder,
};
use poolwatch_store::settings::{self, Setting};
use poolwatch_web::settings::mail::{MailSecurity, MailServerView};
use serde::{Deserialize, Deserializer, Serialize, de::Error};
use sqlx::PgConnection;
use tracing::error;
use utoipa::ToSchema;

use crate::{
    answer_words::{error_in_words, smtp_answer},
    auth::sealing::SealingKey,
    oauth::{EXCHANGE_SCOPE, OAuthClient, TokenSource},
    parameters::read_number,
};

/// Name of the setting, and what its password is sealed for.
const NAME: &str = "mail server";
/// How long a test may take for one step of the conversation.
const TIMEOUT: Duration = Duration::from_secs(15);

/// How mail is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailServer {
    /// `smtp://…` or `smtps://…`, with user and password.
    pub smtp_url: String,
    /// Sender.
    pub from: String,
    /// How tokens to sign in with are got, where one signs in by them.
    pub oauth: Option<OAuthClient>,
}

/// A mail server as somebody types it.
#[derive(Clone, Deserialize, ToSchema)]
pub struct MailServerDraft {
    /// Its name; empty for no mail server.
    #[serde(default)]
    host: String,
    /// Its port; the usual one of its encryption without it.
    #[serde(default, deserialize_with = "read_number")]
    #[schema(value_type = Option<u16>)]
    port: Option<u16>,
    /// How it is encrypted: `starttls`, `tls` or `none`.
    #[serde(deserialize_with = "read_security")]
    #[schema(value_type = String)]
    security: MailSecurity,
    /// User to sign in as; empty for none.
    #[serde(default)]
    user: String,
    /// Password, or the secret of the application that asks for tokens; empty for the one that is kept
    /// for the same server and user.
    #[serde(default)]
    password: String,
    /// Address of the authority that gives tokens; empty where one signs in without.
    #[serde(default)]
    token_url: String,
    /// Number of the application that asks for tokens.
    #[serde(default)]
    client_id: String,
    /// Sender.
    #[serde(default)]
    from: String,
}

impl MailServerDraft {
    /// What the audit log keeps of it.
    #[must_use]
    pub fn describe(&self) -> String {
        format!("{}, {}, from {}", self.host, self.security.as_str(), self.from)
    }
}

fn read_security<'de, D: Deserializer<'de>>(from: D) -> Result<MailSecurity, D::Error> {
    let typed = String::deserialize(from)?;
    let known = MailSecurity::ALL.into_iter().find(|one| one.as_str() == typed);
    known.ok_or_else(|| Error::custom("the encryption is one of starttls, tls and none"))
}

/// A mail server as it is kept.
#[derive(Debug, Serialize, Deserialize)]
struct KeptMailServer {
    host: String,
    port: Option<u16>,
    security: String,
    user: String,
    sealed_password: String,
    from: String,
    #[serde(default)]
    token_url: String,
    #[serde(default)]
    client_id: String,
}

impl KeptMailServer {
    fn security(&self) -> MailSecurity {
        let all = MailSecurity::ALL.into_iter();
        all.into_iter().find(|one| one.as_str() == self.security).unwrap_or_default()
    }

    fn open_password(&self, key: &SealingKey) -> Option<String> {
        let sealed = hex::decode(&self.sealed_password).ok()?;
        String::from_utf8(key.open_sealed(NAME, &sealed)?).ok()
    }

    fn to_server(&self, password: &str) -> MailServer {
        let encode =
            |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
        let (scheme, query) = match self.security() {
            MailSecurity::StartTls => ("smtp", "?tls=required"),
            MailSecurity::Tls => ("smtps", ""),
            MailSecurity::Plain => ("smtp", ""),
        };
        let user = match self.user.is_empty() || !self.token_url.is_empty() {
            true => String::new(),
            false => format!("{}:{}@", encode(&self.user), encode(password)),
        };
        let port = self.port.unwrap_or(match self.security() {
            MailSecurity::StartTls => 587,
            MailSecurity::Tls => 465,
            MailSecurity::Plain => 25,
        });
        let smtp_url = format!("{scheme}://{user}{}:{port}{query}", self.host);
        let oauth = (!self.token_url.is_empty()).then(|| OAuthClient {
            token_url: self.token_url.clone(),
            client_id: self.client_id.clone(),
            client_secret: password.to_owned(),
            scope: EXCHANGE_SCOPE.to_owned(),
        });
        MailServer { smtp_url, from: self.from.clone(), oauth }
    }
}

impl MailServer {
    /// As the page shows it, without its password.
    #[must_use]
    pub fn view(&self) -> MailServerView {
        let address = self.smtp_url.parse::<axum::http::Uri>().ok();
        let address = address.as_ref();
        let authority = address.and_then(|it| it.authority()).map_or("", |it| it.as_str());
        let user = authority.rsplit_once('@').map_or("", |(user, _)| user);
        let is_tls = address.and_then(|it| it.scheme_str()) == Some("smtps");
        let has_query = address.and_then(|it| it.query()).is_some_and(|it| it.contains("tls="));
        MailServerView {
            is_fixed: true,
            host: address.and_then(|it| it.host()).unwrap_or("?").to_owned(),
            port: address.and_then(axum::http::Uri::port_u16),
            security: match (is_tls, has_query) {
                (true, _) => MailSecurity::Tls,
                (false, true) => MailSecurity::StartTls,
                (false, false) => MailSecurity::Plain,
            },
            user: user.split(':').next().unwrap_or_default().to_owned(),
            has_password: user.contains(':'),
            from: self.from.clone(),
            token_url: self.oauth.as_ref().map(|it| it.token_url.clone()).unwrap_or_default(),
            client_id: self.oauth.as_ref().map(|it| it.client_id.clone()).unwrap_or_default(),
            changed: None,
        }
    }

    /// Sends a mail to try it. Returns what the mail server said when it took it.
    ///
    /// # Errors
    /// What the mail server said, or why it was not reached.
    pub async fn send_test(&self, to: &str, console: &str) -> Result<String, String> {
        let text = format!(
            "This mail was sent from {console}, where somebody tried the mail server of \
             Poolwatch. Nothing has to be done.\n"
        );
        self.send_text(to, "Poolwatch tries its mail server", text).await
    }

    /// Sends a text at once. Returns what the mail server said when it took it.
    ///
    /// # Errors
    /// What the mail server said, or why it was not reached.
    pub async fn send_text(&self, to: &str, subject: &str, text: String) -> Result<String, String> {
        let from: Mailbox = self.from.parse().map_err(|error| format!("sender: {error}"))?;
        let transport = self.sign_in(&from).await.map_err(|error| format!("{error:#}"))?;
        let to: Mailbox = to.trim().parse().map_err(|error| format!("{to}: {error}"))?;
        let mail = Message::builder().from(from).to(to).subject(subject);
        let mail = mail.body(text).map_err(|error| error.to_string())?;
        match transport.send(mail).await {
            Ok(response) => Ok(smtp_answer(&response)),
            Err(error) => Err(error_in_words(&error)),
        }
    }

    async fn sign_in(&self, from: &Mailbox) -> anyhow::Result<AsyncSmtpTransport<Tokio1Executor>> {
        let builder = self.builder()?;
        match &self.oauth {
            None => Ok(builder.build()),
            Some(client) => {
                TokenSource::new(client.clone()).sign_in(&builder, from.email.as_ref()).await
            }
        }
    }

    fn builder(&self) -> anyhow::Result<AsyncSmtpTransportBuilder> {
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(&self.smtp_url)
            .context("the mail server's name is none")?;
        Ok(builder.timeout(Some(TIMEOUT)))
    }
}

/// The mail server that the console set.
///
/// # Errors
/// When the database fails, or the password was sealed by another key.
pub async fn load(db: &mut PgConnection, key: &SealingKey) -> anyhow::Result<Option<MailServer>> {
    let Some((kept, _)) = kept(db).await? else { return Ok(None) };
    let password = match kept.sealed_password.is_empty() {
        true => String::new(),
        false => kept.open_password(key).context(
            "the mail server's password was sealed by another key than the one in the data \
             folder: type it again under Settings, Mail",
        )?,
    };
    Ok(Some(kept.to_server(&password)))
}

/// The mail server that the console set, for its page; none where what is kept cannot be read.
///
/// # Errors
/// When the database fails.
pub async fn load_view(db: &mut PgConnection) -> anyhow::Result<MailServerView> {
    let Some((kept, setting)) = kept(db).await? else { return Ok(MailServerView::default()) };
    Ok(MailServerView {
        is_fixed: false,
        security: kept.security(),
        has_password: !kept.sealed_password.is_empty(),
        changed: Some((setting.changed_by, setting.changed)),
        host: kept.host,
        port: kept.port,
        user: kept.user,
        from: kept.from,
        token_url: kept.token_url,
        client_id: kept.client_id,
    })
}

async fn kept(db: &mut PgConnection) -> anyhow::Result<Option<(KeptMailServer, Setting)>> {
    let Some(setting) = settings::get(db, NAME).await? else { return Ok(None) };
    match serde_json::from_value(setting.value.clone()) {
        Ok(kept) => Ok(Some((kept, setting))),
        Err(error) => {
            error!(%error, "The mail server that was set cannot be read: set it again");
            Ok(None)
        }
    }
}

/// Keeps what a form sent; a mail server without a name takes away what was kept. Returns why it is
/// not taken, if it is not.
///
/// # Errors
/// When the database fails.
pub async fn save(
    db: &mut PgConnection,
    key: &SealingKey,
    typed: MailServerDraft,
    by: &str,
    now: Timestamp,
) -> anyhow::Result<Result<(), String>> {
    let MailServerDraft { host, port, security, user, password, token_url, client_id, from } =
        typed;
    let (token_url, client_id) = (token_url.trim().to_owned(), client_id.trim().to_owned());
    let host = host.trim().to_owned();
    if host.is_empty() {
        settings::forget(db, NAME).await?;
        return Ok(Ok(()));
    }
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
    if !host.chars().all(is_name) {
        return Ok(Err("A mail server's name looks like mail.example.com.".into()));
    }
    if let Err(error) = from.trim().parse::<Mailbox>() {
        return Ok(Err(format!("The sender is not a mail address: {error}.")));
    }
    if !token_url.is_empty() && (!token_url.starts_with("https://") || client_id.is_empty()) {
        return Ok(Err(
            "Tokens come from an https:// address, to an application that has a number.".into(),
        ));
    }
    let old = kept(db).await?;
    let security = security.as_str().to_owned();
    // It is of that server, user and encryption alone: who changes them types it again.
    let is_same = |old: &KeptMailServer| {
        (&old.host, &old.user, &old.security) == (&host, &user, &security)
            && (&old.token_url, &old.client_id) == (&token_url, &client_id)
    };
    let sealed_password = match (password.is_empty(), old) {
        (false, _) => hex::encode(key.seal(NAME, password.as_bytes())?),
        (true, Some((old, _))) if is_same(&old) => old.sealed_password,
        (true, _) => String::new(),
    };
    let from = from.trim().to_owned();
    let kept =
        KeptMailServer { host, port, security, user, sealed_password, from, token_url, client_id };
    if let Err(error) = kept.to_server("").builder() {
        return Ok(Err(format!("{error:#}")));
    }
    settings::set(db, NAME, &serde_json::to_value(&kept)?, by, now).await?;
    Ok(Ok(()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_lines_server_is_shown_without_its_password() {
        let server = MailServer {
            smtp_url: "smtps://ana:pa%40ss@mail.example.com:4650".into(),
            from: "p@example.com".into(),
            oauth: None,
        };
        let view = server.view();
        assert_eq!((view.host.as_str(), view.port), ("mail.example.com", Some(4650)));
        assert_eq!((view.security, view.user.as_str()), (MailSecurity::Tls, "ana"));
        assert!(view.is_fixed && view.has_password && !format!("{view:?}").contains("pa%40ss"));
    }

    // The mailer keeps its connections by a task of the runtime.
    #[tokio::test]
    async fn what_is_kept_becomes_an_address_that_the_mailer_takes() {
        let kept = |security: MailSecurity, port| KeptMailServer {
            host: "mail.example.com".into(),
            port,
            security: security.as_str().into(),
            user: "ana@x".into(),
            sealed_password: String::new(),
            from: "p@example.com".into(),
            token_url: String::new(),
            client_id: String::new(),
        };
        for (kept, begins, ends) in [
            (
                kept(MailSecurity::StartTls, None),
                "smtp://%61",
                "@mail.example.com:587?tls=required",
            ),
            (kept(MailSecurity::Tls, Some(4650)), "smtps://%61", "@mail.example.com:4650"),
            (kept(MailSecurity::Plain, None), "smtp://%61", "@mail.example.com:25"),
        ] {
            let server = kept.to_server("p:/@ss");
            let url = &server.smtp_url;
            assert!(url.starts_with(begins) && url.ends_with(ends), "{url}");
            assert!(server.builder().is_ok() && server.oauth.is_none(), "{url}");
        }
        let by_token = KeptMailServer {
            token_url: "https://login.example/token".into(),
            client_id: "app".into(),
            ..kept(MailSecurity::StartTls, None)
        };
        let server = by_token.to_server("secret");
        assert!(server.smtp_url.starts_with("smtp://mail.example.com:587"), "{}", server.smtp_url);
        assert_eq!(server.oauth.unwrap().client_secret, "secret");
    }
}

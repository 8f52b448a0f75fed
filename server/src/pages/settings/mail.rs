//! The mail server (`/settings/mail`).

use axum::{
    Extension,
    extract::State,
    http::Uri,
    response::{Html, IntoResponse, Redirect, Response},
};
use poolwatch_store::audit::Outcome;
use poolwatch_web::{
    Page,
    settings::mail::{MailSecurity, MailServerView, MailSettingsPage, MailTest},
};
use serde::Deserialize;

use super::{address, shell};
use crate::{
    access::{audit::AuditNote, people::Person},
    app::{App, SharedApp},
    app_error::AppError,
    mail_server::{self, TypedMailServer},
    parameters::Form,
};

const PATH: &str = "/settings/mail";

/// What the form sends.
#[derive(Deserialize)]
pub(in crate::pages) struct Typed {
    #[serde(default)]
    host: String,
    #[serde(default)]
    port: String,
    security: String,
    #[serde(default)]
    user: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    token_url: String,
    #[serde(default)]
    client_id: String,
    #[serde(default)]
    from: String,
}

/// What the test takes.
#[derive(Debug, Deserialize)]
pub(in crate::pages) struct Recipient {
    to: String,
}

/// The page.
pub(in crate::pages) async fn page(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    uri: Uri,
) -> Result<Html<String>, AppError> {
    let server = load(&app).await?;
    let shell = shell(&app, &person, address(&uri));
    Ok(Html(MailSettingsPage { shell, server, test: None }.render()?))
}

async fn load(app: &App) -> Result<MailServerView, AppError> {
    if let Some(fixed) = &app.settings.mail_server {
        return Ok(fixed.view());
    }
    let mut db = app.pool.acquire().await?;
    mail_server::load_view(&mut db).await.map_err(AppError::internal)
}

/// Keeps another mail server.
pub(in crate::pages) async fn save(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Form(typed): Form<Typed>,
) -> Result<(Extension<AuditNote>, Redirect), AppError> {
    if app.settings.mail_server.is_some() {
        return Err(AppError::bad_request(
            "The server's command line or environment names the mail server. Change it there.",
        ));
    }
    let Typed { host, port, security, user, password, token_url, client_id, from } = typed;
    let port = match port.trim() {
        "" => None,
        port => Some(
            port.parse().map_err(|_| AppError::bad_request("A port is 1 to 65535, or empty."))?,
        ),
    };
    let security = MailSecurity::ALL.into_iter().find(|one| one.as_str() == security);
    let security = security.ok_or_else(|| AppError::bad_request("Choose an encryption."))?;
    let note = AuditNote::new("mail server", format!("{host}, {}, from {from}", security.as_str()));
    let typed =
        TypedMailServer { host, port, security, user, password, token_url, client_id, from };
    let mut db = app.pool.acquire().await?;
    let saved =
        mail_server::save(&mut db, &app.sealing_key, typed, &person.name, app.clock.now()).await;
    saved.map_err(AppError::internal)?.map_err(AppError::bad_request)?;
    Ok((Extension(note), Redirect::to(PATH)))
}

/// Sends a mail, and shows what the mail server says.
pub(in crate::pages) async fn test(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Form(Recipient { to }): Form<Recipient>,
) -> Result<Response, AppError> {
    let server = match &app.settings.mail_server {
        Some(fixed) => Some(fixed.clone()),
        None => {
            let mut db = app.pool.acquire().await?;
            mail_server::load(&mut db, &app.sealing_key)
                .await
                .map_err(|error| AppError::bad_request(error.to_string()))?
        }
    };
    let server = server.ok_or_else(|| AppError::bad_request("Set a mail server first."))?;
    let said = server.send_test(&to, &app.settings.public_url).await;
    let is_accepted = said.is_ok();
    let answer = said.unwrap_or_else(|error| error);
    let outcome = if is_accepted { Outcome::Done } else { Outcome::Failed };
    let note = AuditNote::new(to.trim(), format!("test mail {}: {answer}", outcome.as_str()));
    let page = MailSettingsPage {
        shell: shell(&app, &person, PATH.to_owned()),
        server: load(&app).await?,
        test: Some(MailTest { to, is_accepted, answer }),
    };
    Ok((Extension(note), Html(page.render()?)).into_response())
}

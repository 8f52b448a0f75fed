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
    settings::mail::{MailServerView, MailSettingsPage, MailTest},
};
use serde::Deserialize;

use super::{address, shell};
use crate::{
    access::{audit::AuditNote, people::Person},
    accounts::mails,
    app::{App, SharedApp},
    app_error::AppError,
    mail_server::{self, MailServerDraft},
    parameters::Form,
};

const PATH: &str = "/settings/mail";

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
    Form(draft): Form<MailServerDraft>,
) -> Result<(Extension<AuditNote>, Redirect), AppError> {
    let note = AuditNote::new("mail server", draft.describe());
    mails::set_mail_server(&app, draft, &person.name).await?;
    Ok((Extension(note), Redirect::to(PATH)))
}

/// Sends a mail, and shows what the mail server says.
pub(in crate::pages) async fn test(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Form(Recipient { to }): Form<Recipient>,
) -> Result<Response, AppError> {
    let server = mails::mail_server(&app).await?;
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

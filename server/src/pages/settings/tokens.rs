//! Tokens of scripts and services (`/settings/tokens`).

use axum::{
    Extension,
    extract::State,
    http::Uri,
    response::{Html, IntoResponse, Redirect, Response},
};
use poolwatch_model::person::Role;
use poolwatch_store::tokens::{self as stored, ApiToken};
use poolwatch_web::{
    Page,
    account::SecretPage,
    settings::tokens::{TokenRow, TokensPage},
    words,
};
use serde::Deserialize;

use super::{address, shell};
use crate::{
    access::{audit::AuditNote, people::Person},
    accounts::tokens::{self, TokenRequest},
    app::SharedApp,
    app_error::AppError,
    parameters::{Form, Path},
};

/// Tokens that are shown, the latest.
const SHOWN: i64 = 1000;

/// What the form of a token sends.
#[derive(Debug, Deserialize)]
pub(in crate::pages) struct NewToken {
    name: String,
    role: Role,
    /// Nothing for never.
    #[serde(default)]
    days: String,
}

/// The page.
pub(in crate::pages) async fn page(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    uri: Uri,
) -> Result<Html<String>, AppError> {
    let found = stored::list_api(&mut *app.pool.acquire().await?, None, SHOWN).await?;
    let tokens = found.into_iter().map(row).collect();
    Ok(Html(TokensPage { shell: shell(&app, &person, address(&uri)), tokens }.render()?))
}

/// Makes a token of a service, which is shown once.
pub(in crate::pages) async fn create(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Form(token): Form<NewToken>,
) -> Result<Response, AppError> {
    show_created(&app, &person, &token, None, ("/settings/tokens", "All tokens")).await
}

/// Revokes a token.
pub(in crate::pages) async fn revoke(
    State(app): State<SharedApp>,
    Path(id): Path<i32>,
) -> Result<(Extension<AuditNote>, Redirect), AppError> {
    let name = tokens::revoke(&app, id, None).await?;
    Ok((Extension(AuditNote::new(name, "revoked")), Redirect::to("/settings/tokens")))
}

/// Makes a token and shows it.
pub(in crate::pages) async fn show_created(
    app: &SharedApp,
    person: &Person,
    NewToken { name, role, days }: &NewToken,
    owner: Option<i32>,
    back: (&'static str, &'static str),
) -> Result<Response, AppError> {
    let days = match days.as_str() {
        "" => None,
        days => Some(days.parse().map_err(|_| AppError::bad_request("Days are a number."))?),
    };
    let request = TokenRequest { name, role: *role, days, owner };
    let (_, text) = tokens::create(app, person, request).await?;
    let page = SecretPage {
        shell: shell(app, person, back.0.to_owned()),
        headline: format!("The token {}", name.trim()),
        advice: format!(
            "It may {}. A script sends it as Authorization: Bearer, followed by the token.",
            words::token_scope(role)
        ),
        secrets: vec![text],
        back,
    };
    let ends = days.map_or_else(|| "does not end".to_owned(), |days| format!("{days} days"));
    let note = AuditNote::new(name.trim(), format!("may {}, {ends}", words::token_scope(role)));
    Ok((Extension(note), Html(page.render()?)).into_response())
}

/// A token as pages show it.
pub(in crate::pages) fn row(token: ApiToken) -> TokenRow {
    TokenRow {
        id: token.id,
        name: token.name,
        role: token.role,
        owner: token.owner.map(|(_, name)| name),
        created_by: token.created_by,
        created: token.created,
        expires: token.expires,
        last_used: token.last_used,
    }
}

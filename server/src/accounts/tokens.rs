//! Making and revoking API tokens.

use axum::http::StatusCode;
use jiff::SignedDuration;
use poolwatch_model::{HostGroupId, person::Role};
use poolwatch_store::tokens::{self, NewApiToken, TOKENS_OF_PERSON, TOKENS_OF_SERVICES};

use super::read_name;
use crate::{
    app::App,
    app_error::AppError,
    auth::{callers::Person, secrets},
    enrolment::groups::checked_scope,
};

/// Most days that a token is good, if it ends at all.
const MOST_DAYS: u16 = 3650;

/// A token to be made.
#[derive(Debug, Clone)]
pub struct TokenRequest<'a> {
    /// What it is for.
    pub name: &'a str,
    /// What it may do.
    pub role: Role,
    /// The groups whose hosts it sees; `None` for all that who makes it sees.
    pub groups: Option<Vec<HostGroupId>>,
    /// Days until it ends; `None` for never.
    pub days: Option<u16>,
    /// The person whose it is to be; `None` for a service.
    pub owner: Option<i32>,
}

/// Makes a token. Returns its number and its text, which is kept nowhere.
///
/// # Errors
/// 400 when the name is none or the days are too many, 403 when it could do more than who makes it.
pub async fn create(
    app: &App,
    by: &Person,
    request: TokenRequest<'_>,
) -> Result<(i32, String), AppError> {
    let TokenRequest { name, role, groups, days, owner } = request;
    let name = read_name(name)
        .ok_or_else(|| AppError::bad_request("Say what it is for, in 1 to 100 characters."))?;
    if days.is_some_and(|days| !(1..=MOST_DAYS).contains(&days)) {
        let detail = format!("A token is good for 1 to {MOST_DAYS} days, or does not end.");
        return Err(AppError::bad_request(detail));
    }
    if role > by.role {
        let title = "Your role does not allow this";
        let detail = format!("A token can do no more than who makes it; your role is {}.", by.role);
        return Err(AppError::new(StatusCode::FORBIDDEN, "role", title, detail));
    }
    let now = app.clock.now();
    let after = |days: u16| now.saturating_add(SignedDuration::from_hours(i64::from(days) * 24));
    let expires = days.map(after).transpose().map_err(AppError::internal)?;
    // The prefix tells a person, and tools that look for leaked secrets, what it is.
    let text = format!("pwa_{}", secrets::generate().map_err(AppError::internal)?);
    let created_by = by.name.as_str();
    let mut db = app.pool.acquire().await?;
    let scope = checked_scope(&mut db, groups, role).await?.within(&by.scope);
    let token = NewApiToken { name, role, scope, user: owner, created_by, expires };
    let made = tokens::create_api(&mut db, token, &secrets::hash(&text), now).await?;
    let id = made.ok_or_else(|| {
        AppError::bad_request(format!(
            "A person has {TOKENS_OF_PERSON} tokens at most, and services have {TOKENS_OF_SERVICES}: \
             revoke some first."
        ))
    })?;
    Ok((id, text))
}

/// Revokes a token, of a person where one is given. It opens nothing from now on. Returns its name.
///
/// # Errors
/// 404 when there is no such token.
pub async fn revoke(app: &App, id: i32, owner: Option<i32>) -> Result<String, AppError> {
    let mut db = app.pool.acquire().await?;
    let name = tokens::revoke_api(&mut db, id, owner, app.clock.now()).await?;
    app.callers.forget_all();
    name.ok_or_else(|| AppError::not_found("There is no such token"))
}

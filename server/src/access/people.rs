//! People, by a session cookie, and scripts, by an API token.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use poolwatch_model::person::Role;
use poolwatch_store::{people, tokens};
use poolwatch_web::links::Address;

use super::hosts::bearer;
use crate::{app::SharedApp, app_error::AppError, auth::secrets};

/// Who sent a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Name of the person or of the script's token.
    pub name: String,
    /// What it may do.
    pub role: Role,
}

/// What a route asks for.
#[derive(Debug, Clone)]
pub struct Required {
    /// The app.
    pub app: SharedApp,
    /// The least role.
    pub role: Role,
}

/// Name of the session's cookie. Browsers take a `__Host-` cookie only by TLS.
#[must_use]
pub fn cookie_name(secure: bool) -> &'static str {
    if secure { "__Host-poolwatch" } else { "poolwatch" }
}

/// Lets only people and scripts with a sufficient role through. Browsers are sent to sign in.
///
/// # Errors
/// 401 when nobody is there, 403 when the role does not suffice.
pub async fn require(
    State(required): State<Required>,
    mut request: Request,
    next: Next,
) -> Result<Response, AppError> {
    let path = request.uri().path().to_owned();
    let Some(person) = find(&required.app, request.headers()).await? else {
        if path.starts_with("/api/") || path.starts_with("/metrics") {
            return Err(AppError::new(
                StatusCode::UNAUTHORIZED,
                "not-signed-in",
                "Nobody is signed in",
                "Send `Authorization: Bearer <token>` with a token of `poolwatch-server admin \
                 create-token api`.",
            ));
        }
        let next = request.uri().path_and_query().map_or("/", |path| path.as_str());
        let login = Address::new("/login").with("next", next).finish();
        if request.headers().contains_key("hx-request") {
            return Ok((StatusCode::NO_CONTENT, [("hx-redirect", login)]).into_response());
        }
        return Ok(Redirect::to(&login).into_response());
    };
    if person.role < required.role {
        return Err(AppError::new(
            StatusCode::FORBIDDEN,
            "role",
            "Your role does not allow this",
            format!("It takes the role {}; yours is {}.", required.role, person.role),
        ));
    }
    request.extensions_mut().insert(person.clone());
    let mut response = next.run(request).await;
    // For the bar of an error page.
    response.extensions_mut().insert(person);
    Ok(response)
}

async fn find(app: &SharedApp, headers: &HeaderMap) -> Result<Option<Person>, AppError> {
    let now = app.clock.now();
    if let Some(token) = bearer(headers) {
        let mut db = app.pool.acquire().await?;
        let script = tokens::api(&mut db, &secrets::hash(token), now).await?;
        return Ok(script.map(|(name, role)| Person { name, role }));
    }
    let Some(token) = session_token(headers, app.settings.secure) else { return Ok(None) };
    let mut db = app.pool.acquire().await?;
    let user = people::session_user(&mut db, &secrets::hash(token), now).await?;
    Ok(user.map(|user| Person { name: user.name, role: user.role }))
}

/// The token of the session cookie.
#[must_use]
pub fn session_token(headers: &HeaderMap, secure: bool) -> Option<&str> {
    cookie(headers, cookie_name(secure))
}

/// The value of a cookie.
#[must_use]
pub fn cookie<'a>(headers: &'a HeaderMap, wanted: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(name, value)| (name == wanted).then_some(value))
}

//! People, by a session cookie, and scripts, by an API token.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use poolwatch_model::person::{Role, Scope};
use poolwatch_store::{audit::Outcome, sessions, tokens};
use poolwatch_web::links::Address;

use super::{
    audit::{self, Attempt},
    hosts::bearer,
};
pub use crate::auth::callers::{Person, Proof};
use crate::{
    app::{App, SharedApp},
    app_error::AppError,
    auth::secrets,
    held_body::hold,
};

/// What a route asks for.
#[derive(Debug, Clone)]
pub struct Required {
    /// The app.
    pub app: SharedApp,
    /// Path of the route, with parameters in braces.
    pub route: &'static str,
    /// The least role.
    pub role: Role,
    /// Whether it takes a person who is signed in, and no token.
    pub by_session: bool,
    /// Whether it takes somebody who sees the whole fleet.
    pub whole_fleet: bool,
}

/// Marks a request that the command line makes within its own process; none from elsewhere has it.
#[derive(Debug, Clone, Copy)]
pub struct CommandLineCall;

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
    let found = match request.extensions().get::<CommandLineCall>() {
        Some(_) => Some(Person::at_command_line()),
        None => find(&required.app, request.headers()).await?,
    };
    let Some(person) = found else {
        if ["/api/", "/metrics", "/mcp"].iter().any(|prefix| path.starts_with(prefix)) {
            return Err(AppError::new(
                StatusCode::UNAUTHORIZED,
                "not-signed-in",
                "Nobody is signed in",
                "Send `Authorization: Bearer <token>` with a token of the console's Settings, Tokens.",
            ));
        }
        let next = request.uri().path_and_query().map_or("/", |path| path.as_str());
        let login = Address::new("/login").with("next", next).finish();
        if request.headers().contains_key("hx-request") {
            return Ok((StatusCode::NO_CONTENT, [("hx-redirect", login)]).into_response());
        }
        return Ok(Redirect::to(&login).into_response());
    };
    let attempt = Attempt::of_request(&person, required.route, &request);
    let shares = &required.app.personal_shares;
    if let Err(error) = required.check(&person) {
        if let Some(attempt) = attempt
            && shares.records_refusal(person.caller())
        {
            attempt.record(&required.app, Outcome::Refused, audit::refusal(&error)).await?;
        }
        return Err(error);
    }
    let turn = shares.take_turn(person.caller()).await?;
    let attempt = match attempt {
        Some(attempt) => {
            shares.count_change(person.caller())?;
            Some(attempt.begin(&required.app).await?)
        }
        None => None,
    };
    request.extensions_mut().insert(person.clone());
    let mut response = next.run(request).await;
    if let Some(attempt) = attempt {
        attempt.finish(&required.app, &mut response).await;
    }
    // For the bar of an error page.
    response.extensions_mut().insert(person);
    Ok(response.map(|body| hold(body, turn)))
}

impl Required {
    /// Whether somebody may pass.
    ///
    /// # Errors
    /// 403 when the role or the scope does not suffice, or when only a person can do it.
    pub fn check(&self, person: &Person) -> Result<(), AppError> {
        let refuse = |detail| {
            let title = "Your role does not allow this";
            Err(AppError::new(StatusCode::FORBIDDEN, "role", title, detail))
        };
        if person.role < self.role {
            return refuse(format!(
                "This requires the role {}; yours is {}.",
                self.role, person.role
            ));
        }
        if self.whole_fleet && !person.scope.is_whole_fleet() {
            return refuse(
                "This requires somebody who sees the whole fleet; you see the hosts of some groups."
                    .to_owned(),
            );
        }
        if self.by_session && !matches!(person.proof, Proof::Session { .. }) {
            return refuse(
                "This requires a person who is signed in; a token has no account.".to_owned(),
            );
        }
        Ok(())
    }
}

/// Who sent a request, if anybody did who is known. Callers of the last second need no query.
///
/// # Errors
/// When the database fails.
pub async fn find(app: &App, headers: &HeaderMap) -> Result<Option<Person>, AppError> {
    let (text, is_token) = match bearer(headers) {
        Some(token) => (token, true),
        None => match session_token(headers, app.settings.secure) {
            Some(token) => (token, false),
            None => return Ok(None),
        },
    };
    let hash = secrets::hash(text);
    let generation = match app.callers.get(&hash) {
        Ok(person) => return Ok(Some(person)),
        Err(generation) => generation,
    };
    let _turn = app.callers.take_turn().await;
    let person = match is_token {
        true => script(app, &hash).await?,
        false => signed_in(app, &hash).await?,
    };
    if let Some(person) = &person {
        app.callers.put(hash, person.clone(), generation);
    }
    Ok(person)
}

async fn script(app: &App, hash: &[u8]) -> Result<Option<Person>, AppError> {
    let mut db = app.pool.acquire().await?;
    let token = tokens::api(&mut db, hash, app.clock.now()).await?;
    Ok(token.map(|token| Person {
        // No token passes for a person.
        name: format!("token {}", token.name),
        role: token.role,
        scope: scope_of(token.role, token.scope),
        proof: Proof::Token { id: token.id, owner: token.user },
    }))
}

async fn signed_in(app: &App, hash: &[u8]) -> Result<Option<Person>, AppError> {
    let mut db = app.pool.acquire().await?;
    let found = sessions::user(&mut db, hash, app.clock.now()).await?;
    Ok(found.map(|(user, session)| Person {
        name: user.name,
        role: user.role,
        scope: scope_of(user.role, user.scope),
        proof: Proof::Session { user: user.id, session, email: user.email },
    }))
}

/// Whose hosts somebody sees: an administrator's are all.
fn scope_of(role: Role, scope: Scope) -> Scope {
    if role == Role::Admin { Scope::WholeFleet } else { scope }
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

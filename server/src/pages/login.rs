//! Signing in and out (`/login`, `/login/code`, `/logout`).

pub(super) mod provider;

use std::time::Duration;

use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
};
use jiff::SignedDuration;
use poolwatch_store::{
    audit::{self, AuditEntry, Outcome},
    people::{self, User},
    sessions,
};
use poolwatch_web::{
    Page,
    login::{CodePage, LoginError, LoginPage},
};
use serde::Deserialize;
use tracing::info;

use super::{
    local_address::is_local,
    sessions::{begin_session, set_cookie},
};
use crate::{
    access::{
        audit::{Attempt, AuditNote, RequestOrigin},
        people::{cookie, cookie_name, session_token},
    },
    accounts::{
        people::EMAIL_BYTES,
        second_factor::{self, CodeKind, PendingSignIn},
    },
    app::{App, SharedApp},
    app_error::AppError,
    auth::{devices, passwords::MAX_BYTES, secrets},
    client_address::ClientAddress,
    parameters::{Form, Query},
};

/// What the audit log calls it.
const SIGN_IN: &str = "sign in";

/// What `GET /login` takes.
#[derive(Debug, Deserialize)]
pub(super) struct Arrival {
    #[serde(default)]
    next: String,
}

/// What `POST /login` takes.
#[derive(Deserialize)]
pub(super) struct Credentials {
    email: String,
    password: String,
    #[serde(default)]
    next: String,
}

/// The form.
pub(super) async fn form(
    State(app): State<SharedApp>,
    Query(arrival): Query<Arrival>,
    headers: HeaderMap,
) -> Result<Html<String>, AppError> {
    // Who was sent here with a cookie had a session that does not count any more.
    let had_session = session_token(&headers, app.settings.secure).is_some();
    let error = (had_session && !arrival.next.is_empty()).then_some(LoginError::Expired);
    let provider = provider::current(&app).await?.map(|provider| provider.issuer);
    let page = LoginPage { email: String::new(), error, next: arrival.next, provider };
    Ok(Html(page.render()?))
}

/// What `POST /login/code` takes.
#[derive(Deserialize)]
pub(super) struct Code {
    pending: String,
    code: String,
    #[serde(default)]
    next: String,
}

/// Checks the password, and begins a session or asks for a code. Tries are counted before anything
/// else, so that those that come at once count as well; a device that has signed in before is not
/// held up by others.
pub(super) async fn sign_in(
    State(app): State<SharedApp>,
    Extension(ClientAddress(address)): Extension<ClientAddress>,
    origin: RequestOrigin,
    headers: HeaderMap,
    Form(credentials): Form<Credentials>,
) -> Result<Response, AppError> {
    let Credentials { email, password, next } = credentials;
    let email = email.trim().to_owned();
    let is_name = email.len() <= EMAIL_BYTES && !email.contains('\0');
    if !is_name || password.len() > MAX_BYTES {
        let error = LoginError::WrongCredentials;
        return refuse(&app, StatusCode::UNAUTHORIZED, String::new(), next, error).await;
    }
    let (now, secure) = (app.clock.now(), app.settings.secure);
    let device = cookie(&headers, devices::cookie_name(secure));
    let known = match device {
        Some(device) => {
            let user = find_user(&app, &email).await?;
            user.filter(|user| devices::is_known(user, device, now))
        }
        None => None,
    };
    let counted = match (&known, device) {
        (Some(_), Some(device)) => app.sign_in_limits.check_device(device),
        _ => app.sign_in_limits.check(&email, address),
    };
    if let Err(wait) = counted {
        return too_many(&app, email, next, wait).await;
    }
    let place = app.password_checks.queue(known.is_some())?;
    let user = match known {
        Some(user) => Some(user),
        None => find_user(&app, &email).await?,
    };
    let kept = user.as_ref().map(|user| user.password_hash.clone());
    let kept = kept.filter(|hash| !hash.is_empty());
    let right = app.password_checks.verify(place, password, kept).await?;
    let Some(user) = user.filter(|_| right) else {
        info!(email, %address, "Wrong e-mail address or password");
        record_failure(&app, &email, &origin, "wrong e-mail address or password").await?;
        let error = LoginError::WrongCredentials;
        return refuse(&app, StatusCode::UNAUTHORIZED, email, next, error).await;
    };
    if user.sealed_totp.is_some() {
        let pending = second_factor::seal_pending(&app, &user)?;
        return Ok(Html(CodePage { pending, next, error: None }.render()?).into_response());
    }
    let entry = signed_in(&app, &user, &origin, "by password");
    finish(&app, &user, &headers, &origin, &next, Some(&entry)).await
}

/// Checks the code of an authenticator after the password, and begins a session.
pub(super) async fn code(
    State(app): State<SharedApp>,
    origin: RequestOrigin,
    headers: HeaderMap,
    Form(Code { pending, code, next }): Form<Code>,
) -> Result<Response, AppError> {
    let user = match PendingSignIn::open(&app, &pending) {
        Some(opened) => find_user(&app, &opened.email).await?.filter(|user| opened.is_of(user)),
        None => None,
    };
    let Some(user) = user else {
        let error = LoginError::Expired;
        return refuse(&app, StatusCode::UNAUTHORIZED, String::new(), next, error).await;
    };
    let refuse_code = |status: StatusCode, error: String| -> Result<Response, AppError> {
        let page = CodePage { pending, next: next.clone(), error: Some(error) };
        Ok((status, Html(page.render()?)).into_response())
    };
    if let Err(wait) = app.sign_in_limits.check_code(user.id) {
        let seconds = wait.as_secs().saturating_add(1);
        let error = format!("Too many codes were tried. Wait {seconds} s.");
        let mut response = refuse_code(StatusCode::TOO_MANY_REQUESTS, error)?;
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        return Ok(response);
    }
    let how = match second_factor::check(&app, &user, &code).await? {
        Some(CodeKind::Authenticator) => "by password and authenticator",
        Some(CodeKind::Recovery) => "by password and recovery code",
        None => {
            record_failure(&app, &user.email, &origin, "wrong code").await?;
            let error = "The code is wrong, too old, or was used before. Type the next one.";
            return refuse_code(StatusCode::UNAUTHORIZED, error.to_owned());
        }
    };
    let entry = signed_in(&app, &user, &origin, how);
    finish(&app, &user, &headers, &origin, &next, Some(&entry)).await
}

/// Begins the session of a person who proved who they are.
async fn finish(
    app: &App,
    user: &User,
    headers: &HeaderMap,
    origin: &RequestOrigin,
    next: &str,
    entry: Option<&AuditEntry>,
) -> Result<Response, AppError> {
    let cookies = begin_session(app, user, headers, origin, entry).await?;
    info!(email = user.email, address = origin.address, "Signed in");
    Ok((cookies, Redirect::to(local(next))).into_response())
}

/// What the audit log says of a sign-in.
pub(super) fn signed_in(app: &App, user: &User, origin: &RequestOrigin, how: &str) -> AuditEntry {
    let actor = format!("{} ({})", user.name, user.email);
    Attempt::new(actor, SIGN_IN, "", origin).done(app, how)
}

/// Guesses would fill the log: beyond a bound the server's own log alone tells them.
async fn record_failure(
    app: &App,
    email: &str,
    origin: &RequestOrigin,
    why: &str,
) -> Result<(), AppError> {
    if !app.sign_in_limits.records_failure() {
        return Ok(());
    }
    let attempt = Attempt::new(email, SIGN_IN, "", origin);
    attempt.record(app, Outcome::Refused, AuditNote::new("", why)).await
}

async fn find_user(app: &SharedApp, email: &str) -> Result<Option<User>, AppError> {
    Ok(people::user_by_email(&mut *app.pool.acquire().await?, email).await?)
}

/// Ends the session.
pub(super) async fn sign_out(
    State(app): State<SharedApp>,
    origin: RequestOrigin,
    headers: HeaderMap,
) -> Result<Response, AppError> {
    let secure = app.settings.secure;
    if let Some(token) = session_token(&headers, secure) {
        let hash = secrets::hash(token);
        let mut db = app.pool.begin().await?;
        if let Some((user, _)) = sessions::user(&mut db, &hash, app.clock.now()).await? {
            let actor = format!("{} ({})", user.name, user.email);
            audit::add(&mut db, &Attempt::new(actor, "sign out", "", &origin).done(&app, ""))
                .await?;
        }
        sessions::delete(&mut db, &hash).await?;
        db.commit().await?;
        app.callers.forget_all();
    }
    let cookie = set_cookie(cookie_name(secure), "", SignedDuration::ZERO, secure);
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/login")).into_response())
}

async fn too_many(
    app: &App,
    email: String,
    next: String,
    wait: Duration,
) -> Result<Response, AppError> {
    let retry_after_s = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1);
    let error = LoginError::TooManyAttempts { retry_after_s };
    let mut response = refuse(app, StatusCode::TOO_MANY_REQUESTS, email, next, error).await?;
    response.headers_mut().insert(header::RETRY_AFTER, retry_after_s.into());
    Ok(response)
}

async fn refuse(
    app: &App,
    status: StatusCode,
    email: String,
    next: String,
    error: LoginError,
) -> Result<Response, AppError> {
    let provider = provider::current(app).await?.map(|provider| provider.issuer);
    let page = LoginPage { email, error: Some(error), next, provider };
    Ok((status, Html(page.render()?)).into_response())
}

/// The path to go to after signing in.
fn local(next: &str) -> &str {
    if is_local(next) { next } else { "/" }
}

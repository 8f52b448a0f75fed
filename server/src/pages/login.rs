//! Signing in and out (`/login`, `/logout`).

use std::time::Duration;

use axum::{
    Extension, Form,
    extract::{Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{AppendHeaders, Html, IntoResponse, Redirect, Response},
};
use jiff::SignedDuration;
use poolwatch_store::people::{self, User};
use poolwatch_web::{
    Page,
    login::{LoginError, LoginPage},
};
use serde::Deserialize;
use tracing::info;

use crate::{
    access::people::{cookie, cookie_name, session_token},
    app::SharedApp,
    app_error::AppError,
    auth::{devices, secrets},
    client_address::ClientAddress,
};

/// How long somebody stays signed in.
const SESSION: SignedDuration = SignedDuration::from_hours(12);
/// Longest e-mail address that mail systems take.
const EMAIL_BYTES: usize = 254;
/// Longer passwords are refused unread: hashing takes time by their length.
const PASSWORD_BYTES: usize = 1024;

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
    let page = LoginPage { email: String::new(), error, next: arrival.next };
    Ok(Html(page.render()?))
}

/// Checks the password and begins a session. Tries are counted before anything else, so that those
/// that come at once count as well; a device that has signed in before is not held up by others.
pub(super) async fn sign_in(
    State(app): State<SharedApp>,
    Extension(ClientAddress(address)): Extension<ClientAddress>,
    headers: HeaderMap,
    Form(credentials): Form<Credentials>,
) -> Result<Response, AppError> {
    let Credentials { email, password, next } = credentials;
    let email = email.trim().to_owned();
    let is_name = email.len() <= EMAIL_BYTES && !email.contains('\0');
    if !is_name || password.len() > PASSWORD_BYTES {
        return refuse(StatusCode::UNAUTHORIZED, String::new(), next, LoginError::WrongCredentials);
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
        return too_many(email, next, wait);
    }
    let place = app.password_checks.queue(known.is_some())?;
    let user = match known {
        Some(user) => Some(user),
        None => find_user(&app, &email).await?,
    };
    let kept = user.as_ref().map(|user| user.password_hash.clone());
    let right = app.password_checks.verify(place, password, kept).await?;
    let Some(user) = user.filter(|_| right) else {
        info!(email, %address, "Wrong e-mail address or password");
        return refuse(StatusCode::UNAUTHORIZED, email, next, LoginError::WrongCredentials);
    };
    let token = secrets::generate().map_err(AppError::internal)?;
    let expires = now.saturating_add(SESSION).unwrap_or(now);
    let mut db = app.pool.acquire().await?;
    people::create_session(&mut db, &secrets::hash(&token), user.id, now, expires).await?;
    info!(email, %address, "Signed in");
    let session = set_cookie(cookie_name(secure), &token, SESSION, secure);
    let device = devices::issue_token(&user, now).unwrap_or_default();
    let device = set_cookie(devices::cookie_name(secure), &device, devices::KNOWN_FOR, secure);
    let cookies = AppendHeaders([(header::SET_COOKIE, session), (header::SET_COOKIE, device)]);
    Ok((cookies, Redirect::to(local(&next))).into_response())
}

async fn find_user(app: &SharedApp, email: &str) -> Result<Option<User>, AppError> {
    Ok(people::user_by_email(&mut *app.pool.acquire().await?, email).await?)
}

/// Ends the session.
pub(super) async fn sign_out(
    State(app): State<SharedApp>,
    headers: HeaderMap,
) -> Result<Response, AppError> {
    let secure = app.settings.secure;
    if let Some(token) = session_token(&headers, secure) {
        let mut db = app.pool.acquire().await?;
        people::delete_session(&mut db, &secrets::hash(token)).await?;
    }
    let cookie = set_cookie(cookie_name(secure), "", SignedDuration::ZERO, secure);
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/login")).into_response())
}

fn too_many(email: String, next: String, wait: Duration) -> Result<Response, AppError> {
    let retry_after_s = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1);
    let error = LoginError::TooManyAttempts { retry_after_s };
    let mut response = refuse(StatusCode::TOO_MANY_REQUESTS, email, next, error)?;
    response.headers_mut().insert(header::RETRY_AFTER, retry_after_s.into());
    Ok(response)
}

fn refuse(
    status: StatusCode,
    email: String,
    next: String,
    error: LoginError,
) -> Result<Response, AppError> {
    let page = LoginPage { email, error: Some(error), next };
    Ok((status, Html(page.render()?)).into_response())
}

fn set_cookie(name: &str, token: &str, max_age: SignedDuration, secure: bool) -> String {
    let secure = if secure { "; Secure" } else { "" };
    let max_age_s = max_age.as_secs();
    format!("{name}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={max_age_s}{secure}")
}

/// The path to go to after signing in: never another site's.
fn local(next: &str) -> &str {
    let elsewhere = next.starts_with("//") || next.starts_with("/\\");
    let plain = next.bytes().all(|byte| (b'!'..=b'~').contains(&byte));
    if next.starts_with('/') && !elsewhere && plain { next } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signing_in_never_leads_to_another_site() {
        for (next, to) in [
            ("/hosts?q=fs%2002", "/hosts?q=fs%2002"),
            ("/", "/"),
            ("", "/"),
            ("//evil.example/", "/"),
            ("/\\evil.example", "/"),
            ("/\t/evil.example", "/"),
            ("https://evil.example/", "/"),
            ("/a\r\nSet-Cookie: b=c", "/"),
        ] {
            assert_eq!(local(next), to, "{next:?}");
        }
    }

    #[test]
    fn the_cookie_insists_on_tls_where_there_is_tls() {
        let set = |token, max_age, secure| set_cookie(cookie_name(secure), token, max_age, secure);
        let kept = set("abc", SESSION, true);
        assert!(kept.starts_with("__Host-poolwatch=abc; Path=/; HttpOnly; SameSite=Lax"), "{kept}");
        assert!(kept.ends_with("; Secure"), "{kept}");
        assert!(!set("abc", SESSION, false).contains("Secure"));
        assert!(set("", SignedDuration::ZERO, false).contains("Max-Age=0"));
    }
}

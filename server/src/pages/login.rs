//! Signing in and out (`/login`, `/logout`).

use std::time::{Duration, Instant};

use axum::{
    Form,
    extract::{Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
};
use jiff::SignedDuration;
use poolwatch_store::people;
use poolwatch_web::{
    Page,
    login::{LoginError, LoginPage},
};
use serde::Deserialize;
use tracing::info;

use crate::{
    app::SharedApp,
    auth::{
        passwords,
        people::{cookie_name, session_token},
        secrets,
    },
    failure::Failure,
};

/// How long somebody stays signed in.
const SESSION: SignedDuration = SignedDuration::from_hours(12);
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
) -> Result<Html<String>, Failure> {
    // Who was sent here with a cookie had a session that does not count any more.
    let had_session = session_token(&headers, app.settings.secure).is_some();
    let error = (had_session && !arrival.next.is_empty()).then_some(LoginError::Expired);
    let page = LoginPage { email: String::new(), error, next: arrival.next };
    Ok(Html(page.render()?))
}

/// Checks the password and begins a session.
pub(super) async fn sign_in(
    State(app): State<SharedApp>,
    Form(credentials): Form<Credentials>,
) -> Result<Response, Failure> {
    let Credentials { email, password, next } = credentials;
    let email = email.trim().to_owned();
    if let Some(wait) = app.throttle.wait(&email, Instant::now()) {
        return too_many(email, next, wait);
    }
    let user = people::user_by_email(&mut *app.pool.acquire().await?, &email).await?;
    let kept = user.as_ref().map(|user| user.password_hash.clone());
    let right = password.len() <= PASSWORD_BYTES
        && tokio::task::spawn_blocking(move || passwords::verify(&password, kept.as_deref()))
            .await
            .map_err(Failure::internal)?;
    let Some(user) = user.filter(|_| right) else {
        app.throttle.failed(&email, Instant::now());
        info!(email, "Wrong e-mail address or password");
        return refuse(StatusCode::UNAUTHORIZED, email, next, LoginError::WrongCredentials);
    };
    app.throttle.succeeded(&email);
    let token = secrets::generate().map_err(Failure::internal)?;
    let now = app.clock.now();
    let expires = now.saturating_add(SESSION).unwrap_or(now);
    let mut db = app.pool.acquire().await?;
    people::create_session(&mut db, &secrets::hash(&token), user.id, now, expires).await?;
    info!(email, "Signed in");
    let cookie = cookie(app.settings.secure, &token, SESSION.as_secs());
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to(local(&next))).into_response())
}

/// Ends the session.
pub(super) async fn sign_out(
    State(app): State<SharedApp>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let secure = app.settings.secure;
    if let Some(token) = session_token(&headers, secure) {
        let mut db = app.pool.acquire().await?;
        people::delete_session(&mut db, &secrets::hash(token)).await?;
    }
    let cookie = cookie(secure, "", 0);
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/login")).into_response())
}

fn too_many(email: String, next: String, wait: Duration) -> Result<Response, Failure> {
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
) -> Result<Response, Failure> {
    let page = LoginPage { email, error: Some(error), next };
    Ok((status, Html(page.render()?)).into_response())
}

fn cookie(secure: bool, token: &str, max_age_s: i64) -> String {
    let name = cookie_name(secure);
    let secure = if secure { "; Secure" } else { "" };
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
        let kept = cookie(true, "abc", 43_200);
        assert!(kept.starts_with("__Host-poolwatch=abc; Path=/; HttpOnly; SameSite=Lax"), "{kept}");
        assert!(kept.ends_with("; Secure"), "{kept}");
        assert!(!cookie(false, "abc", 43_200).contains("Secure"));
        assert!(cookie(false, "", 0).contains("Max-Age=0"));
    }
}

//! Beginning sessions, for every page where somebody proves who they are.

use axum::{
    http::{HeaderMap, HeaderName, header},
    response::AppendHeaders,
};
use jiff::SignedDuration;
use poolwatch_store::{
    audit::{self, AuditEntry},
    people::User,
    sessions::{self, Session, SignInPlace},
};
use poolwatch_web::account::SessionRow;

use crate::{
    access::{
        audit::RequestOrigin,
        people::{cookie_name, session_token},
    },
    app::App,
    app_error::AppError,
    auth::{devices, secrets},
};

/// How long somebody stays signed in.
const SESSION: SignedDuration = SignedDuration::from_hours(12);

/// The cookies of a new session: its token, and the mark of a known device.
pub(super) type SessionCookies = AppendHeaders<[(HeaderName, String); 2]>;

/// Begins a session, with what the audit log says of that. One that the browser has from before ends:
/// each sign-in has a token of its own.
pub(super) async fn begin_session(
    app: &App,
    user: &User,
    headers: &HeaderMap,
    origin: &RequestOrigin,
    entry: Option<&AuditEntry>,
) -> Result<SessionCookies, AppError> {
    let (now, secure) = (app.clock.now(), app.settings.secure);
    let token = secrets::generate().map_err(AppError::internal)?;
    let expires = now.saturating_add(SESSION).unwrap_or(now);
    let place = SignInPlace { address: &origin.address, user_agent: &origin.user_agent };
    let mut db = app.pool.begin().await?;
    if let Some(old) = session_token(headers, secure) {
        sessions::delete(&mut db, &secrets::hash(old)).await?;
    }
    sessions::create(&mut db, &secrets::hash(&token), user.id, place, now, expires).await?;
    if let Some(entry) = entry {
        audit::add(&mut db, entry).await?;
    }
    db.commit().await?;
    app.callers.forget_all();
    let session = set_cookie(cookie_name(secure), &token, SESSION, secure);
    let device = devices::issue_token(user, now).unwrap_or_default();
    let device = set_cookie(devices::cookie_name(secure), &device, devices::KNOWN_FOR, secure);
    Ok(AppendHeaders([(header::SET_COOKIE, session), (header::SET_COOKIE, device)]))
}

/// Sessions as pages show them; `this` is the one that asks.
pub(super) fn rows(sessions: Vec<Session>, this: Option<i64>) -> Vec<SessionRow> {
    let row = |session: Session| SessionRow {
        id: session.id,
        is_this: Some(session.id) == this,
        address: session.address,
        user_agent: session.user_agent,
        created: session.created,
        last_used: session.last_used,
        expires: session.expires,
    };
    sessions.into_iter().map(row).collect()
}

pub(super) fn set_cookie(name: &str, token: &str, max_age: SignedDuration, secure: bool) -> String {
    let secure = if secure { "; Secure" } else { "" };
    let max_age_s = max_age.as_secs();
    format!("{name}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={max_age_s}{secure}")
}

#[cfg(test)]
mod tests {
    use super::*;

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

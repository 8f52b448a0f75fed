//! Hosts, by the key that enrolment gave them: `pwh_<host id>_<64 hexadecimal digits>`.

use axum::{
    extract::Request,
    http::{HeaderMap, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use poolwatch_model::HostId;
use poolwatch_store::hosts::{self, HostKey, Standing};
use subtle::ConstantTimeEq;

use crate::{
    app::App,
    app_error::AppError,
    auth::secrets,
    enrolment::proposals::{host_archived, host_refused},
};

/// Requests of a host that are read and answered at once: agents send one after another.
const REQUESTS_AT_ONCE: usize = 4;
/// How long a host that waits for approval is told to wait, seconds.
const PENDING_RETRY_S: u32 = 300;

/// The host that sent a request.
#[derive(Debug, Clone)]
pub struct SendingHost {
    /// Who it is.
    pub key: HostKey,
    /// When the head of the request was there: how long its body takes says nothing about clocks.
    pub arrived: Timestamp,
}

/// Lets only hosts with a valid key through, and only when they were approved. The answer bears the
/// host's id, whatever it says.
///
/// # Errors
/// 401 for an unknown key, 403 while the host is not approved, 429 when it has too much under way.
pub async fn require(app: &App, request: Request, next: Next) -> Result<Response, AppError> {
    let arrived = app.clock.now();
    let key = find(app, request.headers()).await?;
    let id = key.id;
    let mut response = answer(app, key, arrived, request, next).await.into_response();
    response.extensions_mut().insert(id);
    Ok(response)
}

async fn answer(
    app: &App,
    key: HostKey,
    arrived: Timestamp,
    mut request: Request,
    next: Next,
) -> Result<Response, AppError> {
    if key.standing != Standing::Approved {
        app.host_keys.forget(key.id);
    }
    match key.standing {
        Standing::Approved => {}
        Standing::Refused => return Err(host_refused()),
        Standing::Archived => return Err(host_archived()),
        Standing::Waiting => {
            return Err(AppError::new(
                StatusCode::FORBIDDEN,
                "host-pending",
                "The host waits for approval",
                "It waits for approval: an administrator approves it on the page of waiting hosts. \
                 Keep the data and try again later.",
            )
            .retry_after(PENDING_RETRY_S));
        }
    }
    let Some(_turn) = app.host_keys.under_way.take(key.id, 1, REQUESTS_AT_ONCE) else {
        return Err(AppError::new(
            StatusCode::TOO_MANY_REQUESTS,
            "host-share",
            "This host has too much under way",
            format!(
                "A host may have {REQUESTS_AT_ONCE} requests under way. Wait for the answer to \
                 one before sending the next."
            ),
        )
        .retry_after(5));
    };
    request.extensions_mut().insert(SendingHost { key, arrived });
    Ok(next.run(request).await)
}

async fn find(app: &App, headers: &HeaderMap) -> Result<HostKey, AppError> {
    let unknown = || {
        AppError::new(
            StatusCode::UNAUTHORIZED,
            "host-key-unknown",
            "The host key is not known",
            "Send `Authorization: Bearer <host key>`. If the key is refused, enrol again with an \
             enrolment token.",
        )
    };
    let (id, secret) = bearer(headers).and_then(parse).ok_or_else(unknown)?;
    let hash = secrets::hash(secret);
    let matches = |key: &HostKey| bool::from(key.hash.ct_eq(&hash));
    // A key that does not match the cached one may have been renewed since.
    if let Some(key) = app.host_keys.get(id).filter(matches) {
        return Ok(key);
    }
    let _turn = app.host_keys.take_turn().await;
    let key = hosts::key(&mut *app.pool.acquire().await?, id).await?;
    let key = key.filter(matches).ok_or_else(unknown)?;
    app.host_keys.put(&key);
    Ok(key)
}

/// The token of an `Authorization: Bearer` header.
#[must_use]
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn parse(key: &str) -> Option<(HostId, &str)> {
    let (id, secret) = key.strip_prefix("pwh_")?.split_once('_')?;
    Some((HostId(id.parse().ok()?), secret))
}

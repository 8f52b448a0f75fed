//! `/api/v1/audit`: who did what.

use axum::extract::State;
use jiff::Timestamp;
use poolwatch_store::audit::{self, AuditFilter, Outcome};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    app::SharedApp,
    app_error::AppError,
    parameters::{Json, Query},
};

/// Entries of one answer.
const PAGE: usize = 1000;

/// Which entries.
#[derive(Debug, Deserialize)]
pub(in crate::api) struct AuditParameters {
    #[serde(default)]
    who: String,
    #[serde(default)]
    what: String,
    outcome: Option<String>,
    before: Option<i64>,
}

/// A page of the log.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct AuditAnswer {
    /// The entries, latest first.
    entries: Vec<AuditInfo>,
    /// With more to come: the value of `before` for the next page.
    next: Option<i64>,
}

/// An entry.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct AuditInfo {
    /// Its number.
    id: i64,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// Who.
    actor: String,
    /// From which address.
    address: String,
    /// What was tried.
    action: String,
    /// What it was done to.
    target: String,
    /// `begun` (under way, or cut off), `done`, `refused` or `failed`.
    outcome: &'static str,
    /// What was changed, or why not.
    detail: String,
    /// Number of the request in the server's log.
    request_id: String,
}

/// The log, latest first, a page at a time.
#[utoipa::path(get, path = "/api/v1/audit",
    params(
        ("who" = Option<String>, Query, description = "Part of the actor or the address"),
        ("what" = Option<String>, Query, description = "Part of action, target or detail"),
        ("outcome" = Option<String>, Query, description = "begun, done, refused or failed"),
        ("before" = Option<i64>, Query, description = "Only entries below this number")),
    responses((status = 200, body = AuditAnswer), (status = 400)))]
pub(in crate::api) async fn list(
    State(app): State<SharedApp>,
    Query(AuditParameters { who, what, outcome, before }): Query<AuditParameters>,
) -> Result<Json<AuditAnswer>, AppError> {
    let read = |word: String| {
        let found = Outcome::ALL.into_iter().find(|one| one.as_str() == word);
        found.ok_or_else(|| AppError::bad_request("outcome is begun, done, refused or failed."))
    };
    let filter = AuditFilter { who, what, outcome: outcome.map(read).transpose()?, before };
    let most = PAGE as i64 + 1;
    let mut found = audit::list(&mut *app.pool.acquire().await?, &filter, most, 0).await?;
    let has_more = found.len() > PAGE;
    found.truncate(PAGE);
    let next = has_more.then(|| found.last().map(|(id, _)| *id)).flatten();
    let entries = found.into_iter().map(|(id, entry)| AuditInfo {
        id,
        at: entry.at,
        actor: entry.actor,
        address: entry.address,
        action: entry.action,
        target: entry.target,
        outcome: entry.outcome.as_str(),
        detail: entry.detail,
        request_id: entry.request_id,
    });
    Ok(Json(AuditAnswer { entries: entries.collect(), next }))
}

//! `/api/v1/enrolment/tokens`: tokens by which hosts propose themselves, and enrolments that were refused.

use axum::{Extension, extract::State, http::StatusCode};
use jiff::{SignedDuration, Timestamp};
use poolwatch_store::{
    enrolment_tokens::{self, EnrolmentToken},
    refused_enrolments,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::binding::BindingText;
use crate::{
    access::people::Person,
    app::SharedApp,
    app_error::AppError,
    enrolment::tokens::{self, WantedToken},
    fleet::visible::VisibleFleet,
    parameters::{Json, Path},
};

/// Tokens and refusals of one answer.
const LISTED: i64 = 1_000;
/// How far back refusals are told.
const REFUSALS: SignedDuration = SignedDuration::from_hours(30 * 24);

/// A token to be made.
#[derive(Debug, Deserialize, ToSchema)]
pub(in crate::api) struct NewToken {
    /// What it is for.
    name: String,
    /// Days until it ends; never without it.
    expires_days: Option<u16>,
    /// How many hosts may come by it.
    max_uses: Option<i32>,
    /// How many hosts may come by it in a minute.
    per_minute: Option<i32>,
    /// What hosts get that come by it.
    #[serde(flatten)]
    binding: BindingText,
}

/// A token that was made.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct MadeToken {
    /// Its number.
    id: i32,
    /// The token: told this once.
    token: String,
}

/// An enrolment token.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct TokenInFull {
    /// Its number.
    id: i32,
    /// What it is for.
    name: String,
    /// Who made it.
    by: Option<String>,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it ends.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    /// When it was revoked.
    #[schema(value_type = Option<String>, format = DateTime)]
    revoked_at: Option<Timestamp>,
    /// Hosts that came by it.
    uses: i32,
    /// How many may.
    max_uses: Option<i32>,
    /// How many may in a minute.
    per_minute: Option<i32>,
    /// When a host last came by it.
    #[schema(value_type = Option<String>, format = DateTime)]
    last_used_at: Option<Timestamp>,
    /// What hosts get that come by it.
    #[serde(flatten)]
    binding: BindingText,
}

impl From<EnrolmentToken> for TokenInFull {
    fn from(token: EnrolmentToken) -> Self {
        Self {
            id: token.id,
            name: token.name,
            by: token.by,
            created_at: token.created,
            expires_at: token.expires,
            revoked_at: token.revoked,
            uses: token.uses,
            max_uses: token.max_uses,
            per_minute: token.per_minute,
            last_used_at: token.last_used,
            binding: token.binding.into(),
        }
    }
}

/// An enrolment that was refused.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct RefusedEnrolment {
    /// Name that the host told.
    name: String,
    /// Where it came from.
    address: String,
    /// Why (`token-expired`).
    reason: String,
    /// Name of its token, where there is such a token.
    token: Option<String>,
    /// Version of its agent.
    agent_version: Option<String>,
    /// When it first tried.
    #[schema(value_type = String, format = DateTime)]
    first_at: Timestamp,
    /// When it last tried.
    #[schema(value_type = String, format = DateTime)]
    last_at: Timestamp,
    /// How often it tried.
    times: i64,
}

/// Enrolment tokens, the latest first; to who sees some groups alone, those that put hosts into these.
#[utoipa::path(get, path = "/api/v1/enrolment/tokens", responses((status = 200, body = [TokenInFull])))]
pub(in crate::api) async fn list(
    State(app): State<SharedApp>,
    visible: VisibleFleet,
) -> Result<Json<Vec<TokenInFull>>, AppError> {
    let mut all = enrolment_tokens::list(&mut *app.pool.acquire().await?, LISTED).await?;
    all.retain(|token| visible.shows_binding(&token.binding));
    Ok(Json(all.into_iter().map(TokenInFull::from).collect()))
}

/// Makes an enrolment token.
#[utoipa::path(post, path = "/api/v1/enrolment/tokens", request_body = NewToken,
    responses((status = 201, body = MadeToken), (status = 400)))]
pub(in crate::api) async fn create(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Json(new): Json<NewToken>,
) -> Result<(StatusCode, Json<MadeToken>), AppError> {
    let mut db = app.pool.acquire().await?;
    let wanted = WantedToken {
        name: new.name,
        days: new.expires_days,
        max_uses: new.max_uses,
        per_minute: new.per_minute,
        binding: new.binding.checked(&mut db).await?,
    };
    let (id, token) = tokens::make(&mut db, &wanted, &person.name, app.clock.now()).await?;
    Ok((StatusCode::CREATED, Json(MadeToken { id, token })))
}

/// Revokes an enrolment token, from now on.
#[utoipa::path(delete, path = "/api/v1/enrolment/tokens/{id}",
    params(("id" = i32, Path, description = "Number of the token")),
    responses((status = 204), (status = 404)))]
pub(in crate::api) async fn revoke(
    State(app): State<SharedApp>,
    Path(id): Path<i32>,
) -> Result<StatusCode, AppError> {
    let mut db = app.pool.acquire().await?;
    if !enrolment_tokens::revoke(&mut db, id, app.clock.now()).await? {
        return Err(AppError::not_found("There is no such token that is not revoked"));
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Enrolments that were refused in the last 30 days, the latest first.
#[utoipa::path(get, path = "/api/v1/enrolment/refusals",
    responses((status = 200, body = [RefusedEnrolment])))]
pub(in crate::api) async fn refusals(
    State(app): State<SharedApp>,
) -> Result<Json<Vec<RefusedEnrolment>>, AppError> {
    let now = app.clock.now();
    let since = now.saturating_sub(REFUSALS).unwrap_or(now);
    let mut db = app.pool.acquire().await?;
    let all = refused_enrolments::list(&mut db, since, LISTED).await?;
    let told = all.into_iter().map(|one| RefusedEnrolment {
        name: one.name,
        address: one.address,
        reason: one.reason,
        token: one.token,
        agent_version: one.agent_version,
        first_at: one.first,
        last_at: one.last,
        times: one.times,
    });
    Ok(Json(told.collect()))
}

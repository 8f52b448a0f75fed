//! `/api/v1/tokens`: tokens of scripts and services.

use axum::{Extension, extract::State, http::StatusCode};
use jiff::Timestamp;
use poolwatch_model::person::Role;
use poolwatch_store::tokens::{self as stored, ApiToken};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    access::{audit::AuditNote, people::Person},
    accounts::tokens::{self, TokenRequest},
    app::SharedApp,
    app_error::AppError,
    parameters::{Json, Path},
};

/// Tokens of one answer, the latest.
const MOST: i64 = 10_000;

/// A token, without its text.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct TokenInfo {
    /// Its number.
    id: i32,
    /// What it is for.
    name: String,
    /// `viewer` reads, `operator` operates, `admin` administers.
    #[schema(value_type = String)]
    role: Role,
    /// Name of the person whose it is; none for a service.
    owner: Option<String>,
    /// Who made it.
    created_by: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    created: Timestamp,
    /// When it ends.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires: Option<Timestamp>,
    /// When it was last used.
    #[schema(value_type = Option<String>, format = DateTime)]
    last_used: Option<Timestamp>,
}

impl From<ApiToken> for TokenInfo {
    fn from(token: ApiToken) -> Self {
        let ApiToken { id, name, role, owner, created_by, created, expires, last_used } = token;
        let owner = owner.map(|(_, name)| name);
        Self { id, name, role, owner, created_by, created, expires, last_used }
    }
}

/// A token to be made for a service.
#[derive(Debug, Deserialize, ToSchema)]
pub(in crate::api) struct TokenToMake {
    /// What it is for.
    name: String,
    /// `viewer` reads, `operator` operates, `admin` administers.
    #[schema(value_type = String)]
    role: Role,
    /// Days until it ends, at most 3650; without it, it does not end.
    days: Option<u16>,
}

/// A token as it is shown once.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct MadeToken {
    /// Its number.
    id: i32,
    /// Its text. Nobody can look it up later.
    token: String,
}

/// All tokens that were not revoked, latest first.
#[utoipa::path(get, path = "/api/v1/tokens", responses((status = 200, body = [TokenInfo])))]
pub(in crate::api) async fn list(
    State(app): State<SharedApp>,
) -> Result<Json<Vec<TokenInfo>>, AppError> {
    let found = stored::list_api(&mut *app.pool.acquire().await?, None, MOST).await?;
    Ok(Json(found.into_iter().map(TokenInfo::from).collect()))
}

/// Makes a token for a service.
#[utoipa::path(post, path = "/api/v1/tokens", request_body = TokenToMake,
    responses((status = 201, body = MadeToken), (status = 400)))]
pub(in crate::api) async fn create(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Json(TokenToMake { name, role, days }): Json<TokenToMake>,
) -> Result<(Extension<AuditNote>, (StatusCode, Json<MadeToken>)), AppError> {
    let request = TokenRequest { name: &name, role, days, owner: None };
    let (id, token) = tokens::create(&app, &person, request).await?;
    let note = AuditNote::new(name.trim(), role.as_str());
    Ok((Extension(note), (StatusCode::CREATED, Json(MadeToken { id, token }))))
}

/// Revokes a token, at once.
#[utoipa::path(delete, path = "/api/v1/tokens/{id}",
    params(("id" = i32, Path, description = "Number of the token")),
    responses((status = 204), (status = 404)))]
pub(in crate::api) async fn revoke(
    State(app): State<SharedApp>,
    Path(id): Path<i32>,
) -> Result<(Extension<AuditNote>, StatusCode), AppError> {
    let name = tokens::revoke(&app, id, None).await?;
    Ok((Extension(AuditNote::new(name, "revoked")), StatusCode::NO_CONTENT))
}

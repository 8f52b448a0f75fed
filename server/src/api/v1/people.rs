//! `/api/v1/people`: who may sign in.

use axum::{Extension, extract::State, http::StatusCode};
use jiff::Timestamp;
use poolwatch_model::person::Role;
use poolwatch_store::people::{self as stored, Account};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    access::audit::AuditNote,
    accounts::people::{self, NewPerson},
    app::SharedApp,
    app_error::AppError,
    parameters::{Json, Path},
};

/// People of one answer.
const MOST: i64 = 10_000;

/// A person who may sign in.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct AccountInfo {
    /// Its number.
    id: i32,
    /// Name shown.
    name: String,
    /// E-mail address, to sign in with.
    email: String,
    /// `viewer`, `operator` or `admin`.
    #[schema(value_type = String)]
    role: Role,
    /// Whether an administrator does not let the person sign in.
    disabled: bool,
    /// Whether a password was set.
    has_password: bool,
    /// Whether signing in takes a code as well.
    second_factor: bool,
    /// When a session was last used.
    #[schema(value_type = Option<String>, format = DateTime)]
    last_used: Option<Timestamp>,
    /// When the account was made.
    #[schema(value_type = String, format = DateTime)]
    created: Timestamp,
}

impl From<Account> for AccountInfo {
    fn from(account: Account) -> Self {
        Self {
            id: account.user.id,
            name: account.user.name,
            email: account.user.email,
            role: account.user.role,
            disabled: account.disabled.is_some(),
            has_password: !account.user.password_hash.is_empty(),
            second_factor: account.user.sealed_totp.is_some(),
            last_used: account.last_used,
            created: account.created,
        }
    }
}

/// A person to be added.
#[derive(Debug, Deserialize, ToSchema)]
pub(in crate::api) struct PersonToAdd {
    /// Name shown.
    name: String,
    /// E-mail address, to sign in with.
    email: String,
    /// `viewer`, `operator` or `admin`.
    #[schema(value_type = String)]
    role: Role,
}

/// What is to change of a person; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
pub(in crate::api) struct PersonChange {
    /// Name shown.
    name: Option<String>,
    /// `viewer`, `operator` or `admin`.
    #[schema(value_type = Option<String>)]
    role: Option<Role>,
    /// Whether the person may not sign in.
    disabled: Option<bool>,
}

/// A link by which a person sets a password, once.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct PasswordLink {
    /// The person's number.
    id: i32,
    /// The link, good for three days.
    link: String,
}

type Noted<T> = Result<(Extension<AuditNote>, T), AppError>;

/// All people.
#[utoipa::path(get, path = "/api/v1/people", responses((status = 200, body = [AccountInfo])))]
pub(in crate::api) async fn list(
    State(app): State<SharedApp>,
) -> Result<Json<Vec<AccountInfo>>, AppError> {
    let found = stored::accounts(&mut *app.pool.acquire().await?, MOST, app.clock.now()).await?;
    Ok(Json(found.into_iter().map(AccountInfo::from).collect()))
}

/// One person.
#[utoipa::path(get, path = "/api/v1/people/{id}",
    params(("id" = i32, Path, description = "Number of the person")),
    responses((status = 200, body = AccountInfo), (status = 404)))]
pub(in crate::api) async fn one(
    State(app): State<SharedApp>,
    Path(id): Path<i32>,
) -> Result<Json<AccountInfo>, AppError> {
    let account = people::find(&app, &mut *app.pool.acquire().await?, id).await?;
    Ok(Json(account.into()))
}

/// Adds a person.
#[utoipa::path(post, path = "/api/v1/people", request_body = PersonToAdd,
    responses((status = 201, body = PasswordLink), (status = 400), (status = 409)))]
pub(in crate::api) async fn add(
    State(app): State<SharedApp>,
    Json(PersonToAdd { name, email, role }): Json<PersonToAdd>,
) -> Noted<(StatusCode, Json<PasswordLink>)> {
    let new = NewPerson::read(&name, &email, role).map_err(AppError::bad_request)?;
    let (id, link) = people::add(&app, &new).await?;
    let note = AuditNote::new(new.email, format!("{}, {role}", new.name));
    Ok((Extension(note), (StatusCode::CREATED, Json(PasswordLink { id, link }))))
}

/// Changes a person.
#[utoipa::path(patch, path = "/api/v1/people/{id}", request_body = PersonChange,
    params(("id" = i32, Path, description = "Number of the person")),
    responses((status = 200, body = AccountInfo), (status = 400), (status = 404)))]
pub(in crate::api) async fn change(
    State(app): State<SharedApp>,
    Path(id): Path<i32>,
    Json(PersonChange { name, role, disabled }): Json<PersonChange>,
) -> Noted<Json<AccountInfo>> {
    let user = people::find(&app, &mut *app.pool.acquire().await?, id).await?.user;
    let mut detail = user.email;
    if name.is_some() || role.is_some() {
        let name = name.unwrap_or(user.name);
        detail = people::change(&app, id, &name, role.unwrap_or(user.role)).await?;
    }
    if let Some(disabled) = disabled {
        people::set_disabled(&app, id, disabled).await?;
        detail.push_str(if disabled { ", disabled" } else { ", enabled" });
    }
    let account = people::find(&app, &mut *app.pool.acquire().await?, id).await?;
    Ok((Extension(AuditNote::new("", detail)), Json(account.into())))
}

/// Deletes a person.
#[utoipa::path(delete, path = "/api/v1/people/{id}",
    params(("id" = i32, Path, description = "Number of the person")),
    responses((status = 204), (status = 400), (status = 404)))]
pub(in crate::api) async fn delete(
    State(app): State<SharedApp>,
    Path(id): Path<i32>,
) -> Noted<StatusCode> {
    let email = people::delete(&app, id).await?;
    Ok((Extension(AuditNote::new(email, "deleted")), StatusCode::NO_CONTENT))
}

/// Makes a link by which a person sets a new password. Earlier ones end.
#[utoipa::path(post, path = "/api/v1/people/{id}/link",
    params(("id" = i32, Path, description = "Number of the person")),
    responses((status = 201, body = PasswordLink), (status = 400), (status = 404)))]
pub(in crate::api) async fn make_link(
    State(app): State<SharedApp>,
    Path(id): Path<i32>,
) -> Noted<(StatusCode, Json<PasswordLink>)> {
    let (account, link) = people::make_link(&app, id).await?;
    let note = AuditNote::new(account.user.email, "link to set a password");
    Ok((Extension(note), (StatusCode::CREATED, Json(PasswordLink { id, link }))))
}

/// Turns off the second factor of a person who lost it.
#[utoipa::path(delete, path = "/api/v1/people/{id}/second-factor",
    params(("id" = i32, Path, description = "Number of the person")),
    responses((status = 204), (status = 404)))]
pub(in crate::api) async fn reset_second_factor(
    State(app): State<SharedApp>,
    Path(id): Path<i32>,
) -> Noted<StatusCode> {
    let email = people::reset_second_factor(&app, id).await?;
    Ok((Extension(AuditNote::new(email, "second factor off")), StatusCode::NO_CONTENT))
}

//! `/api/v1/people`: who may sign in.

use axum::{Extension, extract::State, http::StatusCode};
use jiff::Timestamp;
use poolwatch_model::{HostGroupId, person::Role};
use poolwatch_store::{
    people::{self as stored, Account},
    sessions::{self, Session},
};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::{
    access::audit::AuditNote,
    accounts::people::{self, NewPerson, PersonChanges},
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
    /// Numbers of the groups whose hosts the person sees; `null` for the whole fleet.
    #[schema(value_type = Option<Vec<i32>>)]
    groups: Option<Vec<HostGroupId>>,
    /// The identity provider that the person signs in by.
    provider: Option<String>,
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
            groups: account.user.scope.groups().map(<[HostGroupId]>::to_vec),
            provider: account.provider,
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
    /// Numbers of the groups whose hosts the person is to see; all hosts without it.
    #[schema(value_type = Option<Vec<i32>>)]
    groups: Option<Vec<HostGroupId>>,
}

/// What is to change of a person; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
pub(in crate::api) struct PersonChange {
    /// Name shown.
    name: Option<String>,
    /// `viewer`, `operator` or `admin`.
    #[schema(value_type = Option<String>)]
    role: Option<Role>,
    /// Numbers of the groups whose hosts the person is to see; `null` for all hosts.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Vec<i32>>)]
    groups: Option<Option<Vec<HostGroupId>>>,
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

/// A session of a person who is signed in.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct SessionInfo {
    /// Its number.
    id: i64,
    /// When the person signed in.
    #[schema(value_type = String, format = DateTime)]
    created: Timestamp,
    /// When it was last used, within a minute.
    #[schema(value_type = Option<String>, format = DateTime)]
    last_used: Option<Timestamp>,
    /// When it ends by itself.
    #[schema(value_type = String, format = DateTime)]
    expires: Timestamp,
    /// Address that the person signed in from; empty where it was not kept.
    address: String,
    /// What the browser calls itself.
    user_agent: String,
}

impl From<Session> for SessionInfo {
    fn from(session: Session) -> Self {
        let Session { id, created, last_used, expires, address, user_agent } = session;
        Self { id, created, last_used, expires, address, user_agent }
    }
}

/// What is there, be it `null`: what is left out stays.
fn present<'de, D: Deserializer<'de>>(
    value: D,
) -> Result<Option<Option<Vec<HostGroupId>>>, D::Error> {
    Option::deserialize(value).map(Some)
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
    Json(PersonToAdd { name, email, role, groups }): Json<PersonToAdd>,
) -> Noted<(StatusCode, Json<PasswordLink>)> {
    let new = NewPerson::read(&name, &email, role).map_err(AppError::bad_request)?;
    let new = NewPerson { groups, ..new };
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
    Json(PersonChange { name, role, groups, disabled }): Json<PersonChange>,
) -> Noted<Json<AccountInfo>> {
    let user = people::find(&app, &mut *app.pool.acquire().await?, id).await?.user;
    let mut detail = user.email;
    if name.is_some() || role.is_some() || groups.is_some() {
        let name = name.unwrap_or(user.name);
        let role = role.unwrap_or(user.role);
        detail = people::change(&app, id, PersonChanges { name: &name, role, groups }).await?;
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

/// The sessions of a person, latest first.
#[utoipa::path(get, path = "/api/v1/people/{id}/sessions",
    params(("id" = i32, Path, description = "Number of the person")),
    responses((status = 200, body = [SessionInfo]), (status = 404)))]
pub(in crate::api) async fn list_sessions(
    State(app): State<SharedApp>,
    Path(id): Path<i32>,
) -> Result<Json<Vec<SessionInfo>>, AppError> {
    let mut db = app.pool.acquire().await?;
    people::find(&app, &mut db, id).await?;
    let found = sessions::of_user(&mut db, id, app.clock.now()).await?;
    Ok(Json(found.into_iter().map(SessionInfo::from).collect()))
}

/// Ends a session of a person, at once.
#[utoipa::path(delete, path = "/api/v1/people/{id}/sessions/{session}",
    params(
        ("id" = i32, Path, description = "Number of the person"),
        ("session" = i64, Path, description = "Number of the session")),
    responses((status = 204), (status = 404)))]
pub(in crate::api) async fn end_session(
    State(app): State<SharedApp>,
    Path((id, session)): Path<(i32, i64)>,
) -> Noted<StatusCode> {
    people::end_session(&app, id, session).await?;
    Ok((Extension(AuditNote::new("", "session ended")), StatusCode::NO_CONTENT))
}

//! `/api/v1/groups`: groups of hosts by rules.

use axum::{Extension, extract::State, http::StatusCode};
use poolwatch_model::{
    HostGroupId,
    host_group::{GroupRule, HostGroup},
};
use poolwatch_store::host_groups;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    access::{audit::AuditNote, people::Person},
    app::SharedApp,
    app_error::AppError,
    enrolment::groups,
    fleet::visible::VisibleFleet,
    parameters::{Json, Path},
};

/// A group of hosts.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct GroupInfo {
    /// Its number.
    id: i32,
    /// What it is called.
    name: String,
    /// Its rules; a host that meets one of them belongs to it. A rule asks for everything that it
    /// names: `host_name` (a pattern), `domain`, `ou` (`Servers/Berlin`), `site`, `label`.
    #[schema(value_type = Vec<Object>)]
    rules: Vec<GroupRule>,
    /// Hosts that belong to it, as of the latest view of the fleet.
    hosts: usize,
}

/// A group to be made, or as it is to be.
#[derive(Debug, Deserialize, ToSchema)]
pub(in crate::api) struct GroupText {
    /// What it is called.
    name: String,
    /// Its rules.
    #[serde(default)]
    #[schema(value_type = Vec<Object>)]
    rules: Vec<GroupRule>,
}

type Noted<T> = Result<(Extension<AuditNote>, T), AppError>;

fn in_full(visible: &VisibleFleet, group: HostGroup) -> GroupInfo {
    let HostGroup { id, name, rules } = group;
    let hosts = visible.view.hosts.iter().filter(|host| host.groups.contains(&id)).count();
    GroupInfo { id: id.0, name, rules, hosts }
}

fn note(group: &HostGroup) -> Extension<AuditNote> {
    let rules: Vec<String> = group.rules.iter().map(poolwatch_web::words::group_rule).collect();
    Extension(AuditNote::new(format!("group {}", group.name), rules.join("; or ")))
}

/// The groups of the hosts that one sees, by name.
#[utoipa::path(get, path = "/api/v1/groups", responses((status = 200, body = [GroupInfo])))]
pub(in crate::api) async fn list(
    State(app): State<SharedApp>,
    visible: VisibleFleet,
) -> Result<Json<Vec<GroupInfo>>, AppError> {
    let mut all = host_groups::list(&mut *app.pool.acquire().await?).await?;
    all.retain(|group| {
        visible.is_whole() || visible.view.groups.iter().any(|shown| shown.id == group.id)
    });
    Ok(Json(all.into_iter().map(|group| in_full(&visible, group)).collect()))
}

/// One group.
#[utoipa::path(get, path = "/api/v1/groups/{id}",
    params(("id" = i32, Path, description = "Number of the group")),
    responses((status = 200, body = GroupInfo), (status = 404)))]
pub(in crate::api) async fn one(
    State(app): State<SharedApp>,
    visible: VisibleFleet,
    Path(id): Path<i32>,
) -> Result<Json<GroupInfo>, AppError> {
    let group = groups::find(&mut *app.pool.acquire().await?, HostGroupId(id)).await?;
    Ok(Json(in_full(&visible, group)))
}

/// Makes a group.
#[utoipa::path(post, path = "/api/v1/groups", request_body = GroupText,
    responses((status = 201, body = GroupInfo), (status = 400), (status = 409)))]
pub(in crate::api) async fn create(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    visible: VisibleFleet,
    Json(GroupText { name, rules }): Json<GroupText>,
) -> Noted<(StatusCode, Json<GroupInfo>)> {
    let mut db = app.pool.acquire().await?;
    let group = groups::create(&mut db, &name, rules, &person.name, app.clock.now()).await?;
    Ok((note(&group), (StatusCode::CREATED, Json(in_full(&visible, group)))))
}

/// Gives a group another name and other rules.
#[utoipa::path(put, path = "/api/v1/groups/{id}", request_body = GroupText,
    params(("id" = i32, Path, description = "Number of the group")),
    responses((status = 200, body = GroupInfo), (status = 400), (status = 404), (status = 409)))]
pub(in crate::api) async fn change(
    State(app): State<SharedApp>,
    visible: VisibleFleet,
    Path(id): Path<i32>,
    Json(GroupText { name, rules }): Json<GroupText>,
) -> Noted<Json<GroupInfo>> {
    let mut db = app.pool.acquire().await?;
    let group = groups::change(&mut db, HostGroupId(id), &name, rules).await?;
    Ok((note(&group), Json(in_full(&visible, group))))
}

/// Deletes a group that nobody is limited to, and that no token or rule puts hosts into.
#[utoipa::path(delete, path = "/api/v1/groups/{id}",
    params(("id" = i32, Path, description = "Number of the group")),
    responses((status = 204), (status = 404), (status = 409)))]
pub(in crate::api) async fn delete(
    State(app): State<SharedApp>,
    Path(id): Path<i32>,
) -> Noted<StatusCode> {
    let mut db = app.pool.acquire().await?;
    let name = groups::delete(&mut db, HostGroupId(id)).await?;
    let note = AuditNote::new(format!("group {name}"), "deleted");
    Ok((Extension(note), StatusCode::NO_CONTENT))
}

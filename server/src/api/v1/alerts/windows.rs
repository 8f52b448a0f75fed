//! `/api/v1/alerts/windows`: maintenance windows that recur.

use axum::{Extension, extract::State, http::StatusCode};
use jiff::Timestamp;
use poolwatch_model::alerting::{RecurringWindow, WindowId};
use poolwatch_store::recurring_windows;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Noted, ScopeInfo};
use crate::{
    access::{audit::AuditNote, people::Person},
    alert_setup::windows::{self as setup, WindowDraft},
    app::SharedApp,
    app_error::AppError,
    parameters::{Json, Path},
};

/// A window that recurs.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct WindowInfo {
    /// Its number.
    id: i64,
    /// Of which hosts nobody is told.
    hosts: ScopeInfo,
    /// Of incidents of which main tag.
    tag: Option<String>,
    /// Why.
    reason: String,
    /// Who made it.
    by: String,
    /// In which time zone.
    zone: String,
    /// Days of the week on which it begins, 0 is Monday.
    days: Vec<u8>,
    /// Minute of the day at which it begins.
    begins: u32,
    /// Minute of the day at which it ends; of the next day, where it is no later.
    ends: u32,
    /// None begins later than this.
    #[schema(value_type = String, format = DateTime)]
    last: Timestamp,
}

/// The number of what was made.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct AddedWindow {
    /// Its number.
    id: i64,
}

fn in_full(window: RecurringWindow) -> WindowInfo {
    let bits = window.weekdays.bits();
    WindowInfo {
        id: window.id.0,
        tag: window.matcher.tag.map(|tag| tag.to_string()),
        hosts: window.matcher.scope.into(),
        reason: window.reason,
        by: window.by,
        zone: window.zone,
        days: (0..7).filter(|day| bits & (1 << day) != 0).collect(),
        begins: window.begins,
        ends: window.ends,
        last: window.last,
    }
}

/// Windows of which there is still a time to come.
#[utoipa::path(get, path = "/api/v1/alerts/windows", responses((status = 200, body = [WindowInfo])))]
pub(in crate::api) async fn list(
    State(app): State<SharedApp>,
) -> Result<Json<Vec<WindowInfo>>, AppError> {
    let all = recurring_windows::list(&mut *app.pool.acquire().await?, app.clock.now()).await?;
    Ok(Json(all.into_iter().map(in_full).collect()))
}

/// Adds a window.
#[utoipa::path(post, path = "/api/v1/alerts/windows", request_body = WindowDraft,
    responses((status = 201, body = AddedWindow), (status = 400)))]
pub(in crate::api) async fn add(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Json(draft): Json<WindowDraft>,
) -> Noted<(StatusCode, Json<AddedWindow>)> {
    let id = setup::add(&app, &draft, &person.name, app.clock.now()).await?.0;
    let note = AuditNote::new(format!("window {id}"), draft.describe());
    Ok((Extension(note), (StatusCode::CREATED, Json(AddedWindow { id }))))
}

/// Takes a window away. Its silence that goes on ends.
#[utoipa::path(delete, path = "/api/v1/alerts/windows/{id}",
    params(("id" = i64, Path, description = "Number of the window")),
    responses((status = 204), (status = 404)))]
pub(in crate::api) async fn remove(
    State(app): State<SharedApp>,
    Path(id): Path<i64>,
) -> Noted<StatusCode> {
    setup::remove(&app, WindowId(id), app.clock.now()).await?;
    Ok((Extension(AuditNote::new(format!("window {id}"), "removed")), StatusCode::NO_CONTENT))
}

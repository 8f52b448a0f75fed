//! `/api/v1/alerts/silences`.

use axum::{Extension, extract::State, http::StatusCode};
use poolwatch_model::{
    HostId,
    alerting::{Silence, SilenceId},
};
use poolwatch_store::silences;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Noted;
use crate::{
    access::{audit::AuditNote, people::Person},
    alert_setup::silences::{self as setup, SilenceDraft},
    app::SharedApp,
    app_error::AppError,
    fleet::visible::VisibleFleet,
    parameters::{Json, Path},
};

/// Hosts that are silenced at once.
const HOSTS_AT_ONCE: usize = 100;

/// The number of what was made.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct AddedSilence {
    /// Its number.
    id: i64,
}

/// Silences that last or begin later, of what one sees.
#[utoipa::path(get, path = "/api/v1/alerts/silences",
    responses((status = 200, body = [Object])))]
pub(in crate::api) async fn list(
    State(app): State<SharedApp>,
    visible: VisibleFleet,
) -> Result<Json<Vec<Silence>>, AppError> {
    let mut all = silences::ending_after(&mut *app.pool.acquire().await?, app.clock.now()).await?;
    all.retain(|silence| setup::is_shown(&visible, silence));
    Ok(Json(all))
}

/// Makes a silence.
#[utoipa::path(post, path = "/api/v1/alerts/silences", request_body = SilenceDraft,
    responses((status = 201, body = AddedSilence), (status = 400)))]
pub(in crate::api) async fn add(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Json(draft): Json<SilenceDraft>,
) -> Noted<(StatusCode, Json<AddedSilence>)> {
    let id = setup::add(&app, &draft, &person.name, app.clock.now()).await?.0;
    let note = AuditNote::new(format!("silence {id}"), draft.describe());
    Ok((Extension(note), (StatusCode::CREATED, Json(AddedSilence { id }))))
}

/// Ends a silence: what it held goes out.
#[utoipa::path(delete, path = "/api/v1/alerts/silences/{id}",
    params(("id" = i64, Path, description = "Number of the silence")),
    responses((status = 204), (status = 403), (status = 404)))]
pub(in crate::api) async fn end(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    visible: VisibleFleet,
    Path(id): Path<i64>,
) -> Noted<StatusCode> {
    setup::end(&app, &visible, SilenceId(id), &person.name, app.clock.now()).await?;
    Ok((Extension(AuditNote::new(format!("silence {id}"), "ended")), StatusCode::NO_CONTENT))
}

/// Hosts of which nobody is told for some hours.
#[derive(Debug, Deserialize, ToSchema)]
pub(in crate::api) struct HostSilence {
    /// Numbers of hosts, 1 to 100.
    hosts: Vec<i32>,
    /// How long it lasts, 1 to 720.
    hours: i64,
    /// Why.
    reason: String,
}

/// Silences hosts from now on, each by a silence of its own; all of them, or none.
#[utoipa::path(post, path = "/api/v1/host-silences", request_body = HostSilence,
    responses((status = 204), (status = 400), (status = 404)))]
pub(in crate::api) async fn add_for_hosts(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    visible: VisibleFleet,
    Json(HostSilence { hosts, hours, reason }): Json<HostSilence>,
) -> Noted<StatusCode> {
    if !(1..=HOSTS_AT_ONCE).contains(&hosts.len()) {
        return Err(AppError::bad_request(format!("Name 1 to {HOSTS_AT_ONCE} hosts.")));
    }
    let hosts: Vec<HostId> = hosts.into_iter().map(HostId).collect();
    setup::add_for_hosts(&app, &visible, &hosts, (hours, &reason), &person.name).await?;
    let note = AuditNote::new(format!("{} hosts", hosts.len()), format!("{hours} h: {reason}"));
    Ok((Extension(note), StatusCode::NO_CONTENT))
}

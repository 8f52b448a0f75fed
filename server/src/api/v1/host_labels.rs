//! `/api/v1/hosts/{id}/description` and `/api/v1/host-labels`: what people say of hosts.

use axum::{Extension, extract::State, http::StatusCode};
use poolwatch_model::HostId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    access::audit::AuditNote,
    app::SharedApp,
    app_error::AppError,
    enrolment::labels,
    fleet::visible::VisibleFleet,
    parameters::{Json, Path},
};

/// What is said of a host; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
pub(in crate::api) struct HostDescription {
    /// Its labels, in place of those of before.
    labels: Option<Vec<String>>,
    /// A note.
    note: Option<String>,
}

/// Labels of hosts to change.
#[derive(Debug, Deserialize, ToSchema)]
pub(in crate::api) struct LabelChange {
    /// Numbers of hosts, at most 20,000.
    hosts: Vec<i32>,
    /// Labels to add.
    #[serde(default)]
    add: Vec<String>,
    /// Labels to take away.
    #[serde(default)]
    remove: Vec<String>,
}

/// Hosts whose labels were changed.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct LabelledHosts {
    /// Their numbers.
    hosts: Vec<i32>,
}

/// Keeps labels and note of a host.
#[utoipa::path(put, path = "/api/v1/hosts/{id}/description", request_body = HostDescription,
    params(("id" = i32, Path, description = "Number of the host")),
    responses((status = 204), (status = 400), (status = 403), (status = 404)))]
pub(in crate::api) async fn describe(
    State(app): State<SharedApp>,
    visible: VisibleFleet,
    Path(id): Path<i32>,
    Json(HostDescription { labels, note }): Json<HostDescription>,
) -> Result<(Extension<AuditNote>, StatusCode), AppError> {
    let detail = format!(
        "labels {}; {}",
        labels.as_ref().map_or("as before".to_owned(), |labels| labels.join(", ")),
        note.as_deref().unwrap_or("note as before")
    );
    labels::describe_host(&app, &visible, HostId(id), labels, note.as_deref()).await?;
    Ok((Extension(AuditNote::new("", detail)), StatusCode::NO_CONTENT))
}

/// Adds labels to hosts, and takes others away.
#[utoipa::path(post, path = "/api/v1/host-labels", request_body = LabelChange,
    responses((status = 200, body = LabelledHosts), (status = 400)))]
pub(in crate::api) async fn label(
    State(app): State<SharedApp>,
    visible: VisibleFleet,
    Json(LabelChange { hosts, add, remove }): Json<LabelChange>,
) -> Result<(Extension<AuditNote>, Json<LabelledHosts>), AppError> {
    let hosts: Vec<HostId> = hosts.into_iter().map(HostId).collect();
    let done = labels::label_hosts(&app, &visible, &hosts, &add, &remove).await?;
    let detail = format!("added {}; taken away {}", add.join(", "), remove.join(", "));
    let note = AuditNote::new(format!("labels of {} hosts", done.len()), detail);
    let hosts = done.into_iter().map(|id| id.0).collect();
    Ok((Extension(note), Json(LabelledHosts { hosts })))
}

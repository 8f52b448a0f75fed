//! `/api/v1/incidents`: what is wrong, and what is done about it.

use axum::{Extension, extract::State, http::StatusCode};
use poolwatch_model::incident::{Details, Incident, IncidentId, Note};
use poolwatch_store::incidents::{self, IncidentFilter};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    access::{audit::AuditNote, people::Person},
    app::SharedApp,
    app_error::AppError,
    fleet::visible::VisibleFleet,
    incident_actions::{self, IncidentSilence},
    parameters::{Json, Path, Query},
};

/// Incidents of one answer, when not told otherwise, and at most.
const ROWS: i64 = 200;
const MOST_ROWS: i64 = 500;
/// Notes of one incident, the latest.
const NOTES: i64 = 200;

/// Which incidents.
#[derive(Debug, Deserialize)]
pub(in crate::api) struct WhichIncidents {
    #[serde(default)]
    past: bool,
    limit: Option<i64>,
}

/// Incidents, latest first.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct IncidentList {
    /// The incidents.
    #[schema(value_type = Vec<Object>)]
    incidents: Vec<Incident>,
}

/// One incident with what is kept beside its record.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct IncidentInFull {
    /// Its record.
    #[schema(value_type = Object)]
    incident: Incident,
    /// Who looks after it, and what was seen around it. What is of all its hosts together is left out
    /// for who sees some of them alone.
    #[schema(value_type = Object)]
    details: Details,
    /// What became of it and what people said, latest first.
    #[schema(value_type = Vec<Object>)]
    notes: Vec<Note>,
}

/// What somebody says.
#[derive(Debug, Deserialize, ToSchema)]
pub(in crate::api) struct CommentText {
    /// 1 to 4,000 characters.
    text: String,
}

/// Who is to look after an incident.
#[derive(Debug, Deserialize, ToSchema)]
pub(in crate::api) struct NewOwner {
    /// Name of a person; `null` for nobody.
    owner: Option<String>,
}

/// A silence of one incident.
#[derive(Debug, Deserialize, ToSchema)]
pub(in crate::api) struct NewIncidentSilence {
    /// How long it lasts, 1 to 720.
    hours: i64,
    /// Why.
    #[serde(default)]
    reason: String,
    /// Whether it ends once the incident is worse.
    #[serde(default)]
    until_worse: bool,
}

/// The incident that another one is the same cause as.
#[derive(Debug, Deserialize, ToSchema)]
pub(in crate::api) struct IncidentMerge {
    /// Its number.
    into: i64,
}

/// Whether the suspect was the cause.
#[derive(Debug, Deserialize, ToSchema)]
pub(in crate::api) struct SuspectConfirmation {
    /// Whether it was.
    is_right: bool,
}

type Noted = Result<(Extension<AuditNote>, StatusCode), AppError>;

fn noted(detail: impl Into<String>) -> (Extension<AuditNote>, StatusCode) {
    (Extension(AuditNote::new("", detail)), StatusCode::NO_CONTENT)
}

/// Incidents, latest first.
#[utoipa::path(get, path = "/api/v1/incidents",
    params(
        ("past" = Option<bool>, Query, description = "Whether those that are over are listed as well"),
        ("limit" = Option<i64>, Query, description = "Rows, 200 unless told, 500 at most")),
    responses((status = 200, body = IncidentList)))]
pub(in crate::api) async fn list(
    State(app): State<SharedApp>,
    visible: VisibleFleet,
    Query(WhichIncidents { past, limit }): Query<WhichIncidents>,
) -> Result<Json<IncidentList>, AppError> {
    let filter = IncidentFilter { unresolved: !past, ..IncidentFilter::default() };
    let rows = limit.unwrap_or(ROWS).clamp(1, MOST_ROWS);
    let mut db = app.pool.acquire().await?;
    Ok(Json(IncidentList { incidents: visible.incidents(&mut db, filter, rows).await? }))
}

/// One incident.
#[utoipa::path(get, path = "/api/v1/incidents/{id}",
    params(("id" = i64, Path, description = "Number of the incident")),
    responses((status = 200, body = IncidentInFull), (status = 404)))]
pub(in crate::api) async fn one(
    State(app): State<SharedApp>,
    visible: VisibleFleet,
    Path(id): Path<i64>,
) -> Result<Json<IncidentInFull>, AppError> {
    let mut db = app.pool.acquire().await?;
    let incident = visible.incident(&mut db, IncidentId(id)).await?;
    let mut details = incidents::details(&mut db, incident.id).await?;
    if !visible.shows_all_of(&mut db, incident.id).await? {
        details.seen_on.retain(|host| visible.shows(*host));
        (details.picture, details.comparison) = (None, Vec::new());
    }
    let notes = incidents::notes(&mut db, incident.id, NOTES).await?;
    Ok(Json(IncidentInFull { incident, details, notes }))
}

/// Keeps a comment.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/comments", request_body = CommentText,
    params(("id" = i64, Path, description = "Number of the incident")),
    responses((status = 204), (status = 400), (status = 404)))]
pub(in crate::api) async fn comment(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    visible: VisibleFleet,
    Path(id): Path<i64>,
    Json(CommentText { text }): Json<CommentText>,
) -> Noted {
    incident_actions::comment(&app, &visible, IncidentId(id), &text, &person.name).await?;
    Ok(noted(text))
}

/// Gives an incident to somebody, or to nobody.
#[utoipa::path(put, path = "/api/v1/incidents/{id}/owner", request_body = NewOwner,
    params(("id" = i64, Path, description = "Number of the incident")),
    responses((status = 204), (status = 400), (status = 404)))]
pub(in crate::api) async fn assign(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    visible: VisibleFleet,
    Path(id): Path<i64>,
    Json(NewOwner { owner }): Json<NewOwner>,
) -> Noted {
    let owner = owner.as_deref();
    incident_actions::assign(&app, &visible, IncidentId(id), owner, &person.name).await?;
    Ok(noted(owner.unwrap_or("nobody")))
}

/// Says that an incident is over.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/resolve",
    params(("id" = i64, Path, description = "Number of the incident")),
    responses((status = 204), (status = 403), (status = 404)))]
pub(in crate::api) async fn resolve(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    visible: VisibleFleet,
    Path(id): Path<i64>,
) -> Noted {
    incident_actions::resolve(&app, &visible, IncidentId(id), &person.name).await?;
    Ok(noted("resolved"))
}

/// Says that an incident is not over: it goes on where it did before.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/reopen",
    params(("id" = i64, Path, description = "Number of the incident")),
    responses((status = 204), (status = 400), (status = 403), (status = 404)))]
pub(in crate::api) async fn reopen(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    visible: VisibleFleet,
    Path(id): Path<i64>,
) -> Noted {
    incident_actions::reopen(&app, &visible, IncidentId(id), &person.name).await?;
    Ok(noted("opened again"))
}

/// Makes an incident part of another one, which is the same cause: what is found of it goes there.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/merge", request_body = IncidentMerge,
    params(("id" = i64, Path, description = "Number of the incident")),
    responses((status = 204), (status = 400), (status = 403), (status = 404)))]
pub(in crate::api) async fn merge(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    visible: VisibleFleet,
    Path(id): Path<i64>,
    Json(IncidentMerge { into }): Json<IncidentMerge>,
) -> Noted {
    let into_id = IncidentId(into);
    incident_actions::merge(&app, &visible, IncidentId(id), into_id, &person.name).await?;
    Ok(noted(format!("part of incident {into}")))
}

/// Notes whether the suspect of an incident was the cause.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/confirm", request_body = SuspectConfirmation,
    params(("id" = i64, Path, description = "Number of the incident")),
    responses((status = 204), (status = 400), (status = 404)))]
pub(in crate::api) async fn confirm(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    visible: VisibleFleet,
    Path(id): Path<i64>,
    Json(SuspectConfirmation { is_right }): Json<SuspectConfirmation>,
) -> Noted {
    incident_actions::confirm(&app, &visible, IncidentId(id), is_right, &person.name).await?;
    Ok(noted(if is_right { "suspect confirmed" } else { "suspect refuted" }))
}

/// Notes that somebody knows of an incident and is at it.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/acknowledge",
    params(("id" = i64, Path, description = "Number of the incident")),
    responses((status = 204), (status = 404)))]
pub(in crate::api) async fn acknowledge(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    visible: VisibleFleet,
    Path(id): Path<i64>,
) -> Noted {
    incident_actions::acknowledge(&app, &visible, IncidentId(id), &person.name).await?;
    Ok(noted("acknowledged"))
}

/// Lets nobody be told of an incident for a while.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/silence", request_body = NewIncidentSilence,
    params(("id" = i64, Path, description = "Number of the incident")),
    responses((status = 204), (status = 400), (status = 403), (status = 404)))]
pub(in crate::api) async fn silence(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    visible: VisibleFleet,
    Path(id): Path<i64>,
    Json(NewIncidentSilence { hours, reason, until_worse }): Json<NewIncidentSilence>,
) -> Noted {
    let wanted = IncidentSilence { hours, reason, until_worse };
    incident_actions::silence(&app, &visible, IncidentId(id), &wanted, &person.name).await?;
    Ok(noted(format!("{hours} h")))
}

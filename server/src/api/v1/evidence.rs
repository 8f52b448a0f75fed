//! `/api/v1/evidence`: texts of a machine without an agent, judged, and kept for a host.

use axum::{
    Extension,
    extract::{Multipart, State},
    http::StatusCode,
};
use poolwatch_model::HostId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    access::{audit::AuditNote, people::Person},
    app::SharedApp,
    app_error::AppError,
    diagnosing::Report,
    evidence_uploads,
    fleet::visible::VisibleFleet,
    parameters::{Json, Path},
};

type Noted<T> = Result<(Extension<AuditNote>, T), AppError>;

/// Texts that were judged.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct JudgedEvidence {
    /// Their number.
    id: Uuid,
}

/// The host that texts are of.
#[derive(Debug, Deserialize, ToSchema)]
pub(in crate::api) struct EvidenceHost {
    /// Its name.
    host: String,
}

/// The host that texts were kept for.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct KeptEvidence {
    /// Its number.
    #[schema(value_type = i32)]
    host_id: HostId,
}

/// Takes texts in and judges them: a form with `files`, and a `text` beside them.
#[utoipa::path(post, path = "/api/v1/evidence",
    request_body(content = Object, content_type = "multipart/form-data"),
    responses((status = 201, body = JudgedEvidence), (status = 400), (status = 413)))]
pub(in crate::api) async fn judge(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    sent: Multipart,
) -> Noted<(StatusCode, Json<JudgedEvidence>)> {
    let judged = evidence_uploads::judge(&app, sent, &person.in_audit_log()).await?;
    let id = judged.ok_or_else(|| {
        AppError::bad_request("There is no file and no text in the form, or all are empty.")
    })?;
    let note = AuditNote::new(format!("evidence {id}"), "judged");
    Ok((Extension(note), (StatusCode::CREATED, Json(JudgedEvidence { id }))))
}

/// What texts tell, in the shape of `poolwatch-server diagnose --json`.
#[utoipa::path(get, path = "/api/v1/evidence/{id}",
    params(("id" = String, Path, description = "Number of the texts")),
    responses((status = 200, body = Object), (status = 404)))]
pub(in crate::api) async fn one(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    visible: VisibleFleet,
    Path(id): Path<String>,
) -> Result<Json<Report>, AppError> {
    let upload = evidence_uploads::find(&app, &person.in_audit_log(), &visible, &id).await?;
    Ok(Json(evidence_uploads::report(&app, &upload).await?))
}

/// Keeps texts for a host, with what they tell. A host of that name is made when there is none.
#[utoipa::path(post, path = "/api/v1/evidence/{id}/keep", request_body = EvidenceHost,
    params(("id" = String, Path, description = "Number of the texts")),
    responses((status = 200, body = KeptEvidence), (status = 400), (status = 403), (status = 404)))]
pub(in crate::api) async fn keep(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    visible: VisibleFleet,
    Path(id): Path<String>,
    Json(EvidenceHost { host }): Json<EvidenceHost>,
) -> Noted<Json<KeptEvidence>> {
    let upload = evidence_uploads::find(&app, &person.in_audit_log(), &visible, &id).await?;
    let host_id = evidence_uploads::keep(&app, &visible, &upload, &host).await?;
    let note = AuditNote::new(format!("evidence {id}"), format!("kept for {host}"));
    Ok((Extension(note), Json(KeptEvidence { host_id })))
}

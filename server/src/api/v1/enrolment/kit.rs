//! `/api/v1/enrolment/kit`: files that bring agents to hosts.

use axum::{
    Extension,
    extract::State,
    http::{HeaderName, header},
};

use crate::{
    access::audit::AuditNote,
    app::SharedApp,
    app_error::AppError,
    deploy_kit::{self, FILE_NAME, KitDraft},
    parameters::Json,
};

/// An archive, to be saved.
type Archive = ([(HeaderName, String); 2], Vec<u8>);

/// Makes the files for Group Policy, Intune, Configuration Manager and scripts, with this server's values.
#[utoipa::path(post, path = "/api/v1/enrolment/kit", request_body = KitDraft,
    responses(
        (status = 200, body = [u8], content_type = "application/zip"),
        (status = 400)))]
pub(in crate::api) async fn make(
    State(app): State<SharedApp>,
    Json(draft): Json<KitDraft>,
) -> Result<(Extension<AuditNote>, Archive), AppError> {
    let (bytes, told) = deploy_kit::make(&app, &draft).await?;
    let headers = [
        (header::CONTENT_TYPE, "application/zip".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{FILE_NAME}\"")),
    ];
    Ok((Extension(AuditNote::new("files for deployment", told)), (headers, bytes)))
}

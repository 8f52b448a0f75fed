//! Files that bring agents to hosts, with this server's values (`POST /deploy/kit`).

use axum::{Extension, extract::State, response::Response};

use crate::{
    access::{audit::AuditNote, people::Person},
    app::SharedApp,
    app_error::AppError,
    deploy_kit::{self, FILE_NAME, KitDraft},
    pages::export::download,
    parameters::Form,
};

/// The archive.
pub(in crate::pages) async fn archive(
    State(app): State<SharedApp>,
    Extension(_): Extension<Person>,
    Form(draft): Form<KitDraft>,
) -> Result<(Extension<AuditNote>, Response), AppError> {
    let (bytes, told) = deploy_kit::make(&app, &draft).await?;
    let note = AuditNote::new("files for deployment", told);
    Ok((Extension(note), download("application/zip", FILE_NAME, bytes)))
}

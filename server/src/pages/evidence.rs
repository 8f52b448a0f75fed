//! Texts of a machine without an agent: bringing them (`GET /evidence`, `POST /evidence/diagnose`), the
//! diagnosis (`GET /evidence/{id}`, as JSON `/evidence/{id}/report.json`), and keeping them for a
//! host (`POST /evidence/{id}/keep`).

use axum::{
    Extension,
    extract::{Multipart, State},
    http::Uri,
    response::{Html, IntoResponse, Redirect, Response},
};
use poolwatch_model::{Bytes, HostId, person::Role};
use poolwatch_store::{
    evidence, hosts,
    uploads::{self, Upload},
};
use poolwatch_web::{
    HostLink, Page,
    evidence::{DiagnosisPage, EvidencePage, RecentDiagnosis},
    links, words,
};
use serde::Deserialize;

use super::{address, rows, shell};
use crate::{
    access::people::Person,
    app::SharedApp,
    app_error::AppError,
    diagnosing::{Findings, Report},
    evidence_uploads::{self, NAME_WORDS},
    fleet::visible::VisibleFleet,
    import,
    parameters::{Form, Json, Path},
};

/// Diagnoses and kept files that are shown, the latest.
const RECENT: i64 = 20;

/// The form.
pub(super) async fn form(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    visible: VisibleFleet,
    uri: Uri,
) -> Result<Html<String>, AppError> {
    show_form(&app, &person, &visible, &uri, None).await
}

/// Takes texts in and judges them.
pub(super) async fn diagnose(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    visible: VisibleFleet,
    uri: Uri,
    sent: Multipart,
) -> Result<Response, AppError> {
    match evidence_uploads::judge(&app, sent, &person.in_audit_log()).await? {
        Some(id) => Ok(Redirect::to(&links::diagnosis(id)).into_response()),
        None => {
            let error = "No file was chosen and no text pasted, or all were empty.".to_owned();
            Ok(show_form(&app, &person, &visible, &uri, Some(error)).await?.into_response())
        }
    }
}

/// What was found in them.
pub(super) async fn page(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    visible: VisibleFleet,
    Path(id): Path<String>,
) -> Result<Html<String>, AppError> {
    let upload = evidence_uploads::find(&app, &person.in_audit_log(), &visible, &id).await?;
    show(&app, &person, &visible, upload, None).await
}

/// The same for scripts, in the shape of `poolwatch-server diagnose --json`.
pub(super) async fn report(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    visible: VisibleFleet,
    Path(id): Path<String>,
) -> Result<Json<Report>, AppError> {
    let upload = evidence_uploads::find(&app, &person.in_audit_log(), &visible, &id).await?;
    Ok(Json(evidence_uploads::report(&app, &upload).await?))
}

/// What the form of keeping sends.
#[derive(Debug, Deserialize)]
pub(super) struct Keep {
    /// Name of the host.
    host: String,
}

/// Keeps the texts for a host, with what they tell.
pub(super) async fn keep(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    visible: VisibleFleet,
    Path(id): Path<String>,
    Form(keep): Form<Keep>,
) -> Result<Response, AppError> {
    let upload = evidence_uploads::find(&app, &person.in_audit_log(), &visible, &id).await?;
    if import::checked_name(&keep.host).is_err() {
        let wrong = Some((keep.host, NAME_WORDS));
        return Ok(show(&app, &person, &visible, upload, wrong).await?.into_response());
    }
    evidence_uploads::keep(&app, &visible, &upload, &keep.host).await?;
    Ok(Redirect::to(&links::diagnosis(upload.id)).into_response())
}

/// A host's link; of one that the view does not hold yet, as the database knows it.
async fn link(app: &SharedApp, visible: &VisibleFleet, host: HostId) -> Result<HostLink, AppError> {
    if let Some(known) = visible.view.host(host) {
        return Ok(rows::link(known));
    }
    let found = hosts::find(&mut *app.pool.acquire().await?, host).await?;
    let name = found.map_or_else(|| format!("host {host}"), |found| found.name);
    Ok(HostLink { id: host, name })
}

async fn show(
    app: &SharedApp,
    person: &Person,
    visible: &VisibleFleet,
    upload: Upload,
    wrong: Option<(String, &'static str)>,
) -> Result<Html<String>, AppError> {
    let findings: Findings = serde_json::from_value(upload.findings).map_err(AppError::internal)?;
    let understood = findings.is_understood();
    let shell = shell(app, person, links::diagnosis(upload.id));
    let kept_for = match upload.kept_for {
        Some(host) => Some(link(app, visible, host).await?),
        None => None,
    };
    let (host, error) = match wrong {
        Some((host, error)) => (host, Some(error.to_owned())),
        None => (findings.computer.unwrap_or_default(), None),
    };
    let page = DiagnosisPage {
        id: upload.id.to_string(),
        at: upload.at,
        by: upload.by,
        understood,
        steps: if understood { words::next_steps(&findings.diagnosis, None) } else { Vec::new() },
        diagnosis: findings.diagnosis,
        places: findings.places.into_iter().map(|of| (of.fact, of.places)).collect(),
        remarks: findings.remarks,
        tags: findings.tags.into_iter().map(rows::found_tag).collect(),
        files: findings
            .texts
            .into_iter()
            .map(|text| rows::imported_file(text.name, text.size, Some(text.summary), upload.at))
            .collect(),
        kept_for,
        may_keep: person.role >= Role::Operator,
        host,
        error,
        shell,
    };
    Ok(Html(page.render()?))
}

async fn show_form(
    app: &SharedApp,
    person: &Person,
    visible: &VisibleFleet,
    uri: &Uri,
    error: Option<String>,
) -> Result<Html<String>, AppError> {
    let mut db = app.pool.acquire().await?;
    let kept = evidence::recent(&mut db, RECENT).await?;
    let diagnosed = uploads::recent(&mut db, RECENT).await?;
    drop(db);
    let view = &visible.view;
    let page = EvidencePage {
        shell: shell(app, person, address(uri)),
        may_bring: person.role >= Role::Operator,
        error,
        limit: Bytes(evidence_uploads::BYTES as u64),
        diagnosed: diagnosed
            .into_iter()
            .filter(|upload| evidence_uploads::is_shown(&person.in_audit_log(), visible, upload))
            .filter_map(|upload| {
                let findings: Findings = serde_json::from_value(upload.findings).ok()?;
                let names: Vec<String> =
                    findings.texts.iter().take(3).map(|text| text.name.clone()).collect();
                Some(RecentDiagnosis {
                    id: upload.id.to_string(),
                    at: upload.at,
                    by: upload.by,
                    files: findings.texts.len() as u64,
                    names: names.join(", "),
                    kept_for: upload.kept_for.map(|host| rows::link_to(view, host)),
                    understood: findings.is_understood(),
                    diagnosis: findings.diagnosis,
                })
            })
            .collect(),
        kept: kept
            .into_iter()
            .filter(|(host, _)| visible.shows(*host))
            .map(|(host, evidence)| (rows::link_to(view, host), rows::file(evidence)))
            .collect(),
    };
    Ok(Html(page.render()?))
}

//! `/api/v1/alerts/recipients`.

use axum::{Extension, extract::State, http::StatusCode};
use poolwatch_model::alerting::{Delivery, Recipient, RecipientId};
use poolwatch_store::recipients;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Noted, ScopeInfo, deliveries::for_everybody};
use crate::{
    access::{audit::AuditNote, people::Person},
    alert_setup::recipients::{self as setup, RecipientDraft, test::TestedRecipient},
    app::SharedApp,
    app_error::AppError,
    parameters::{Json, Path},
};

/// A recipient, without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct RecipientInfo {
    /// Its number; `null` of one on the command line, which is changed there.
    id: Option<i64>,
    /// Name of the person or team.
    name: String,
    /// How it is reached.
    kind: &'static str,
    /// Mail address or URL.
    address: String,
    /// Of which hosts.
    hosts: ScopeInfo,
    /// From which level on.
    least: &'static str,
    /// Messages in an hour that are not critical.
    per_hour: u32,
    /// Its digest, if it gets one.
    digest: Option<DigestInfo>,
}

/// When somebody gets a digest.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct DigestInfo {
    /// `daily` or `weekly`.
    every: &'static str,
    /// At which hour of the day.
    hour: u32,
    /// In which time zone.
    zone: String,
}

/// The number of what was added.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct AddedRecipient {
    /// Its number.
    id: i64,
}

fn in_full(recipient: Recipient) -> RecipientInfo {
    let digest = recipient.digest.map(|digest| DigestInfo {
        every: digest.every.as_str(),
        hour: digest.hour,
        zone: digest.zone,
    });
    RecipientInfo {
        id: recipient.id.map(|id| id.0),
        name: recipient.name,
        kind: recipient.kind.as_str(),
        address: recipient.address,
        hosts: recipient.scope.into(),
        least: recipient.least.as_str(),
        per_hour: recipient.per_hour,
        digest,
    }
}

/// Who is told.
#[utoipa::path(get, path = "/api/v1/alerts/recipients",
    responses((status = 200, body = [RecipientInfo])))]
pub(in crate::api) async fn list(
    State(app): State<SharedApp>,
) -> Result<Json<Vec<RecipientInfo>>, AppError> {
    let mut all = app.settings.standing_recipients.clone();
    all.extend(recipients::list(&mut *app.pool.acquire().await?).await?);
    Ok(Json(all.into_iter().map(in_full).collect()))
}

/// Adds a recipient.
#[utoipa::path(post, path = "/api/v1/alerts/recipients", request_body = RecipientDraft,
    responses((status = 201, body = AddedRecipient), (status = 400)))]
pub(in crate::api) async fn add(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Json(draft): Json<RecipientDraft>,
) -> Noted<(StatusCode, Json<AddedRecipient>)> {
    let id = setup::add(&app, &draft, &person.name, app.clock.now()).await?.0;
    let note = AuditNote::new(format!("recipient {id}"), draft.describe());
    Ok((Extension(note), (StatusCode::CREATED, Json(AddedRecipient { id }))))
}

/// Takes a recipient away.
#[utoipa::path(delete, path = "/api/v1/alerts/recipients/{id}",
    params(("id" = i64, Path, description = "Number of the recipient")),
    responses((status = 204), (status = 404)))]
pub(in crate::api) async fn remove(
    State(app): State<SharedApp>,
    Path(id): Path<i64>,
) -> Noted<StatusCode> {
    setup::remove(&app, RecipientId(id)).await?;
    let note = AuditNote::new(format!("recipient {id}"), "removed");
    Ok((Extension(note), StatusCode::NO_CONTENT))
}

/// Sends a test on the way that every message goes, and waits for what the other side says.
#[utoipa::path(post, path = "/api/v1/alerts/recipients/test", request_body = TestedRecipient,
    responses((status = 200, body = Object), (status = 400), (status = 404), (status = 503)))]
pub(in crate::api) async fn test(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Json(tested): Json<TestedRecipient>,
) -> Noted<Json<Delivery>> {
    let delivery = for_everybody(setup::test::send(&app, &tested, &person.name).await?);
    let answer = delivery.answer.as_deref().unwrap_or("no answer yet");
    let note = AuditNote::new(format!("recipient {}", delivery.address), format!("test: {answer}"));
    Ok((Extension(note), Json(delivery)))
}

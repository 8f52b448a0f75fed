//! `/api/v1/alerts/deliveries`: what became of each message.

use axum::{Extension, extract::State, http::StatusCode};
use poolwatch_model::{
    alerting::{Delivery, DeliveryId},
    incident::IncidentId,
};
use poolwatch_store::deliveries::{self, DeliveryFilter};
use poolwatch_web::alerts::public_address;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Noted;
use crate::{
    access::audit::AuditNote,
    app::SharedApp,
    app_error::AppError,
    parameters::{Json, Path, Query},
};

/// Deliveries of one answer, when not told otherwise, and at most.
const ROWS: i64 = 100;
const MOST_ROWS: i64 = 1_000;

/// Which deliveries.
#[derive(Debug, Deserialize)]
pub(in crate::api) struct WhichDeliveries {
    incident: Option<i64>,
    #[serde(default)]
    unsent: bool,
    limit: Option<i64>,
}

/// What was sent again.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct ResentDeliveries {
    /// How many messages.
    resent: u64,
}

/// Deliveries, latest first.
#[utoipa::path(get, path = "/api/v1/alerts/deliveries",
    params(
        ("incident" = Option<i64>, Query, description = "Only those of this incident"),
        ("unsent" = Option<bool>, Query, description = "Only those that are not sent"),
        ("limit" = Option<i64>, Query, description = "Rows, 100 unless told, 1,000 at most")),
    responses((status = 200, body = [Object])))]
pub(in crate::api) async fn list(
    State(app): State<SharedApp>,
    Query(WhichDeliveries { incident, unsent, limit }): Query<WhichDeliveries>,
) -> Result<Json<Vec<Delivery>>, AppError> {
    let filter =
        DeliveryFilter { incident: incident.map(IncidentId), unsent, ..DeliveryFilter::default() };
    let rows = limit.unwrap_or(ROWS).clamp(1, MOST_ROWS);
    let found = deliveries::list(&mut *app.pool.acquire().await?, filter, rows).await?;
    Ok(Json(found.into_iter().map(for_everybody).collect()))
}

/// A delivery as everybody may see it.
pub(super) fn for_everybody(delivery: Delivery) -> Delivery {
    Delivery { address: public_address(delivery.kind, &delivery.address), ..delivery }
}

/// Sends one again that was not sent, now.
#[utoipa::path(post, path = "/api/v1/alerts/deliveries/{id}/resend",
    params(("id" = i64, Path, description = "Number of the delivery")),
    responses((status = 204), (status = 400)))]
pub(in crate::api) async fn resend(
    State(app): State<SharedApp>,
    Path(id): Path<i64>,
) -> Noted<StatusCode> {
    let mut db = app.pool.acquire().await?;
    match deliveries::resend(&mut db, Some(DeliveryId(id)), app.clock.now()).await? {
        0 => Err(AppError::bad_request("It was sent, is being sent now, or is no longer kept.")),
        _ => {
            let note = AuditNote::new(format!("delivery {id}"), "sent again");
            Ok((Extension(note), StatusCode::NO_CONTENT))
        }
    }
}

/// Sends all again that were given up, now.
#[utoipa::path(post, path = "/api/v1/alerts/deliveries/resend",
    responses((status = 200, body = ResentDeliveries)))]
pub(in crate::api) async fn resend_all(
    State(app): State<SharedApp>,
) -> Noted<Json<ResentDeliveries>> {
    let mut db = app.pool.acquire().await?;
    let resent = deliveries::resend(&mut db, None, app.clock.now()).await?;
    let note = AuditNote::new("deliveries that were given up", format!("{resent} sent again"));
    Ok((Extension(note), Json(ResentDeliveries { resent })))
}

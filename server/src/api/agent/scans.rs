//! `POST /agent/v1/scans`: what scans of driver files found that the server asked for.

use std::{collections::HashMap, sync::PoisonError};

use axum::{Extension, Json, extract::State, http::StatusCode};
use poolwatch_model::{driver_scan::FileHash, inventory::Driver};
use poolwatch_protocol::{limits, v1::messages::ScansRequest};
use poolwatch_store::{driver_scans, inventories};
use sqlx::Connection;
use tracing::debug;

use crate::{access::hosts::SendingHost, app::SharedApp, app_error::AppError};

/// Keeps the scans of files that this host has and was asked for; others are passed over.
///
/// # Errors
/// 400 for more scans or tags than are asked for, 429 for more than a host may send in a day, 503 when
/// they cannot be stored now.
pub(in crate::api) async fn scans(
    State(app): State<SharedApp>,
    Extension(SendingHost { key: host, arrived }): Extension<SendingHost>,
    Json(request): Json<ScansRequest>,
) -> Result<StatusCode, AppError> {
    let scans = request.scans;
    let most = scans.iter().map(|scan| scan.tags.len()).max().unwrap_or(0);
    if scans.len() > limits::SCANS || most > limits::SCAN_TAGS {
        return Err(AppError::bad_request(format!(
            "Send at most {} scans at once, of {} tags each.",
            limits::SCANS,
            limits::SCAN_TAGS
        )));
    }
    app.fleet
        .ensure_host(host.id)
        .scans_allowed
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take(scans.len(), limits::SCANS_A_DAY, arrived.as_second())
        .map_err(|retry_after_s| {
            let most = limits::SCANS_A_DAY;
            AppError::too_many(format!("A host may send {most} scans a day."), retry_after_s)
        })?;
    let mut db = app.pool.acquire().await?;
    let mut transaction = db.begin().await?;
    let inventory = inventories::find(&mut transaction, host.id).await?.unwrap_or_default();
    let files: HashMap<FileHash, &Driver> =
        inventory.drivers.iter().filter_map(|one| Some((one.sha256?, one))).collect();
    let mut kept = 0_usize;
    for scan in &scans {
        if let Some(driver) = files.get(&scan.sha256)
            && app.fleet.scan_requests.take(host.id, scan.sha256)
        {
            driver_scans::keep(&mut transaction, host.id, driver, scan, arrived).await?;
            kept += 1;
        }
    }
    transaction.commit().await?;
    debug!(host = %host.id, kept, sent = scans.len(), "Scans of drivers");
    Ok(StatusCode::NO_CONTENT)
}

//! `POST /agent/v1/inventory`: who a host is, and what is installed on it.

use axum::{Extension, Json, extract::State, http::StatusCode};
use poolwatch_model::host::HostFacts;
use poolwatch_protocol::v1::messages::InventoryRequest;
use poolwatch_store::{hosts, inventories};
use sqlx::Connection;

use crate::{app::SharedApp, app_error::AppError, auth::hosts::SendingHost};

/// Bytes of a host's name: the longest that DNS allows.
const NAME_BYTES: usize = 255;
/// Bytes of any other fact.
const FACT_BYTES: usize = 1024;
/// Drivers and updates of a host, each.
const ROWS: usize = 10_000;

/// Keeps a host's facts and inventory in place of those before.
///
/// # Errors
/// 400 for facts beyond bounds, 503 when they cannot be stored now.
pub(in crate::api) async fn inventory(
    State(app): State<SharedApp>,
    Extension(SendingHost(host)): Extension<SendingHost>,
    Json(request): Json<InventoryRequest>,
) -> Result<StatusCode, AppError> {
    check(&request.facts)?;
    let inventory = &request.inventory;
    if inventory.drivers.len() > ROWS || inventory.updates.len() > ROWS {
        return Err(AppError::bad_request(format!("Send at most {ROWS} drivers and updates.")));
    }
    let mut db = app.pool.acquire().await?;
    let mut transaction = db.begin().await?;
    hosts::update_facts(&mut transaction, host.id, &request.facts).await?;
    inventories::replace(&mut transaction, host.id, inventory, app.clock.now()).await?;
    transaction.commit().await?;
    app.fleet.note_change_of(host.id);
    app.fleet.note_inventory_of(host.id);
    Ok(StatusCode::NO_CONTENT)
}

/// Refuses facts that no host has.
///
/// # Errors
/// 400, saying which.
pub(super) fn check(facts: &HostFacts) -> Result<(), AppError> {
    let name = &facts.fqdn;
    if name.is_empty() || name.len() > NAME_BYTES || name.chars().any(char::is_control) {
        return Err(AppError::bad_request(format!(
            "`facts.fqdn` has to be a name of 1 to {NAME_BYTES} bytes without control characters."
        )));
    }
    let product = facts.os.as_ref().map(|os| &os.product);
    let texts = [product, facts.ou.as_ref(), facts.site.as_ref(), facts.agent_version.as_ref()];
    let bad = |text: &String| text.len() > FACT_BYTES || text.contains('\0');
    if texts.into_iter().flatten().any(bad) {
        return Err(AppError::bad_request(format!(
            "A text in `facts` is over {FACT_BYTES} bytes or holds a NUL character."
        )));
    }
    Ok(())
}

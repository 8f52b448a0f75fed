//! Messages that were not delivered: sent again.

use axum::{Extension, extract::State, response::Redirect};
use poolwatch_model::alerting::DeliveryId;
use poolwatch_store::deliveries;

use super::back_to;
use crate::{access::people::Person, app::SharedApp, app_error::AppError, parameters::Path};

/// Sends one again, now.
pub(in crate::pages) async fn resend(
    State(app): State<SharedApp>,
    Extension(_): Extension<Person>,
    Path(id): Path<i64>,
) -> Result<Redirect, AppError> {
    let mut db = app.pool.acquire().await?;
    match deliveries::resend(&mut db, Some(DeliveryId(id)), app.clock.now()).await? {
        0 => Err(AppError::bad_request("It was sent, is being sent now, or is no longer kept.")),
        _ => Ok(back_to("deliveries")),
    }
}

/// Sends all again that were given up.
pub(in crate::pages) async fn resend_all(
    State(app): State<SharedApp>,
    Extension(_): Extension<Person>,
) -> Result<Redirect, AppError> {
    let mut db = app.pool.acquire().await?;
    deliveries::resend(&mut db, None, app.clock.now()).await?;
    Ok(back_to("deliveries"))
}

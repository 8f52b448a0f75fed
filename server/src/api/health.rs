//! `/healthz` and `/metrics`: for whoever watches the server.

use axum::extract::State;
use sqlx::Connection;

use crate::{app::SharedApp, app_error::AppError};

/// Says `ok` when requests can be served: the database answers, and stores what comes.
///
/// # Errors
/// 503 when it does not.
pub(super) async fn healthz(State(app): State<SharedApp>) -> Result<&'static str, AppError> {
    app.pool.acquire().await?.ping().await?;
    if !app.writer.can_store() {
        return Err(AppError::busy(
            "The database does not store what hosts send, for instance since its disk is full: the \
             log says why.",
        ));
    }
    Ok("ok\n")
}

/// The metrics in the text format of Prometheus.
pub(super) async fn metrics(State(app): State<SharedApp>) -> String {
    app.metrics.render()
}

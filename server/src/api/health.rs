//! `/healthz` and `/metrics`: for whoever watches the server.

use axum::extract::State;
use sqlx::Connection;

use crate::{app::SharedApp, app_error::AppError, fleet::visible::VisibleFleet, host_metrics};

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

/// The metrics of the server and of all hosts in the text format of Prometheus.
///
/// # Errors
/// When they cannot be put together.
pub(crate) async fn metrics(State(app): State<SharedApp>) -> Result<String, AppError> {
    let visible = VisibleFleet::whole(&app.fleet);
    render(app, visible).await
}

/// Likewise for somebody who may see a part of the fleet: then of its hosts alone.
///
/// # Errors
/// When they cannot be put together.
pub(super) async fn visible_metrics(
    State(app): State<SharedApp>,
    visible: VisibleFleet,
) -> Result<String, AppError> {
    render(app, visible).await
}

async fn render(app: SharedApp, visible: VisibleFleet) -> Result<String, AppError> {
    let work = move || {
        // The server's own count hosts of the whole fleet.
        let own = if visible.is_whole() { app.metrics.render() } else { String::new() };
        own + &host_metrics::render(&app.fleet, &visible.view, app.clock.now())
    };
    tokio::task::spawn_blocking(work).await.map_err(AppError::internal)
}

//! `/healthz`, `/readyz` and `/metrics`: for whoever watches the server.

use axum::{extract::State, http::StatusCode};
use poolwatch_web::settings::server::{CheckState, SelfCheck};
use serde::Serialize;

use crate::{
    app::SharedApp, app_error::AppError, fleet::visible::VisibleFleet, host_metrics,
    parameters::Json, self_check,
};

/// Says `ok`: the server runs and answers, whatever else does not.
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// Whether the server can serve.
#[derive(Debug, Serialize)]
pub(super) struct Readiness {
    /// Whether agents and people are to be sent here.
    ready: bool,
    /// What is not as it should be.
    problems: Vec<ReadinessProblem>,
}

/// Something that is not as it should be.
#[derive(Debug, Serialize)]
struct ReadinessProblem {
    check: &'static str,
    state: &'static str,
    words: String,
}

impl ReadinessProblem {
    /// What everybody may know of it.
    fn new(check: &SelfCheck) -> Self {
        let words = match check.name {
            "database" | "writes" => check.words.clone(),
            _ => "The page Settings, This server says what is wrong.".to_owned(),
        };
        Self { check: check.name, state: check.state.as_str(), words }
    }
}

/// Says whether requests can be served: the database answers and stores what comes. Names what is wrong
/// or late besides.
pub(super) async fn readyz(State(app): State<SharedApp>) -> (StatusCode, Json<Readiness>) {
    let checks = self_check::run_checks(&app).await;
    let ready = self_check::is_ready(&checks);
    let wrong = checks.iter().filter(|check| check.state > CheckState::Good);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Readiness { ready, problems: wrong.map(ReadinessProblem::new).collect() }))
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

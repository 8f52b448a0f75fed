//! A request runs in a task of its own: it goes on when its client leaves or its time is over.

use std::{panic::resume_unwind, time::Duration};

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use tokio::time::timeout;
use tracing::Instrument;

/// Answers 504 when a request takes longer than `run_time`. What it began goes on to its end: sqlx 0.9
/// leaves a transaction that is dropped while it begins open on its connection, and whoever uses that
/// next would write into it. The time that a body may take bounds that end, and the time that each
/// statement may (`database::STATEMENT`).
pub(super) async fn run(
    run_time: Duration,
    answer: impl Future<Output = Response> + Send + 'static,
) -> Response {
    let task = tokio::spawn(answer.in_current_span());
    match timeout(run_time, task).await {
        Ok(Ok(response)) => response,
        Ok(Err(failed)) => match failed.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            Err(_cancelled) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        },
        Err(_late) => StatusCode::GATEWAY_TIMEOUT.into_response(),
    }
}

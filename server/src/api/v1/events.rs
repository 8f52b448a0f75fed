//! `/api/v1/events`: what hosts logged.

use axum::extract::State;
use poolwatch_model::{HostId, asked_time::AskedTime, event::Event};
use poolwatch_store::events::{self, EventFilter};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    app::SharedApp,
    app_error::AppError,
    fleet::visible::VisibleFleet,
    parameters::{Json, Query},
};

/// Events of one answer, when not told otherwise, and at most.
const ROWS: i64 = 200;
const MOST_ROWS: i64 = 1_000;

/// Which events.
#[derive(Debug, Deserialize)]
pub(in crate::api) struct WhichEvents {
    host: Option<i32>,
    event_id: Option<u32>,
    since: Option<AskedTime>,
    limit: Option<i64>,
    #[serde(default)]
    offset: u16,
}

/// An event of a host.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct EventInfo {
    /// Number of the host.
    #[schema(value_type = i32)]
    host: HostId,
    /// The event.
    #[schema(value_type = Object)]
    event: Event,
}

/// Events, latest first.
#[utoipa::path(get, path = "/api/v1/events",
    params(
        ("host" = Option<i32>, Query, description = "Only of this host"),
        ("event_id" = Option<u32>, Query, description = "Only with this id, such as 2019"),
        ("since" = Option<String>, Query, description = "Only since this time"),
        ("limit" = Option<i64>, Query, description = "Rows, 200 unless told, 1,000 at most"),
        ("offset" = Option<u16>, Query, description = "Rows that are passed over")),
    responses((status = 200, body = [EventInfo]), (status = 400)))]
pub(in crate::api) async fn list(
    State(app): State<SharedApp>,
    visible: VisibleFleet,
    Query(WhichEvents { host, event_id, since, limit, offset }): Query<WhichEvents>,
) -> Result<Json<Vec<EventInfo>>, AppError> {
    let filter = EventFilter {
        host: host.map(HostId),
        among: visible.hosts().map(<[HostId]>::to_vec),
        event_id,
        since: since.map(AskedTime::get),
    };
    let rows = limit.unwrap_or(ROWS).clamp(1, MOST_ROWS);
    let mut db = app.pool.acquire().await?;
    let found = events::list(&mut db, &filter, rows, offset.into()).await?;
    Ok(Json(found.into_iter().map(|one| EventInfo { host: one.host, event: one.event }).collect()))
}

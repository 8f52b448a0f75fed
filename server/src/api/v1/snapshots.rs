//! `POST /api/v1/snapshots`: a full snapshot from a script.

use axum::{extract::State, http::StatusCode};
use poolwatch_model::HostId;
use poolwatch_protocol::v1::messages::SnapshotUpload;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{app::SharedApp, app_error::AppError, import, parameters::Json};

/// What became of a snapshot.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Stored {
    /// The host that it was stored for.
    #[schema(value_type = i32)]
    host_id: HostId,
}

/// Stores a snapshot. A host of that name is made when there is none.
#[utoipa::path(post, path = "/api/v1/snapshots",
    request_body(content = Object, description = "host, time (optional) and snapshot, as \
        `poolwatch-agent snapshot --json` prints it"),
    responses((status = 201, body = Stored), (status = 400)))]
pub(in crate::api) async fn upload(
    State(app): State<SharedApp>,
    Json(upload): Json<SnapshotUpload>,
) -> Result<(StatusCode, Json<Stored>), AppError> {
    let now = app.clock.now();
    let at = upload.time.unwrap_or(now);
    let host_id =
        import::snapshots(&app.pool, &upload.host, vec![(at, upload.snapshot)], now).await?;
    import::show(&app, host_id, now).await?;
    Ok((StatusCode::CREATED, Json(Stored { host_id })))
}

//! `POST /agent/v1/frames`: snapshots of a host.

use axum::{
    Extension, Json,
    body::Bytes,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
};
use poolwatch_protocol::{
    VERSIONS,
    v1::messages::{FRAMES_CONTENT_TYPE, FramesReply},
};

use crate::{app::SharedApp, auth::hosts::SendingHost, clock, failure::Failure, ingest};

/// Takes in frames. The answer comes after the commit.
///
/// # Errors
/// 400 and 415 for what cannot be read, 503 when it cannot be stored now.
pub(in crate::api) async fn frames(
    State(app): State<SharedApp>,
    Extension(SendingHost(host)): Extension<SendingHost>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<FramesReply>, Failure> {
    let content_type = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    if content_type != Some(FRAMES_CONTENT_TYPE.as_bytes()) {
        return Err(Failure::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "media-type",
            "Unknown content type",
            format!("Send a batch of frames as {FRAMES_CONTENT_TYPE}."),
        )
        .versions(VERSIONS));
    }
    ingest::accept(&app, host.id, &body, clock::now()).await.map(Json)
}

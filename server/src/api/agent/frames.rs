//! `POST /agent/v1/frames`: snapshots of a host.

use axum::{
    Extension, Json,
    body::Bytes,
    extract::{FromRequest, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use poolwatch_protocol::{
    VERSIONS, limits,
    v1::messages::{FRAMES_CONTENT_TYPE, FramesReply},
};

use crate::{app::SharedApp, auth::hosts::SendingHost, failure::Failure, ingest};

/// Takes in frames. The answer comes after the commit.
///
/// # Errors
/// 400 and 415 for what cannot be read, 503 when there is no room for it or it cannot be stored now.
pub(in crate::api) async fn frames(
    State(app): State<SharedApp>,
    Extension(host): Extension<SendingHost>,
    request: Request,
) -> Result<Json<FramesReply>, Response> {
    let failed = IntoResponse::into_response;
    check_type(request.headers()).map_err(failed)?;
    let room = app.writer.room(announced_bytes(request.headers())).map_err(failed)?;
    let body = Bytes::from_request(request, &app).await.map_err(IntoResponse::into_response)?;
    ingest::accept(&app, host.key.id, &body, room, host.arrived).await.map(Json).map_err(failed)
}

fn check_type(headers: &HeaderMap) -> Result<(), Failure> {
    let content_type = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    if content_type == Some(FRAMES_CONTENT_TYPE.as_bytes()) {
        return Ok(());
    }
    let failure = Failure::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "media-type",
        "Unknown content type",
        format!("Send a batch of frames as {FRAMES_CONTENT_TYPE}."),
    );
    Err(failure.versions(VERSIONS))
}

/// How long the body says it is; the most that is taken when it does not say.
fn announced_bytes(headers: &HeaderMap) -> usize {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    let length = length.and_then(|length| length.parse().ok());
    length.unwrap_or(limits::BATCH_BYTES).min(limits::BATCH_BYTES)
}

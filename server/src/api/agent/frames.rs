//! `POST /agent/v1/frames`: snapshots of a host.

use std::error::Error;

use axum::{
    Extension, Json, RequestExt,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
};
use http_body_util::{BodyExt, LengthLimitError};
use poolwatch_protocol::{
    VERSIONS, limits,
    v1::messages::{FRAMES_CONTENT_TYPE, FramesReply},
};

use crate::{
    access::hosts::SendingHost, app::SharedApp, app_error::AppError, ingest,
    refusals::RefusedParty, writer::upload_permit::UploadPermit,
};

/// Takes in frames. The answer comes after the commit.
///
/// # Errors
/// 400, 413 and 415 for what cannot be read, 429 when the host has too much under way, 503 when
/// there is no memory for it or it cannot be stored now.
pub(in crate::api) async fn frames(
    State(app): State<SharedApp>,
    Extension(host): Extension<SendingHost>,
    request: Request,
) -> Result<Json<FramesReply>, AppError> {
    check_type(request.headers())?;
    let mut permit = app.writer.upload_permit(host.key.id)?;
    let body = read_body(request, &mut permit).await?;
    let reply = ingest::accept(&app, host.key.id, &body, permit, host.arrived).await?;
    if let Some(refused) = reply.refused.first() {
        let party = RefusedParty::Host(host.key.id);
        app.refusals.note(party, "Frames were refused", &refused.reason, "POST /agent/v1/frames");
    }
    Ok(Json(reply))
}

/// Reads a body; memory is taken for what has arrived, whatever was announced.
async fn read_body(request: Request, permit: &mut UploadPermit) -> Result<Vec<u8>, AppError> {
    let announced = announced_bytes(request.headers());
    let mut body = request.into_limited_body();
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|error| unreadable(&error))?.into_data() else { continue };
        let needed = bytes.len() + data.len();
        if needed > bytes.capacity() {
            let capacity = needed.max(announced.min(2 * needed));
            permit.grow_to(capacity)?;
            bytes.reserve_exact(capacity - bytes.len());
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}

fn unreadable(error: &axum::Error) -> AppError {
    let mut cause: Option<&dyn Error> = Some(error);
    while let Some(error) = cause {
        if error.is::<LengthLimitError>() {
            return AppError::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "too-large",
                "The upload is too large",
                format!("Send at most {} bytes at once.", limits::BATCH_BYTES),
            );
        }
        cause = error.source();
    }
    AppError::bad_request("The upload broke off.")
}

fn check_type(headers: &HeaderMap) -> Result<(), AppError> {
    let content_type = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    if content_type == Some(FRAMES_CONTENT_TYPE.as_bytes()) {
        return Ok(());
    }
    let failure = AppError::new(
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

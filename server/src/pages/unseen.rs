//! Characters that nobody sees, in answers: hosts choose names of themselves, of programs and drivers.
//! Pages show them, JSON has them as escapes; a file of CSV shows them cell by cell
//! (`poolwatch_web::list::inert`).

use axum::{
    body::{Body, to_bytes},
    http::header,
    response::Response,
};
use poolwatch_web::visible::{escape_unseen, show_unseen};

use crate::app_error::AppError;

/// Bytes of an answer at most; none is longer.
const ANSWER_BYTES: usize = 256 << 20;

/// Shows what a page holds of characters that nobody sees, and escapes them in JSON.
pub(crate) async fn show_in_answer(response: Response) -> Result<Response, AppError> {
    let kind = response.headers().get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let show = match kind.split(';').next() {
        Some("text/html") => show_unseen,
        Some("application/json" | "application/problem+json") => escape_unseen,
        _ => return Ok(response),
    };
    let (mut head, body) = response.into_parts();
    let bytes = to_bytes(body, ANSWER_BYTES).await.map_err(AppError::internal)?;
    let Ok(text) = std::str::from_utf8(&bytes) else {
        return Ok(Response::from_parts(head, Body::from(bytes)));
    };
    let std::borrow::Cow::Owned(shown) = show(text) else {
        return Ok(Response::from_parts(head, Body::from(bytes)));
    };
    head.headers.remove(header::CONTENT_LENGTH);
    Ok(Response::from_parts(head, Body::from(shown)))
}

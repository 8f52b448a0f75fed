//! Pages show characters that nobody sees: hosts choose names of themselves, of programs and drivers.

use axum::{
    body::{Body, to_bytes},
    http::header,
    response::Response,
};
use poolwatch_web::visible::show_unseen;

use crate::app_error::AppError;

/// Bytes of a page at most; none is longer.
const PAGE_BYTES: usize = 64 << 20;

/// Shows what a page holds of characters that nobody sees.
pub(crate) async fn show_in_page(response: Response) -> Result<Response, AppError> {
    let kind = response.headers().get(header::CONTENT_TYPE);
    if !kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/html")) {
        return Ok(response);
    }
    let (mut head, body) = response.into_parts();
    let bytes = to_bytes(body, PAGE_BYTES).await.map_err(AppError::internal)?;
    let Ok(text) = std::str::from_utf8(&bytes) else {
        return Ok(Response::from_parts(head, Body::from(bytes)));
    };
    let shown = show_unseen(text).into_owned();
    head.headers.remove(header::CONTENT_LENGTH);
    Ok(Response::from_parts(head, Body::from(shown)))
}

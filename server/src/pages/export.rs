//! Files to be saved.

use axum::{
    http::header,
    response::{IntoResponse, Response},
};

/// A file to be saved. `name` is plain: letters, digits, dots and hyphens.
pub(super) fn download(content_type: &'static str, name: &str, body: Vec<u8>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, content_type.to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    (headers, body).into_response()
}

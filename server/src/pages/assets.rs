//! Static files (`GET /static/{path}`).

use axum::{
    http::header,
    response::{IntoResponse, Response},
};
use poolwatch_web::assets;

use crate::{app_error::AppError, parameters::Path};

/// Names hold the hash of the content: what was loaded once is never asked for again.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// Sends a static file.
pub(super) async fn serve(Path(path): Path<String>) -> Result<Response, AppError> {
    let asset = assets::find(&path)
        .ok_or_else(|| AppError::not_found("There is no such file in this version"))?;
    let headers = [(header::CONTENT_TYPE, asset.content_type), (header::CACHE_CONTROL, FOR_EVER)];
    Ok((headers, asset.bytes).into_response())
}

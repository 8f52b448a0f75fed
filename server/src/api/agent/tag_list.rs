//! `POST /agent/v1/tag-list`: a pooltag.txt that the server asked a host for.

use axum::{Extension, Json, extract::State, http::StatusCode};
use poolwatch_protocol::{limits, v1::messages::TagListRequest};
use poolwatch_store::{
    inventories,
    offered_tag_lists::{self, OfferedTagList},
};
use tracing::info;

use crate::{access::hosts::SendingHost, app::SharedApp, app_error::AppError, tag_names};

/// A byte that is no UTF-8 became three.
const TEXT_BYTES: usize = 3 * limits::TAG_LIST_BYTES;

/// Keeps the list for an operator to take in. One that this host was not asked for is passed over.
///
/// # Errors
/// 400 for a text that is too long or no pooltag.txt, 503 when it cannot be stored now.
pub(in crate::api) async fn tag_list(
    State(app): State<SharedApp>,
    Extension(SendingHost { key: host, arrived }): Extension<SendingHost>,
    Json(TagListRequest { sha256, text }): Json<TagListRequest>,
) -> Result<StatusCode, AppError> {
    if text.len() > TEXT_BYTES || text.contains('\0') {
        return Err(AppError::bad_request(format!(
            "Send a text of at most {TEXT_BYTES} bytes, without NUL."
        )));
    }
    let mut db = app.pool.acquire().await?;
    let inventory = inventories::find(&mut db, host.id).await?.unwrap_or_default();
    let Some(file) = inventory.tag_list.filter(|file| file.sha256 == sha256) else {
        return Ok(StatusCode::NO_CONTENT);
    };
    if !app.fleet.scan_requests.take(host.id, sha256) {
        return Ok(StatusCode::NO_CONTENT);
    }
    let entries = tag_names::count_entries(text.clone()).await?;
    let offered = OfferedTagList { file, host: host.id, entries, at: arrived };
    offered_tag_lists::keep(&mut db, &offered, &text).await?;
    info!(host = %host.id, entries, "A host offers a pooltag.txt");
    Ok(StatusCode::NO_CONTENT)
}

//! `POST /agent/v1/enrol`: a host proposes itself with a token and gets its key.

use axum::{Json, extract::State, http::StatusCode};
use poolwatch_protocol::{
    VERSIONS,
    v1::messages::{EnrolReply, EnrolRequest, Suggestions},
};
use poolwatch_store::{
    hosts::{self, Enrolment},
    tokens,
};
use sqlx::Connection;
use tracing::{info, warn};

use super::inventory;
use crate::{
    app::SharedApp,
    app_error::AppError,
    auth::{host_keys::key_text, secrets},
};

/// Enrols a host. 201 for a new one, 200 when a known instance gets a new key.
///
/// # Errors
/// 401 for a token that is not valid, 415 when no protocol version is shared, 400 for bad facts.
pub(in crate::api) async fn enrol(
    State(app): State<SharedApp>,
    Json(request): Json<EnrolRequest>,
) -> Result<(StatusCode, Json<EnrolReply>), AppError> {
    if !request.versions.iter().any(|version| VERSIONS.contains(version)) {
        return Err(AppError::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "protocol-version",
            "No shared protocol version",
            "The agent is too new or too old for this server. Update the older of the two.",
        )
        .versions(VERSIONS));
    }
    let facts = inventory::storable_facts(request.facts)?;
    let now = app.clock.now();
    let mut db = app.pool.acquire().await?;
    let approved = tokens::enrolment(&mut db, &secrets::hash(&request.token), now)
        .await?
        .ok_or_else(|| {
            AppError::new(
                StatusCode::UNAUTHORIZED,
                "enrolment-token",
                "The enrolment token is not valid",
                "It is mistyped, expired or revoked. Make one with `poolwatch-server admin \
                 create-token enrolment`.",
            )
        })?;
    let secret = secrets::generate().map_err(AppError::internal)?;
    let mut transaction = db.begin().await?;
    let enrolled = hosts::enrol(
        &mut transaction,
        &Enrolment {
            instance_id: request.instance_id,
            facts: &facts,
            key_hash: &secrets::hash(&secret),
            approved,
            now,
        },
    )
    .await?;
    transaction.commit().await?;
    app.host_keys.forget(enrolled.id);
    app.fleet.note_change_of(enrolled.id);
    let (host, name) = (enrolled.id, &facts.fqdn);
    info!(%host, name, new = enrolled.new, approved = enrolled.approved, "Enrolled host");
    if !enrolled.clones.is_empty() {
        let clones = enrolled.clones.len();
        warn!(%host, name, clones, "Other hosts have the same machine GUID: clones of one image");
    }
    if !enrolled.namesakes.is_empty() {
        warn!(%host, name, others = ?enrolled.namesakes, "Other hosts have the same name");
    }
    let status = if enrolled.new { StatusCode::CREATED } else { StatusCode::OK };
    let reply = EnrolReply {
        host_id: enrolled.id,
        host_key: key_text(enrolled.id, &secret),
        pending: !enrolled.approved,
        suggestions: Suggestions { interval_s: Some(app.settings.interval_s) },
    };
    Ok((status, Json(reply)))
}

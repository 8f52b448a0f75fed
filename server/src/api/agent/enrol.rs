//! `POST /agent/v1/enrol`: a host proposes itself with a token and gets its key.

use axum::{Extension, Json, extract::State, http::StatusCode};
use poolwatch_protocol::{
    VERSIONS,
    v1::messages::{EnrolReply, EnrolRequest, Suggestions},
};

use super::inventory;
use crate::{
    app::SharedApp,
    app_error::AppError,
    client_address::ClientAddress,
    enrolment::proposals::{self, Proposed},
};

/// Enrols a host. 201 for a new one, 200 when a known instance gets a new key.
///
/// # Errors
/// 401 for a token that is not valid, 403 for a host that was refused or archived and for a copy of
/// another one's agent, 415 when no protocol version is shared, 400 for bad facts, 429 and 503 when
/// too many come.
pub(in crate::api) async fn enrol(
    State(app): State<SharedApp>,
    Extension(ClientAddress(address)): Extension<ClientAddress>,
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
    let (token, instance) = (request.token.as_str(), request.instance_id);
    let proposed = Proposed { token, instance, facts: &facts, labels: &request.labels, address };
    let (enrolled, host_key) = proposals::enrol(&app, proposed).await?;
    let reply = EnrolReply {
        host_id: enrolled.id,
        host_key,
        pending: !enrolled.approved,
        suggestions: Suggestions { interval_s: Some(app.settings.interval_s) },
    };
    Ok((if enrolled.new { StatusCode::CREATED } else { StatusCode::OK }, Json(reply)))
}

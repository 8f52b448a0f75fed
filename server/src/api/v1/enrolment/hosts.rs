//! `/api/v1/enrolment/hosts`: hosts that wait, were refused or archived, and what is decided about them.

use axum::{Extension, extract::State, http::StatusCode};
use jiff::Timestamp;
use poolwatch_model::{HostId, host::HostFacts};
use poolwatch_store::{
    enrolment::{self, Candidate},
    hosts::Standing,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    access::people::Person,
    app::SharedApp,
    app_error::AppError,
    enrolment::decisions::{self, Decision},
    fleet::visible::VisibleFleet,
    parameters::{Json, Path, Query},
};

/// Which hosts.
#[derive(Debug, Deserialize)]
pub(in crate::api) struct Which {
    /// `waiting`, `refused` or `archived`.
    #[serde(default)]
    standing: StandingName,
}

/// Where hosts stand that are not in the fleet.
#[derive(Debug, Clone, Copy, Default, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::api) enum StandingName {
    /// Nobody decided yet.
    #[default]
    Waiting,
    /// Somebody refused them.
    Refused,
    /// Somebody archived them.
    Archived,
}

/// A host that is not in the fleet.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct WaitingHost {
    /// Its number.
    id: i32,
    /// Who it says it is.
    #[schema(value_type = Object)]
    facts: HostFacts,
    /// Where it came from.
    address: Option<String>,
    /// Name of the token that it came by.
    token: Option<String>,
    /// When it enrolled.
    #[schema(value_type = String, format = DateTime)]
    enrolled_at: Timestamp,
    /// A host of the fleet with the same machine identity.
    same_machine_as: Option<i32>,
    /// A host of the fleet with the same name.
    same_name_as: Option<i32>,
    /// Who decided.
    decided_by: Option<String>,
    /// When.
    #[schema(value_type = Option<String>, format = DateTime)]
    decided_at: Option<Timestamp>,
    /// Its labels.
    labels: Vec<String>,
}

impl From<Candidate> for WaitingHost {
    fn from(candidate: Candidate) -> Self {
        let (decided_by, decided_at) = candidate.decided.unzip();
        Self {
            id: candidate.id.0,
            facts: candidate.facts,
            address: candidate.address.map(|address| address.to_string()),
            token: candidate.token.map(|(_, name)| name),
            enrolled_at: candidate.enrolled_at,
            same_machine_as: candidate.twin_of_machine.map(|id| id.0),
            same_name_as: candidate.twin_of_name.map(|id| id.0),
            decided_by,
            decided_at,
            labels: candidate.labels,
        }
    }
}

/// Hosts to decide about.
#[derive(Debug, Deserialize, ToSchema)]
pub(in crate::api) struct HostsToDecide {
    /// Numbers of hosts, at most 20,000.
    hosts: Vec<i32>,
}

/// Hosts about which a decision changed something.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct DecidedHosts {
    /// Their numbers.
    hosts: Vec<i32>,
}

/// Which host a waiting host is.
#[derive(Debug, Deserialize, ToSchema)]
pub(in crate::api) struct MergeInto {
    /// Number of the host of the fleet that goes on.
    into: i32,
}

/// Hosts that are not in the fleet.
#[utoipa::path(get, path = "/api/v1/enrolment/hosts",
    params(("standing" = Option<StandingName>, Query, description = "waiting (usual), refused or archived")),
    responses((status = 200, body = [WaitingHost])))]
pub(in crate::api) async fn list(
    State(app): State<SharedApp>,
    visible: VisibleFleet,
    Query(which): Query<Which>,
) -> Result<Json<Vec<WaitingHost>>, AppError> {
    let standing = match which.standing {
        StandingName::Waiting => Standing::Waiting,
        StandingName::Refused => Standing::Refused,
        StandingName::Archived => Standing::Archived,
    };
    let mut db = app.pool.acquire().await?;
    let found = enrolment::list(&mut db, Some(standing), None, None, enrolment::LISTED).await?;
    let shown = found.into_iter().filter(|one| visible.shows_candidate(one));
    Ok(Json(shown.map(WaitingHost::from).collect()))
}

/// Approves, refuses, archives or restores hosts.
#[utoipa::path(post, path = "/api/v1/enrolment/hosts/{decision}", request_body = HostsToDecide,
    params(("decision" = String, Path, description = "approve, refuse, archive or restore")),
    responses((status = 200, body = DecidedHosts), (status = 400)))]
pub(in crate::api) async fn decide(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    visible: VisibleFleet,
    Path(decision): Path<String>,
    Json(asked): Json<HostsToDecide>,
) -> Result<Json<DecidedHosts>, AppError> {
    let decision = Decision::parse(&decision)?;
    if decision == Decision::Delete {
        return Err(AppError::bad_request("Send this to /api/v1/enrolment/delete."));
    }
    carry_out(&app, &person, &visible, &asked, decision).await
}

/// Deletes hosts that wait, were refused or are archived.
#[utoipa::path(post, path = "/api/v1/enrolment/delete", request_body = HostsToDecide,
    responses((status = 200, body = DecidedHosts), (status = 400)))]
pub(in crate::api) async fn delete(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    visible: VisibleFleet,
    Json(asked): Json<HostsToDecide>,
) -> Result<Json<DecidedHosts>, AppError> {
    carry_out(&app, &person, &visible, &asked, Decision::Delete).await
}

async fn carry_out(
    app: &SharedApp,
    person: &Person,
    visible: &VisibleFleet,
    asked: &HostsToDecide,
    decision: Decision,
) -> Result<Json<DecidedHosts>, AppError> {
    let hosts: Vec<HostId> = asked.hosts.iter().copied().map(HostId).collect();
    let done = decisions::decide(app, visible, &hosts, decision, &person.name).await?;
    Ok(Json(DecidedHosts { hosts: done.into_iter().map(|id| id.0).collect() }))
}

/// Lets the machine of a waiting host go on as a host of the fleet.
#[utoipa::path(post, path = "/api/v1/enrolment/merge/{id}", request_body = MergeInto,
    params(("id" = i32, Path, description = "Number of the host that waits")),
    responses((status = 204), (status = 409)))]
pub(in crate::api) async fn merge(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    visible: VisibleFleet,
    Path(id): Path<i32>,
    Json(MergeInto { into }): Json<MergeInto>,
) -> Result<StatusCode, AppError> {
    decisions::merge(&app, &visible, HostId(id), HostId(into), &person.name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Remembers that a host is another machine than those of its identity or name.
#[utoipa::path(post, path = "/api/v1/enrolment/keep-apart/{id}",
    params(("id" = i32, Path, description = "Number of the host")),
    responses((status = 204), (status = 404)))]
pub(in crate::api) async fn keep_apart(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    visible: VisibleFleet,
    Path(id): Path<i32>,
) -> Result<StatusCode, AppError> {
    decisions::keep_apart(&app, &visible, HostId(id), &person.name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Revokes a host's key: its agent enrols again, if its token is valid.
#[utoipa::path(post, path = "/api/v1/enrolment/revoke-key/{id}",
    params(("id" = i32, Path, description = "Number of the host")),
    responses((status = 204), (status = 404)))]
pub(in crate::api) async fn revoke_key(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    visible: VisibleFleet,
    Path(id): Path<i32>,
) -> Result<StatusCode, AppError> {
    decisions::revoke_key(&app, &visible, HostId(id), &person.name).await?;
    Ok(StatusCode::NO_CONTENT)
}

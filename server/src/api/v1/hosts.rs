//! `GET /api/v1/hosts` and `/api/v1/hosts/{id}`.

use std::cmp::Reverse;

use axum::extract::State;
use jiff::Timestamp;
use poolwatch_model::{HostId, Snapshot, host::HostFacts, memory::Memory};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    app::SharedApp,
    app_error::AppError,
    fleet::view::HostSummary,
    parameters::{Json, Path, Query},
};

/// Hosts of one answer.
const PAGE: usize = 1000;

/// Where to go on.
#[derive(Debug, Deserialize)]
pub(in crate::api) struct After {
    /// Only hosts with an id above this one.
    #[serde(default)]
    after: i32,
}

/// A page of hosts.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct HostPage {
    /// The hosts, by id.
    hosts: Vec<HostInShort>,
    /// With more to come: the value of `after` for the next page.
    next: Option<i32>,
}

/// One host in short.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct HostInShort {
    /// Its number.
    id: i32,
    /// Its name.
    name: String,
    /// What it tells about itself.
    #[schema(value_type = Object)]
    facts: HostFacts,
    /// When its latest snapshot was taken.
    #[schema(value_type = Option<String>, format = DateTime)]
    at: Option<Timestamp>,
    /// When it was last heard.
    #[schema(value_type = Option<String>, format = DateTime)]
    last_heard: Option<Timestamp>,
    /// System-wide figures, bytes and counts.
    #[schema(value_type = Object)]
    memory: Memory,
}

/// One host with its latest snapshot.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct HostInFull {
    /// The host.
    #[serde(flatten)]
    host: HostInShort,
    /// Its latest snapshot.
    #[schema(value_type = Option<Object>)]
    snapshot: Option<Snapshot>,
}

/// How much of a host.
#[derive(Debug, Deserialize)]
pub(in crate::api) struct Largest {
    /// Only the tags with most bytes and the processes with most handles, so many of each.
    largest: Option<usize>,
}

/// All hosts, a page at a time.
#[utoipa::path(get, path = "/api/v1/hosts",
    params(("after" = Option<i32>, Query, description = "Only hosts with an id above this one")),
    responses((status = 200, body = HostPage)))]
pub(in crate::api) async fn list(
    State(app): State<SharedApp>,
    Query(query): Query<After>,
) -> Json<HostPage> {
    let view = app.fleet.view();
    let first = view.hosts.partition_point(|host| host.host.id.0 <= query.after);
    let rest = &view.hosts[first..];
    let page = &rest[..rest.len().min(PAGE)];
    let next = (rest.len() > PAGE).then(|| page.last().map(|host| host.host.id.0)).flatten();
    Json(HostPage { hosts: page.iter().map(|host| in_short(host)).collect(), next })
}

/// One host.
#[utoipa::path(get, path = "/api/v1/hosts/{id}",
    params(
        ("id" = i32, Path, description = "Number of the host"),
        ("largest" = Option<usize>, Query, description = "Only the tags with most bytes and the \
            processes with most handles, so many of each; else all")),
    responses((status = 200, body = HostInFull), (status = 404)))]
pub(in crate::api) async fn one(
    State(app): State<SharedApp>,
    Path(id): Path<i32>,
    Query(query): Query<Largest>,
) -> Result<Json<HostInFull>, AppError> {
    let view = app.fleet.view();
    let missing = || AppError::not_found("There is no such host");
    let host = in_short(view.host(HostId(id)).ok_or_else(missing)?);
    let mut snapshot = app.fleet.known(HostId(id)).and_then(|live| live.snapshot());
    if snapshot.is_none() {
        let mut db = app.pool.acquire().await?;
        snapshot = app.latest_snapshot(&mut db, HostId(id), app.clock.now()).await?;
    }
    if let (Some(snapshot), Some(most)) = (&mut snapshot, query.largest) {
        keep_largest(snapshot, most);
    }
    Ok(Json(HostInFull { host, snapshot }))
}

fn keep_largest(snapshot: &mut Snapshot, most: usize) {
    if let Some(tags) = &mut snapshot.tags {
        tags.rows.sort_unstable_by_key(|row| {
            Reverse(row.paged.bytes.saturating_add(row.nonpaged.bytes))
        });
        tags.rows.truncate(most);
        tags.rows.sort_unstable_by_key(|row| row.tag);
        tags.complete = false;
    }
    if let Some(processes) = &mut snapshot.processes {
        processes.sort_unstable_by_key(|process| (Reverse(process.handles), process.key));
        processes.truncate(most);
    }
}

fn in_short(summary: &HostSummary) -> HostInShort {
    HostInShort {
        id: summary.host.id.0,
        name: summary.host.name.clone(),
        facts: summary.host.facts.clone(),
        at: summary.at,
        last_heard: summary.received,
        memory: summary.memory.clone(),
    }
}

//! `GET /api/v1/tags/{tag}/hosts` and `/api/v1/tags/{tag}/series`: one tag over many hosts, in the
//! past.

use std::cmp::Reverse;

use axum::extract::State;
use jiff::Timestamp;
use poolwatch_model::{HostId, Pool, asked_time::AskedTime, series::Series};
use poolwatch_store::read::{self, HostThen};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::tags::{parse, period, rows};
use crate::{
    app::SharedApp,
    app_error::AppError,
    parameters::{Json, Path, Query},
};

/// Hosts of one answer with their course.
const MOST_HOSTS: usize = 200;

/// Which pool, when, and how many hosts.
#[derive(Debug, Deserialize)]
pub(in crate::api) struct ThenQuery {
    pool: Pool,
    at: AskedTime,
    limit: Option<usize>,
}

/// A tag over all hosts as an hour of the past ended.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct TagThen {
    /// Where that hour begins: the one that ended nearest to the time asked for.
    #[schema(value_type = String)]
    hour: Timestamp,
    /// Hosts of which something is known of that hour.
    known: usize,
    /// Hosts on which the tag used anything.
    total: usize,
    /// Those that used most, first.
    hosts: Vec<HostShareThen>,
}

/// One host's use of a tag then.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct HostShareThen {
    /// The host's number.
    host: i32,
    /// Where its last ten minutes of that hour begin.
    #[schema(value_type = String)]
    at: Timestamp,
    /// Their mean, bytes.
    bytes: u64,
}

/// One tag over all hosts at a time of the past.
#[utoipa::path(get, path = "/api/v1/tags/{tag}/hosts",
    params(
        ("tag" = String, Path, description = "The tag; what is not printable ASCII as `\\xNN`"),
        ("pool" = String, Query, description = "`paged` or `nonpaged`"),
        ("at" = String, Query, description = "When; kept by the hour, from ten minutes after it"),
        ("limit" = Option<usize>, Query, description = "Hosts, 200 unless told, 1,000 at most")),
    responses((status = 200, body = TagThen), (status = 400), (status = 404)))]
pub(in crate::api) async fn then(
    State(app): State<SharedApp>,
    Path(tag): Path<String>,
    Query(query): Query<ThenQuery>,
) -> Result<Json<TagThen>, AppError> {
    let tag = parse(&tag)?;
    let mut db = app.pool.acquire().await?;
    let Some(then) = read::fleet_at(&mut db, tag, query.pool, query.at.get()).await? else {
        return Err(AppError::not_found("Nothing is kept of that hour"));
    };
    let share = |one: &HostThen| {
        let bytes = one.bytes.filter(|bytes| *bytes > 0)?;
        Some(HostShareThen { host: one.host.0, at: one.at, bytes })
    };
    let mut hosts: Vec<HostShareThen> = then.hosts.iter().filter_map(share).collect();
    let total = hosts.len();
    hosts.sort_by_key(|one| (Reverse(one.bytes), one.host));
    hosts.truncate(rows(query.limit));
    Ok(Json(TagThen { hour: then.hour, known: then.hosts.len(), total, hosts }))
}

/// Which pool, on which hosts, over which period.
#[derive(Debug, Deserialize)]
pub(in crate::api) struct CourseQuery {
    pool: Pool,
    hosts: String,
    since: Option<AskedTime>,
    until: Option<AskedTime>,
}

/// The course of a tag on one host.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct HostCourse {
    /// The host's number.
    host: i32,
    /// Bytes as each hour ended.
    #[schema(value_type = Object)]
    bytes: Series,
}

/// One tag on many hosts over a period, by the hour, with gaps and restarts.
#[utoipa::path(get, path = "/api/v1/tags/{tag}/series",
    params(
        ("tag" = String, Path, description = "The tag; what is not printable ASCII as `\\xNN`"),
        ("pool" = String, Query, description = "`paged` or `nonpaged`"),
        ("hosts" = String, Query, description = "Numbers of hosts with commas, 200 at most"),
        ("since" = Option<String>, Query, description = "Begin; else 24 hours before the end"),
        ("until" = Option<String>, Query, description = "End; else now")),
    responses((status = 200, body = Vec<HostCourse>), (status = 400)))]
pub(in crate::api) async fn course(
    State(app): State<SharedApp>,
    Path(tag): Path<String>,
    Query(query): Query<CourseQuery>,
) -> Result<Json<Vec<HostCourse>>, AppError> {
    let tag = parse(&tag)?;
    let (since, until) = period(app.clock.now(), query.since, query.until)?;
    let numbers: Result<Vec<HostId>, _> =
        query.hosts.split(',').map(|number| number.trim().parse().map(HostId)).collect();
    let hosts = numbers.ok().filter(|hosts| hosts.len() <= MOST_HOSTS).ok_or_else(|| {
        AppError::bad_request("`hosts` are numbers of hosts with commas between, 200 at most.")
    })?;
    let mut db = app.pool.acquire().await?;
    let all = read::tag_over_hosts(&mut db, tag, query.pool, &hosts, since, until).await?;
    let course = |(host, bytes): (HostId, Series)| HostCourse { host: host.0, bytes };
    Ok(Json(hosts.into_iter().zip(all).map(course).collect()))
}

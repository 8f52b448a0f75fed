//! `GET /api/v1/tags`, `/api/v1/tags/{tag}` and `/api/v1/hosts/{id}/tags/{tag}`.

use axum::extract::State;
use jiff::{SignedDuration, Timestamp};
use poolwatch_model::{
    HostId, Pool, PoolTag, asked_time::AskedTime, series::Series, tag::TagCounters,
};
use poolwatch_store::read::{self, Figure};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    app::SharedApp,
    app_error::AppError,
    fleet::{
        baselines::Window,
        by_tag::{TagLine, TagMeasure},
    },
    parameters::{Json, Path, Query},
};

/// Rows of an answer, when not told otherwise, and at most.
const ROWS: usize = 200;
const MOST_ROWS: usize = 1000;
/// Points of a series, when not told otherwise, and at most.
const POINTS: u32 = 350;
const MOST_POINTS: u32 = 2000;

/// Which tags, in which order.
#[derive(Debug, Deserialize)]
pub(in crate::api) struct TagsQuery {
    pool: Option<Pool>,
    #[serde(default)]
    order: Order,
    limit: Option<usize>,
}

/// What tags are ordered by, the largest first.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::api) enum Order {
    /// Bytes, all hosts together.
    #[default]
    Sum,
    /// Growth over 24 hours.
    Growth,
    /// Hosts that use it.
    Hosts,
    /// The 95th percentile of hosts.
    P95,
}

impl From<Order> for TagMeasure {
    fn from(order: Order) -> Self {
        match order {
            Order::Sum => Self::Sum,
            Order::Growth => Self::Growth(Window::Day),
            Order::Hosts => Self::Hosts,
            Order::P95 => Self::P95,
        }
    }
}

/// Tags of the fleet.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct FleetTags {
    /// How many tags and pools there are of those asked for.
    total: usize,
    /// The first of them.
    tags: Vec<FleetTag>,
}

/// A tag's use of one pool over the fleet.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct FleetTag {
    /// The tag; what is not printable ASCII is written `\xNN`.
    #[schema(value_type = String)]
    tag: PoolTag,
    /// `paged` or `nonpaged`.
    #[schema(value_type = String)]
    pool: Pool,
    /// Hosts on which it uses anything.
    hosts: u32,
    /// Bytes, all hosts together.
    sum: u64,
    /// Bytes that half of these hosts do not exceed.
    median: u64,
    /// Bytes that 95 % of them do not exceed.
    p95: u64,
    /// Growth over 24 hours, bytes, on the hosts of which it is known.
    growth_24h: i64,
    /// On how many hosts that is known.
    growth_hosts: u32,
    /// The host that uses most, and its bytes.
    top: Option<(i32, u64)>,
}

impl From<&TagLine> for FleetTag {
    fn from(line: &TagLine) -> Self {
        let growth = line.growth(Window::Day);
        Self {
            tag: line.tag,
            pool: line.pool,
            hosts: line.hosts,
            sum: line.sum,
            median: line.median,
            p95: line.p95,
            growth_24h: growth.bytes,
            growth_hosts: growth.hosts,
            top: line.top.first().map(|(host, bytes)| (host.0, *bytes)),
        }
    }
}

/// The tags of the fleet, those that use most first.
#[utoipa::path(get, path = "/api/v1/tags",
    params(
        ("pool" = Option<String>, Query, description = "`paged` or `nonpaged`; else both"),
        ("order" = Option<Order>, Query, description = "What comes first; else `sum`"),
        ("limit" = Option<usize>, Query, description = "Rows, 200 unless told, 1,000 at most")),
    responses((status = 200, body = FleetTags)))]
pub(in crate::api) async fn list(
    State(app): State<SharedApp>,
    Query(query): Query<TagsQuery>,
) -> Json<FleetTags> {
    let view = app.fleet.view();
    let is_asked = |line: &TagLine| query.pool.is_none_or(|pool| line.pool == pool);
    let ranked = view.tags.ranked(query.order.into(), is_asked);
    let tags = ranked.iter().take(rows(query.limit)).map(|line| FleetTag::from(*line)).collect();
    Json(FleetTags { total: ranked.len(), tags })
}

/// Which pool, and how many hosts.
#[derive(Debug, Deserialize)]
pub(in crate::api) struct TagQuery {
    pool: Option<Pool>,
    limit: Option<usize>,
}

/// A tag over all hosts.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct TagAcross {
    /// By pool, nonpaged first.
    pools: Vec<PoolAcross>,
}

/// A tag's use of one pool by host.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct PoolAcross {
    /// `paged` or `nonpaged`.
    #[schema(value_type = String)]
    pool: Pool,
    /// Hosts on which it uses anything.
    total: usize,
    /// Those that use most, first.
    hosts: Vec<HostShare>,
}

/// One host's use of a tag.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct HostShare {
    /// The host's number.
    host: i32,
    /// What it uses.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    counters: TagCounters,
    /// Growth over 24 hours, bytes, where it is known.
    growth_24h: Option<i64>,
}

/// One tag over all hosts, as of some seconds ago at most.
#[utoipa::path(get, path = "/api/v1/tags/{tag}",
    params(
        ("tag" = String, Path, description = "The tag; what is not printable ASCII as `\\xNN`"),
        ("pool" = Option<String>, Query, description = "`paged` or `nonpaged`; else both"),
        ("limit" = Option<usize>, Query, description = "Hosts, 200 unless told, 1,000 at most")),
    responses((status = 200, body = TagAcross), (status = 400)))]
pub(in crate::api) async fn across(
    State(app): State<SharedApp>,
    Path(tag): Path<String>,
    Query(query): Query<TagQuery>,
) -> Result<Json<TagAcross>, AppError> {
    let tag = parse(&tag)?;
    let work = move || {
        let pools = Pool::ALL.into_iter().filter(|pool| query.pool.is_none_or(|of| of == *pool));
        let across = app.fleet.across(tag);
        let of_pool = |pool| {
            let found = across.of(pool);
            let share = |one: &crate::fleet::tag_by_host::HostUse| HostShare {
                host: one.host.0,
                counters: one.counters,
                growth_24h: one.growth(Window::Day),
            };
            let hosts = found.iter().take(rows(query.limit)).map(share).collect();
            PoolAcross { pool, total: found.len(), hosts }
        };
        TagAcross { pools: pools.map(of_pool).collect() }
    };
    tokio::task::spawn_blocking(work).await.map(Json).map_err(AppError::internal)
}

/// Which pool of a tag, over which period.
#[derive(Debug, Deserialize)]
pub(in crate::api) struct SeriesQuery {
    pool: Pool,
    since: Option<AskedTime>,
    until: Option<AskedTime>,
    points: Option<u32>,
}

/// What became of a tag on a host.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct TagSeries {
    /// Bytes outstanding.
    #[schema(value_type = Object)]
    bytes: Series,
    /// Allocations minus frees.
    #[schema(value_type = Object)]
    outstanding: Series,
}

/// A tag of a host over a period: least, mean and greatest of each step, with gaps and restarts.
#[utoipa::path(get, path = "/api/v1/hosts/{id}/tags/{tag}",
    params(
        ("id" = i32, Path, description = "Number of the host"),
        ("tag" = String, Path, description = "The tag; what is not printable ASCII as `\\xNN`"),
        ("pool" = String, Query, description = "`paged` or `nonpaged`"),
        ("since" = Option<String>, Query, description = "Begin; else 24 hours before the end"),
        ("until" = Option<String>, Query, description = "End; else now"),
        ("points" = Option<u32>, Query, description = "At most so many; 350 unless told")),
    responses((status = 200, body = TagSeries), (status = 400), (status = 404)))]
pub(in crate::api) async fn series(
    State(app): State<SharedApp>,
    Path((id, tag)): Path<(i32, String)>,
    Query(query): Query<SeriesQuery>,
) -> Result<Json<TagSeries>, AppError> {
    let (host, tag) = (HostId(id), parse(&tag)?);
    if app.fleet.view().host(host).is_none() {
        return Err(AppError::not_found("There is no such host"));
    }
    let (since, until) = period(app.clock.now(), query.since, query.until)?;
    let points = query.points.unwrap_or(POINTS).clamp(1, MOST_POINTS);
    let step_s = read::fitting_step_s(since, until, points);
    let figures = [Figure::TagBytes(tag, query.pool), Figure::TagOutstanding(tag, query.pool)];
    let mut db = app.pool.acquire().await?;
    let series = read::series(&mut db, host, &figures, since, until, step_s).await?;
    match <[Series; 2]>::try_from(series) {
        Ok([bytes, outstanding]) => Ok(Json(TagSeries { bytes, outstanding })),
        Err(_) => Err(AppError::internal("one series per figure")),
    }
}

/// The period asked for; a day that ends now where nothing is told.
pub(super) fn period(
    now: Timestamp,
    since: Option<AskedTime>,
    until: Option<AskedTime>,
) -> Result<(Timestamp, Timestamp), AppError> {
    let until = until.map_or(now, AskedTime::get);
    let day = SignedDuration::from_hours(24);
    let day_before = || until.saturating_sub(day).unwrap_or(until);
    let since = since.map_or_else(day_before, AskedTime::get);
    let longest = SignedDuration::from_hours(24 * 366 * 3);
    if since >= until || until.duration_since(since) > longest {
        return Err(AppError::bad_request("`since` has to be before `until`, by 3 years at most."));
    }
    Ok((since, until))
}

pub(super) fn rows(limit: Option<usize>) -> usize {
    limit.unwrap_or(ROWS).min(MOST_ROWS)
}

pub(super) fn parse(tag: &str) -> Result<PoolTag, AppError> {
    tag.parse().map_err(|error| AppError::bad_request(format!("{error}")))
}

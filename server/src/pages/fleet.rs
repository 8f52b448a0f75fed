//! The fleet at a glance (`GET /`).

use std::{cmp::Reverse, collections::BTreeSet, sync::Arc};

use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, Uri},
    response::Html,
};
use jiff::{SignedDuration, Timestamp};
use poolwatch_analysis::catalogue::Catalogue;
use poolwatch_model::{HostId, Pool, Presence};
use poolwatch_store::events::{self, EventFilter};
use poolwatch_web::{
    fleet::{FleetCounts, FleetPage, FleetQuery, GrowingTag},
    histogram::PressureHistogram,
    hosts::HostRow,
    incidents::IncidentRow,
    level::{PoolLevel, Pressure},
    words,
};

use super::{
    address,
    drivers::lines,
    groups::{hosts_in_group, hosts_of_group},
    live, rows, shell,
    tags::selection,
};
use crate::{
    access::people::Person,
    app::SharedApp,
    app_error::AppError,
    fleet::{
        growing::{self, GROWING, Growing},
        view::{FleetView, HostSummary},
    },
    parameters::Query,
};

/// Latest events that are shown.
const EVENTS: i64 = 10;
/// Hosts that are shown.
const HOSTS: usize = 10;
/// Changes of drivers that are shown.
const CHANGES: usize = 8;
/// Events 2019 and 2020 are counted over this.
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// The page.
pub(super) async fn page(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Query(query): Query<FleetQuery>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Html<String>, AppError> {
    let shell = shell(&app, &person, address(&uri));
    let (now, view) = (shell.now, app.fleet.view());
    let chosen = hosts_in_group(&view, &query.group);
    let ids = hosts_of_group(&view, &query.group);

    let growing = growing_tags(&app, &view, &query.group).await?;
    let mut db = app.pool.acquire().await?;
    let back = SignedDuration::from_hours(i64::from(query.hours.hours()));
    let since = now.saturating_sub(back).ok();
    let filter = EventFilter { among: ids.clone(), since, ..EventFilter::default() };
    let latest = events::list(&mut db, &filter, EVENTS, 0).await?;
    let mut pool_empty = 0;
    for event_id in [2019, 2020] {
        let filter = EventFilter {
            among: ids.clone(),
            event_id: Some(event_id),
            since: now.saturating_sub(DAY).ok(),
            ..EventFilter::default()
        };
        pool_empty += events::count_matching(&mut db, &filter).await?;
    }
    drop(db);

    let catalogue = app.tag_names.catalogue();
    let page = FleetPage {
        groups: groups(&view),
        counts: counts(&chosen, pool_empty.unsigned_abs(), now),
        causes: causes(&view, ids.as_deref()),
        pressure: Pool::ALL.map(|pool| {
            let levels = chosen.iter().map(|host| rows::level(host, pool).share());
            PressureHistogram::of(pool, levels)
        }),
        events: latest.into_iter().map(|event| rows::event(&view, event)).collect(),
        growing: growing.iter().map(|one| growing_tag(&catalogue, one)).collect(),
        changed: app.fleet.driver_changes().iter().take(CHANGES).map(lines::changed).collect(),
        hosts: under_pressure(&view, &chosen, now),
        query,
        shell,
    };
    live(&page, &headers)
}

/// The groups of all hosts, in alphabetical order.
pub(super) fn groups(view: &FleetView) -> Vec<String> {
    let groups: BTreeSet<String> =
        view.hosts.iter().filter_map(|host| words::group(&host.host.facts)).collect();
    groups.into_iter().collect()
}

fn counts(chosen: &[&Arc<HostSummary>], pool_empty_24h: u64, now: Timestamp) -> FleetCounts {
    let with = |is_wanted: fn(Presence) -> bool| {
        chosen.iter().filter(|host| is_wanted(host.presence(now))).count() as u64
    };
    FleetCounts {
        hosts: chosen.len() as u64,
        reporting: with(Presence::reports),
        silent: with(|presence| presence == Presence::Silent),
        high: chosen.iter().filter(|host| is_high(host)).count() as u64,
        pool_empty_24h,
    }
}

fn is_high(host: &HostSummary) -> bool {
    Pool::ALL.into_iter().any(|pool| rows::level(host, pool).pressure() == Pressure::High)
}

fn causes(view: &FleetView, among: Option<&[HostId]>) -> Vec<IncidentRow> {
    let mut open: Vec<_> = view
        .incidents
        .iter()
        .filter(|incident| incident.state.is_active())
        .filter(|incident| {
            let host = incident.cause.host();
            among.is_none_or(|ids| host.is_none_or(|host| ids.contains(&host)))
        })
        .cloned()
        .collect();
    rows::sort_incidents(&mut open);
    open.iter().map(|incident| rows::incident(view, incident)).collect()
}

/// The tags that grow most over the hosts of a group.
async fn growing_tags(
    app: &SharedApp,
    view: &Arc<FleetView>,
    group: &str,
) -> Result<Vec<Growing>, AppError> {
    if group.is_empty() {
        return Ok(view.growing.clone());
    }
    let (app, view, group) = (app.clone(), view.clone(), group.to_owned());
    let work = move || {
        let tags = selection::of_group(&app, &view, &group);
        tags.map(|tags| growing::most(&tags, GROWING)).unwrap_or_default()
    };
    tokio::task::spawn_blocking(work).await.map_err(AppError::internal)
}

fn growing_tag(catalogue: &Catalogue, growing: &Growing) -> GrowingTag {
    GrowingTag {
        tag: growing.tag,
        pool: growing.pool,
        hosts: growing.hosts,
        per_day: growing.bytes_per_day as i64,
        meaning: catalogue.own(growing.tag).map(|told| told.meaning.to_owned()),
    }
}

/// Hosts with pool figures, those first whose fuller pool asks for most attention.
fn under_pressure(view: &FleetView, chosen: &[&Arc<HostSummary>], now: Timestamp) -> Vec<HostRow> {
    let rank =
        |level: PoolLevel| level.share().map(|share| (level.pressure(), (share * 1e6) as u64));
    let mut ranked: Vec<_> = chosen
        .iter()
        .filter_map(|host| {
            let rank = Pool::ALL.into_iter().filter_map(|pool| rank(rows::level(host, pool))).max();
            Some((rank?, *host))
        })
        .collect();
    ranked.sort_by_key(|(rank, host)| (Reverse(*rank), host.host.id));
    ranked.truncate(HOSTS);
    ranked.into_iter().map(|(_, host)| rows::host(view, host, now)).collect()
}

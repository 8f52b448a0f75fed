//! One tag over the fleet (`GET /tags/{tag}`), and its hosts as files.

mod history;
mod hosts;
pub(super) mod note;
mod owners;

use std::cmp::Reverse;

use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, Uri},
    response::{Html, Response},
};
use poolwatch_analysis::catalogue::{self, Catalogue};
use poolwatch_model::{Bytes, Pool, PoolTag, person::Role, tag::TagPattern};
use poolwatch_store::{
    driver_scans::{self, Holder},
    tag_notes,
};
use poolwatch_web::{
    histogram::SizeHistogram,
    links,
    tag::{TAG_HOSTS, TagHostsQuery, TagInPool, TagNoteRow, TagPage, TagTold},
};

pub(super) use history::history;

use super::{
    address,
    lists::{self, Parameters},
    live, rows, shell,
};
use crate::{
    access::people::Person,
    app::{App, SharedApp},
    app_error::AppError,
    fleet::{baselines::Window, view::FleetView, visible::VisibleFleet},
    parameters::Path,
};

/// Driver files that are looked at for a tag.
const HOLDERS: i64 = 40;

/// The page.
pub(super) async fn page(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    visible: VisibleFleet,
    Path(tag): Path<String>,
    parameters: Parameters,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Html<String>, AppError> {
    let tag = read(&tag)?;
    let query = lists::read(&TAG_HOSTS, links::tag(&tag), &parameters)?;
    let view = visible.view.clone();
    let pools = pools(&view, tag);
    let pool = shown(&pools, &query);
    let hosts = hosts::select(visible.clone(), tag, pool, &query).await?;
    let bytes: Vec<u64> = hosts.iter().map(|host| host.used.counters.bytes).collect();
    let page = TagPage {
        shell: shell(&app, &person, address(&uri)),
        tag,
        told: told(&app.tag_names.catalogue(), tag),
        pools,
        pool,
        spread: SizeHistogram::of(&bytes),
        list: lists::page(query, &hosts, hosts::row(&view, tag, pool)),
        incidents: rows::open_incidents(&view, |one| one.cause.tag() == Some(tag)),
        owners: owners::of(&app, &visible, tag, &holders(&app, &visible, tag).await?),
        leaks: owners::leaks(&visible, tag),
        note: note_of(&app, tag).await?,
        may_write: person.role >= Role::Operator,
    };
    live(&page, &headers)
}

/// All hosts of a tag.
pub(super) async fn file(
    Extension(_): Extension<Person>,
    visible: VisibleFleet,
    Path(tag): Path<String>,
    parameters: Parameters,
    uri: Uri,
) -> Result<Response, AppError> {
    let tag = read(&tag)?;
    let query = lists::read(&TAG_HOSTS, links::tag(&tag), &parameters)?;
    let view = visible.view.clone();
    let pool = shown(&pools(&view, tag), &query);
    let found = hosts::select(visible, tag, pool, &query).await?;
    lists::file(&TAG_HOSTS, &found, hosts::row(&view, tag, pool), &uri)
}

/// Driver files whose code holds the tag, the likeliest owners first.
async fn holders(app: &App, visible: &VisibleFleet, tag: PoolTag) -> Result<Vec<Holder>, AppError> {
    let mut db = app.pool.acquire().await?;
    let mut holders = driver_scans::holders_of(&mut db, tag, HOLDERS).await?;
    let is_loaded = |holder: &Holder| !visible.drivers.versions(&holder.name).is_empty();
    holders.retain(|holder| visible.is_whole() || is_loaded(holder));
    Ok(holders)
}

async fn note_of(app: &App, tag: PoolTag) -> Result<Option<TagNoteRow>, AppError> {
    let mut db = app.pool.acquire().await?;
    let written = tag_notes::note_of(&mut db, TagPattern::of(tag)).await?;
    Ok(written.map(|written| TagNoteRow {
        meaning: written.note.meaning,
        owner: written.note.owner,
        by: written.by,
        at: written.at,
    }))
}

fn read(tag: &str) -> Result<PoolTag, AppError> {
    tag.parse().map_err(|_| AppError::not_found("There is no such tag"))
}

/// The pools that a tag uses, the one with most first.
fn pools(view: &FleetView, tag: PoolTag) -> Vec<TagInPool> {
    let lines = Pool::ALL.into_iter().filter_map(|pool| view.tags.get(tag, pool));
    let mut pools: Vec<TagInPool> = lines
        .filter(|line| line.hosts > 0)
        .map(|line| {
            let growth = line.growth(Window::Day);
            let is_known = growth.hosts > 0;
            let worst = line.top.first();
            TagInPool {
                pool: line.pool,
                hosts: line.hosts.into(),
                sum: Bytes(line.sum),
                median: Bytes(line.median),
                p95: Bytes(line.p95),
                worst: worst.map(|(host, bytes)| (rows::link_to(view, *host), Bytes(*bytes))),
                growth: is_known.then_some(growth.bytes),
                grows_on: is_known.then_some(growth.grown_hosts.into()),
            }
        })
        .collect();
    pools.sort_by_key(|pool| Reverse(pool.sum));
    pools
}

/// The pool whose hosts are shown: what was asked for, else that with most.
fn shown(pools: &[TagInPool], query: &TagHostsQuery) -> Pool {
    let most = pools.first().map_or(Pool::Nonpaged, |first| first.pool);
    query.filter.pool.pool().unwrap_or(most)
}

fn told(catalogue: &Catalogue, tag: PoolTag) -> Option<TagTold> {
    let told = catalogue.describe(tag)?;
    let entry = catalogue::entry(tag);
    Some(TagTold {
        meaning: told.meaning.to_owned(),
        owner: told.owner.filter(|owner| !owner.is_empty()).map(str::to_owned),
        source: told.source,
        certainty: told.certainty,
        object_type: entry.and_then(|entry| entry.object_type),
        cache: entry.is_some_and(|entry| entry.cache),
        shared: entry.is_some_and(|entry| entry.shared),
    })
}

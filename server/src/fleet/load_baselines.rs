//! The tags of earlier moments, which growth is reckoned from, kept in memory as two bytes per tag
//! and window: of an hour ago from key frames, a few hosts at a time; of a day and a week ago from
//! the fleet's hours, a block of hosts at a time, or from the chunks of a host.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use jiff::Timestamp;
use poolwatch_model::{HostId, tag::TagTable};
use poolwatch_protocol::v1::Decoder;
use poolwatch_store::{
    PgPool, StoreError,
    chunk::fleet::place_of,
    frames,
    read::{self, TagsThen},
};
use sqlx::PgConnection;

use super::{
    Fleet,
    baselines::{Baseline, WINDOWS, Window, bytes_of},
};

/// Hosts whose key frames are asked for at once: bounds memory.
const HOSTS: usize = 50;
/// Hosts of one round, so that a large fleet costs a small part of a processor: a round is made
/// every half minute.
const ROUND: usize = 3000;
/// A host costs so many times less as one of its block than alone.
const CHEAPER: usize = 8;
/// Hosts of a round that are read one by one.
const ONE_BY_ONE: usize = 200;

/// The tags of an earlier moment.
#[derive(Debug, Clone)]
pub struct BaselineTags {
    /// When.
    pub at: Timestamp,
    /// The tags then.
    pub tags: Arc<TagTable>,
}

/// The tags of one host at the beginning of a window that ends now.
///
/// # Errors
/// When the database fails.
pub async fn baseline_of_host(
    db: &mut PgConnection,
    host: HostId,
    window: Window,
    now: Timestamp,
) -> Result<Option<BaselineTags>, StoreError> {
    let found = read::tags_at(db, host, begin(window, now), window.slack()).await?;
    Ok(found.map(|TagsThen { at, tags }| BaselineTags { at, tags: Arc::new(tags) }))
}

/// Which hosts were asked for when, so that those without history are not asked for again and again.
#[derive(Debug, Default)]
pub struct BaselineRequests(HashMap<HostId, [Option<Timestamp>; WINDOWS]>);

/// Looks after the earlier moments of all hosts whose tables are at hand: the longest window first,
/// since it changes least.
///
/// # Errors
/// When the database fails.
pub async fn refresh(
    pool: &PgPool,
    fleet: &Fleet,
    asked: &mut BaselineRequests,
    now: Timestamp,
) -> Result<(), StoreError> {
    asked.0.retain(|id, _| fleet.known(*id).is_some());
    let mut left = ROUND;
    for (index, window) in Window::ALL.into_iter().enumerate().rev() {
        let wanted = begin(window, now);
        let mut hosts = due(fleet, index, window, wanted);
        hosts.retain(|id| {
            let last = asked.0.get(id).and_then(|last| last[index]);
            last.is_none_or(|last| now.duration_since(last) > window.slack() / 4)
        });
        hosts.truncate(left);
        left -= hosts.len();
        for id in &hosts {
            asked.0.entry(*id).or_default()[index] = Some(now);
        }
        match window {
            Window::Hour => from_keys(pool, fleet, index, &hosts, wanted).await?,
            Window::Day | Window::Week => {
                let missing = from_blocks(pool, fleet, index, hosts, wanted).await?;
                one_by_one(pool, fleet, index, &missing, window, now).await?;
            }
        }
    }
    Ok(())
}

async fn from_keys(
    pool: &PgPool,
    fleet: &Fleet,
    index: usize,
    hosts: &[HostId],
    wanted: Timestamp,
) -> Result<(), StoreError> {
    let slack_s = u32::try_from(Window::ALL[index].slack().as_secs()).unwrap_or(u32::MAX);
    for hosts in hosts.chunks(HOSTS) {
        let mut db = pool.acquire().await?;
        let found = frames::keys_near(&mut db, hosts, wanted, slack_s).await?;
        drop(db);
        for (host, frame) in found {
            let mut decoder = Decoder::default();
            let read = decoder.decode(&frame.payload).ok();
            if let Some(tags) = read.and_then(|last| last.snapshot.tags.as_ref()) {
                set(fleet, host, index, frame.at, tags);
            }
            tokio::task::yield_now().await;
        }
    }
    Ok(())
}

/// Returns the hosts that no block told of.
async fn from_blocks(
    pool: &PgPool,
    fleet: &Fleet,
    index: usize,
    hosts: Vec<HostId>,
    wanted: Timestamp,
) -> Result<Vec<HostId>, StoreError> {
    let mut sizes: BTreeMap<i32, usize> = BTreeMap::new();
    for summary in &fleet.view().hosts {
        *sizes.entry(place_of(summary.host.id).0).or_default() += 1;
    }
    let mut blocks: BTreeMap<i32, Vec<HostId>> = BTreeMap::new();
    for host in hosts {
        blocks.entry(place_of(host).0).or_default().push(host);
    }
    let mut missing = Vec::new();
    for (first_host, hosts) in blocks {
        let all = sizes.get(&first_host).copied().unwrap_or_default();
        let block = if hosts.len() * CHEAPER >= all {
            let mut db = pool.acquire().await?;
            read::block_at(&mut db, first_host, wanted).await?
        } else {
            None
        };
        for host in hosts {
            match block.as_ref().and_then(|block| Some((block, block.last(host)?))) {
                Some((block, at)) => {
                    let earlier = Baseline { at, complete: block.is_complete(host) };
                    let bytes = |tag, pool| block.bytes(host, tag, pool);
                    if let Some(live) = fleet.known(host) {
                        live.set_earlier(index, Some((earlier, &bytes)));
                    }
                }
                None => missing.push(host),
            }
            tokio::task::yield_now().await;
        }
    }
    Ok(missing)
}

async fn one_by_one(
    pool: &PgPool,
    fleet: &Fleet,
    index: usize,
    hosts: &[HostId],
    window: Window,
    now: Timestamp,
) -> Result<(), StoreError> {
    for host in hosts.iter().take(ONE_BY_ONE) {
        let mut db = pool.acquire().await?;
        let found = baseline_of_host(&mut db, *host, window, now).await?;
        drop(db);
        if let Some(BaselineTags { at, tags }) = found {
            set(fleet, *host, index, at, &tags);
        }
        tokio::task::yield_now().await;
    }
    Ok(())
}

fn set(fleet: &Fleet, host: HostId, index: usize, at: Timestamp, tags: &TagTable) {
    let earlier = Baseline { at, complete: tags.complete };
    let bytes = |tag, pool| bytes_of(tags, tag, pool);
    if let Some(live) = fleet.known(host) {
        live.set_earlier(index, Some((earlier, &bytes)));
    }
}

/// Hosts whose earlier moment is missing or too long ago. A host is asked for only when its boot
/// began before that moment: growth does not reach over a restart.
fn due(fleet: &Fleet, index: usize, window: Window, wanted: Timestamp) -> Vec<HostId> {
    let slack = window.slack();
    let is_due = |id: &HostId| {
        let Some(live) = fleet.known(*id) else { return false };
        let state = live.read();
        let ran = state.booted_at.is_none_or(|boot| boot < wanted);
        let tags = state.tables().and_then(|tables| tables.tags.as_ref());
        ran && tags.is_some_and(|tags| {
            let earlier = tags.earlier(index);
            earlier.is_none_or(|earlier| wanted.duration_since(earlier.at) > slack)
        })
    };
    fleet.view().hosts.iter().map(|summary| summary.host.id).filter(is_due).collect()
}

fn begin(window: Window, now: Timestamp) -> Timestamp {
    now.saturating_sub(window.length()).unwrap_or(now)
}

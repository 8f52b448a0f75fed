//! Much pool that does not grow: said by its name, never called a leak.

use poolwatch_model::{
    Bytes, Pool, PoolTag,
    diagnosis::{Diagnosis, Evidence, TagFinding, Verdict},
    history::TagSeries,
    memory::Memory,
};

use crate::{
    case::{self, CaseFile, Peer},
    facts, suspects,
    tag_list::{largest_tags, list_tag},
    trend::LEAST_PEERS,
    troughs, whole,
};

/// Less is nothing to speak of.
pub const LEAST: u64 = 256 << 20;
/// Above peers: this many times their median.
const TIMES_PEERS: u64 = 4;
/// Without peers: this share of physical memory and of the pool.
const OF_MEMORY: f64 = 0.05;
const OF_POOL: f64 = 0.4;
/// From this share of physical memory on it is no excuse that a tag is usually a cache.
const NO_CACHE: f64 = 0.25;
/// Constant: troughs within this share of each other, over a day at least.
const STILL: f64 = 0.05;
const LEAST_HOURS: usize = 24;
/// Hours that are looked at: what grew longer ago holds still now.
const LATEST_HOURS: usize = 72;

/// Tags that are far above what is usual, and constant.
#[must_use]
pub fn high_use_tags(case: &CaseFile) -> Vec<Diagnosis> {
    case.tags
        .iter()
        .filter(|series| {
            still_level(case, series).is_some_and(|level| is_high(case, series, level))
        })
        .map(|series| {
            let bytes = case::last(&series.bytes).unwrap_or(0);
            let mut evidence = vec![Evidence::TagUse {
                tag: series.tag,
                pool: series.pool,
                bytes: Bytes(bytes),
                outstanding: case::last(&series.outstanding).unwrap_or(0),
            }];
            evidence.extend(peer_fact(case, series));
            Diagnosis {
                verdict: Verdict::HighUse,
                pool: Some(series.pool),
                suspects: suspects::suspects_of_picture(case, series),
                evidence,
                tags: vec![list_tag(series, TagFinding::HighUse, None)],
                ..Diagnosis::default()
            }
        })
        .collect()
}

/// A pool that is much of the memory, told where pictures show no leak and no tag that fills it.
#[must_use]
pub fn high_use_pools(case: &CaseFile) -> Vec<Diagnosis> {
    let used = |pool: Pool| case.memory.of(pool).filter(|used| whole::is_large(case, used.0));
    let is_all = whole::is_picture(case) && !case.is_watched;
    let large = Pool::ALL.into_iter().filter(|pool| is_all && used(*pool).is_some());
    large
        .map(|pool| Diagnosis {
            verdict: Verdict::HighUse,
            pool: Some(pool),
            suspects: suspects::by_handles_alone(case).into_iter().collect(),
            evidence: whole::gaps(case),
            tags: largest_tags(case, pool)
                .into_iter()
                .map(|series| list_tag(series, TagFinding::Large, None))
                .collect(),
            ..Diagnosis::default()
        })
        .collect()
}

/// How a tag stands against its peers.
#[must_use]
pub fn peer_fact(case: &CaseFile, series: &TagSeries) -> Option<Evidence> {
    let peer = case.peers.iter().find(|p| p.tag == series.tag && p.pool == series.pool)?;
    Some(Evidence::PeerUse {
        tag: series.tag,
        pool: series.pool,
        bytes: Bytes(case::last(&series.bytes)?),
        median: Bytes(peer.median),
        peers: peer.hosts,
    })
}

fn is_high(case: &CaseFile, series: &TagSeries, level: u64) -> bool {
    let peer = case.peers.iter().find(|p| p.tag == series.tag && p.pool == series.pool);
    is_far_above(series.tag, series.pool, level, &case.memory, peer)
}

/// Whether a tag uses far more than is usual: than its peers, or where these are few, than the memory
/// of the host lets expect. Says nothing about whether it grows.
#[must_use]
pub fn is_far_above(
    tag: PoolTag,
    pool: Pool,
    bytes: u64,
    memory: &Memory,
    peer: Option<&Peer>,
) -> bool {
    let is_usual_cache = facts::tag_facts(tag).cache
        && memory.physical.is_none_or(|all| Bytes(bytes).share_of(all) < NO_CACHE);
    if bytes < LEAST || is_usual_cache {
        return false;
    }
    match peer {
        Some(peer) if peer.hosts >= LEAST_PEERS => bytes >= peer.median.saturating_mul(TIMES_PEERS),
        _ => {
            let share = |whole: Option<Bytes>| whole.map_or(0.0, |w| Bytes(bytes).share_of(w));
            share(memory.physical) >= OF_MEMORY && share(memory.of(pool)) >= OF_POOL
        }
    }
}

/// The level at which a tag holds still, by its low points: what is above them comes and goes.
fn still_level(case: &CaseFile, series: &TagSeries) -> Option<u64> {
    let troughs = troughs::hourly(&case.axis, &series.bytes);
    let boot = troughs.last().map(|trough| trough.boot);
    let run = troughs.iter().rev().take_while(|trough| Some(trough.boot) == boot);
    let (count, least, most) =
        run.take(LATEST_HOURS).fold((0, u64::MAX, 0), |(count, least, most), trough| {
            (count + 1, least.min(trough.value), most.max(trough.value))
        });
    (count >= LEAST_HOURS && (most - least) as f64 <= STILL * most as f64).then_some(least)
}

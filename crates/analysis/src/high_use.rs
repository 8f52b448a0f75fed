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
    tag_list::list_tag,
    trend::LEAST_PEERS,
    troughs,
};

/// Less is nothing to speak of.
pub const LEAST: u64 = 256 << 20;
/// Above peers: this many times their median.
const TIMES_PEERS: u64 = 4;
/// Without peers: this share of physical memory and of the pool.
const OF_MEMORY: f64 = 0.05;
const OF_POOL: f64 = 0.4;
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
        .filter(|series| is_high(case, series) && is_still(case, series))
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

fn is_high(case: &CaseFile, series: &TagSeries) -> bool {
    let peer = case.peers.iter().find(|p| p.tag == series.tag && p.pool == series.pool);
    let bytes = case::last(&series.bytes).unwrap_or(0);
    is_far_above(series.tag, series.pool, bytes, &case.memory, peer)
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
    if bytes < LEAST || facts::tag_facts(tag).cache {
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

fn is_still(case: &CaseFile, series: &TagSeries) -> bool {
    let troughs = troughs::hourly(&case.axis, &series.bytes);
    let boot = troughs.last().map(|trough| trough.boot);
    let run = troughs.iter().rev().take_while(|trough| Some(trough.boot) == boot);
    let (count, least, most) =
        run.take(LATEST_HOURS).fold((0, u64::MAX, 0), |(count, least, most), trough| {
            (count + 1, least.min(trough.value), most.max(trough.value))
        });
    count >= LEAST_HOURS && (most - least) as f64 <= STILL * most as f64
}

//! Peers: what hosts like this one use by the same tags, as far as they hold still. A host that grows
//! is no peer, or a leak on all hosts would hide itself.

use std::cmp::Reverse;

use poolwatch_analysis::case::{self, Peer};
use poolwatch_model::{HostId, Pool, PoolTag, history::TagSeries, host::HostFacts};

use crate::{
    bounds::{PEER_LEAST, PEER_TAGS, PEERS, PEERS_LOOKED_AT, PEERS_OF_GROUP, STILL},
    history::{Fleet, FleetHost, TagUseOverDay},
};

/// Peers' use of the larger tags of a host.
#[must_use]
pub fn peer_usage(
    fleet: &impl Fleet,
    host: HostId,
    facts: &HostFacts,
    tags: &[TagSeries],
) -> Vec<Peer> {
    let mut tags: Vec<(u64, PoolTag, Pool)> = tags
        .iter()
        .filter_map(|series| Some((case::last(&series.bytes)?, series.tag, series.pool)))
        .filter(|(bytes, ..)| *bytes >= PEER_LEAST)
        .collect();
    tags.sort_unstable_by_key(|(bytes, ..)| Reverse(*bytes));
    tags.truncate(PEER_TAGS);
    if tags.is_empty() {
        return Vec::new();
    }
    let peers = peers_of_host(fleet, host, facts);
    tags.into_iter().filter_map(|(_, tag, pool)| median_usage(fleet, &peers, tag, pool)).collect()
}

fn median_usage(fleet: &impl Fleet, peers: &[HostId], tag: PoolTag, pool: Pool) -> Option<Peer> {
    let uses = peers.iter().filter_map(|peer| fleet.use_over_day(*peer, tag, pool));
    let mut still: Vec<u64> = uses.filter(is_still).map(|now| now.bytes).collect();
    let hosts = u32::try_from(still.len()).ok().filter(|hosts| *hosts > 0)?;
    let middle = still.len() / 2;
    let (_, median, _) = still.select_nth_unstable(middle);
    Some(Peer { tag, pool, median: *median, hosts })
}

/// Hosts of the same build, and of the same group when there are enough of them.
fn peers_of_host(fleet: &impl Fleet, host: HostId, facts: &HostFacts) -> Vec<HostId> {
    let after = fleet.hosts().skip_while(|one| one.id <= host);
    let before = fleet.hosts().take_while(|one| one.id < host);
    let group = fleet.group(facts);
    let (mut of_group, mut of_build) = (Vec::new(), Vec::new());
    let alike = |one: &FleetHost<'_>| is_alike(one.facts, facts);
    for one in after.chain(before).take(PEERS_LOOKED_AT).filter(alike) {
        if group.is_some() && fleet.group(one.facts) == group {
            of_group.push(one.id);
            if of_group.len() == PEERS {
                break;
            }
        }
        if of_build.len() < PEERS {
            of_build.push(one.id);
        }
    }
    if of_group.len() >= PEERS_OF_GROUP { of_group } else { of_build }
}

fn is_alike(one: &HostFacts, other: &HostFacts) -> bool {
    let kind = |facts: &HostFacts| {
        facts.os.as_ref().map(|os| (os.build, os.arch, os.product.contains("Server")))
    };
    kind(one).is_some_and(|of| kind(other) == Some(of))
}

/// Whether it has held still for a day.
fn is_still(now: &TagUseOverDay) -> bool {
    let growth = now.growth.max(0).unsigned_abs();
    growth <= now.bytes.saturating_sub(growth) / STILL
}

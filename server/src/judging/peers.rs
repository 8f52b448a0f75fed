//! Peers: what hosts like this one use by the same tags, as far as they hold still. A host that
//! grows is no peer, or a leak on all hosts would hide itself.

use std::cmp::Reverse;

use poolwatch_analysis::{
    CaseFile,
    case::{self, Peer},
};
use poolwatch_model::{HostId, Pool, PoolTag, host::HostFacts};
use poolwatch_store::hosts::Host;
use poolwatch_web::words;

use crate::{
    app::App,
    fleet::{earlier::Window, host::LiveHost, view::FleetView},
};

/// So many peers are enough to tell what is usual.
const PEERS: usize = 200;
/// Fewer of the same group say too little: then every host of the same build is a peer.
const OF_GROUP: usize = 8;
/// Hosts that are looked at for them, the nearest by number.
const LOOKED_AT: usize = 5_000;
/// Tags that are compared, the largest, and the least of them.
const TAGS: usize = 64;
const LEAST: u64 = 10 << 20;
/// Holding still: growth over a day is at most this part of what was used before.
const STILL: u64 = 50;

/// Peers' use of the larger tags of a case.
#[must_use]
pub fn of(app: &App, host: &Host, case: &CaseFile) -> Vec<Peer> {
    let mut tags: Vec<(u64, PoolTag, Pool)> = case
        .tags
        .iter()
        .filter_map(|series| Some((case::last(&series.bytes)?, series.tag, series.pool)))
        .filter(|(bytes, ..)| *bytes >= LEAST)
        .collect();
    tags.sort_unstable_by_key(|(bytes, ..)| Reverse(*bytes));
    tags.truncate(TAGS);
    if tags.is_empty() {
        return Vec::new();
    }
    let mut uses: Vec<Vec<u64>> = vec![Vec::new(); tags.len()];
    let view = app.fleet.view();
    for live in like(&view, host).into_iter().filter_map(|id| app.fleet.known(id)) {
        for (uses, (_, tag, pool)) in uses.iter_mut().zip(&tags) {
            uses.extend(still(&live, *tag, *pool));
        }
    }
    let peer = |(mut uses, (_, tag, pool)): (Vec<u64>, (u64, PoolTag, Pool))| {
        let hosts = u32::try_from(uses.len()).ok()?;
        let middle = uses.len() / 2;
        (hosts > 0).then(|| {
            let (_, median, _) = uses.select_nth_unstable(middle);
            Peer { tag, pool, median: *median, hosts }
        })
    };
    uses.into_iter().zip(tags).filter_map(peer).collect()
}

/// Hosts of the same build, and of the same group when there are enough of them.
fn like(view: &FleetView, host: &Host) -> Vec<HostId> {
    let hosts = &view.hosts;
    let own = hosts.iter().position(|one| one.host.id == host.id).unwrap_or(0);
    let (after, before) = (hosts.iter().skip(own + 1), hosts.iter().take(own));
    let group = words::group(&host.facts);
    let (mut of_group, mut of_build) = (Vec::new(), Vec::new());
    for one in after.chain(before).take(LOOKED_AT) {
        if !is_alike(&one.host.facts, &host.facts) {
            continue;
        }
        if group.is_some() && words::group(&one.host.facts) == group {
            of_group.push(one.host.id);
            if of_group.len() == PEERS {
                break;
            }
        }
        if of_build.len() < PEERS {
            of_build.push(one.host.id);
        }
    }
    if of_group.len() >= OF_GROUP { of_group } else { of_build }
}

fn is_alike(one: &HostFacts, other: &HostFacts) -> bool {
    let kind = |facts: &HostFacts| {
        facts.os.as_ref().map(|os| (os.build, os.arch, os.product.contains("Server")))
    };
    kind(one).is_some_and(|of| kind(other) == Some(of))
}

/// What a host uses by a tag, if it has held still for a day.
fn still(live: &LiveHost, tag: PoolTag, pool: Pool) -> Option<u64> {
    let state = live.read();
    let cell = state.tables()?.tags.as_ref()?.get(tag, pool)?;
    let bytes = cell.counters.bytes;
    let growth = cell.then[Window::Day as usize].growth_to(bytes)?;
    let most = bytes.saturating_sub(growth.max(0).unsigned_abs()) / STILL;
    (growth <= 0 || growth.unsigned_abs() <= most).then_some(bytes)
}

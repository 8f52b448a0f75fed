//! Earlier tags of hosts that were not watched for long: what grew before the first look shows by
//! them at once. They are read by blocks of hosts, and one by one for the few that no block tells of.

use std::{cmp::Reverse, collections::BTreeMap};

use jiff::Timestamp;
use poolwatch_model::{HostId, Pool, PoolTag};

use super::Schedule;
use crate::bounds::{SEED_AGAIN_AFTER, SEED_BACK, SEED_BLOCK_LEAST, SEED_BLOCKS, SEEDS_ONE_BY_ONE};

/// How far a host's earlier tags are known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Seed {
    /// It was not screened yet.
    #[default]
    Unscreened,
    /// They are wanted.
    Wanted,
    /// No block tells them.
    NotInBlock,
    /// They could not be read; from this time on they are asked for again.
    Failed(Timestamp),
    /// They are taken in, or there are none.
    Done,
}

impl Seed {
    /// Notes that the host is screened, so long after its start.
    pub(super) fn want(&mut self, uptime_s: u64) {
        if *self == Self::Unscreened {
            // What Windows used before its start says nothing.
            let is_old = uptime_s >= SEED_BACK.as_secs().unsigned_abs();
            *self = if is_old { Self::Wanted } else { Self::Done };
        }
    }
}

impl Schedule {
    /// The blocks of hosts whose earlier tags are read in this turn, those that most hosts wait for
    /// first: hosts that screening began with, by the block that `block_of` tells. Those of which a
    /// block tells nothing are asked for by [`Schedule::hosts_to_seed`] afterwards.
    pub fn blocks_to_seed(&mut self, block_of: impl Fn(HostId) -> i32) -> Vec<(i32, Vec<HostId>)> {
        let mut blocks: BTreeMap<i32, Vec<HostId>> = BTreeMap::new();
        for (id, watched) in &self.hosts {
            if watched.seed == Seed::Wanted {
                blocks.entry(block_of(*id)).or_default().push(*id);
            }
        }
        let (mut large, small): (Vec<_>, Vec<_>) =
            blocks.into_iter().partition(|(_, hosts)| hosts.len() >= SEED_BLOCK_LEAST);
        large.sort_by_key(|(_, hosts)| Reverse(hosts.len()));
        large.truncate(SEED_BLOCKS);
        let asked = large.iter().chain(&small).flat_map(|(_, hosts)| hosts);
        for id in asked {
            if let Some(watched) = self.hosts.get_mut(id) {
                watched.seed = Seed::NotInBlock;
            }
        }
        large
    }

    /// The hosts whose earlier tags are read one by one in this turn.
    #[must_use]
    pub fn hosts_to_seed(&self, now: Timestamp) -> Vec<HostId> {
        let mut due: Vec<(Option<Timestamp>, HostId)> = self
            .hosts
            .iter()
            .filter_map(|(id, watched)| match watched.seed {
                Seed::NotInBlock => Some((None, *id)),
                Seed::Failed(again) if again <= now => Some((Some(again), *id)),
                _ => None,
            })
            .collect();
        due.sort_unstable();
        due.truncate(SEEDS_ONE_BY_ONE);
        due.into_iter().map(|(_, id)| id).collect()
    }

    /// Takes in the earlier tags of a host, measured at `at` of a run of Windows that began at
    /// `booted`: `earlier` tells the bytes of a tag then, where they are known.
    pub fn seed_host(
        &mut self,
        host: HostId,
        (booted, at): (Timestamp, Timestamp),
        earlier: impl Fn(PoolTag, Pool) -> Option<u64>,
    ) {
        let Some(watched) = self.hosts.get_mut(&host) else { return };
        watched.seed = Seed::Done;
        if booted <= at {
            watched.screen.seed(earlier);
            // What that shows is looked at with the next table.
            watched.screened = None;
        }
    }

    /// Notes that nothing is known of a host's earlier tags.
    pub fn note_unseeded(&mut self, host: HostId) {
        if let Some(watched) = self.hosts.get_mut(&host) {
            watched.seed = Seed::Done;
        }
    }

    /// Notes that a host's earlier tags could not be read.
    pub fn note_seed_failed(&mut self, host: HostId, now: Timestamp) {
        if let Some(watched) = self.hosts.get_mut(&host) {
            watched.seed = Seed::Failed(now.saturating_add(SEED_AGAIN_AFTER).unwrap_or(now));
        }
    }
}

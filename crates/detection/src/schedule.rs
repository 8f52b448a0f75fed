//! Whose turn it is: every host is screened within ten minutes, and those that give cause are
//! diagnosed, the longest waiting first. No host waits behind others that take nothing.

mod seeds;
mod watched;

use std::collections::{HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};
use poolwatch_analysis::case::Peer;
use poolwatch_model::{
    HostId, Pool, PoolTag,
    diagnosis::{Diagnosis, Verdict},
    memory::Memory,
    tag::TagTable,
};

use crate::{
    bounds::{DIAGNOSES, SCREENED_AT_LEAST, SCREENED_EVERY, SOON_S, TURNS_OF_SCREENING},
    case::{HostDiagnosis, Look, is_wrong},
};
use watched::Watched;

/// What is remembered of every host between turns.
#[derive(Debug, Default)]
pub struct Schedule {
    hosts: HashMap<HostId, Watched>,
}

/// A host as a turn begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TurnHost {
    /// Which.
    pub id: HostId,
    /// Whether its tags are at hand.
    pub has_tags: bool,
    /// Whether it is part of an incident that is not resolved.
    pub has_incident: bool,
    /// Whether something happened to it that no screening sees.
    pub has_news: bool,
}

/// A host as it is screened.
#[derive(Debug, Clone, Copy)]
pub struct HostLook<'a> {
    /// Which.
    pub id: HostId,
    /// How long Windows had run, seconds.
    pub uptime_s: u64,
    /// Its tags.
    pub tags: &'a TagTable,
    /// Its system-wide figures.
    pub memory: &'a Memory,
    /// The most handles that one program has, the kernel's own process left out.
    pub most_handles: Option<u32>,
}

impl Schedule {
    /// Begins a turn: the hosts that are screened in it, the longest waiting first. Hosts that are not
    /// among `hosts` are forgotten.
    pub fn begin_turn(&mut self, hosts: &[TurnHost], now: Timestamp) -> Vec<HostId> {
        let known: HashSet<HostId> = hosts.iter().map(|host| host.id).collect();
        self.hosts.retain(|id, _| known.contains(id));
        let mut due: Vec<(Option<Timestamp>, HostId)> = Vec::new();
        for host in hosts {
            let watched = self.hosts.entry(host.id).or_default();
            watched.has_incident = host.has_incident;
            watched.has_news |= host.has_news;
            watched.note_cause(now);
            let is_due = |at: Timestamp| now.duration_since(at) >= SCREENED_EVERY;
            if host.has_tags && watched.screened.is_none_or(is_due) {
                due.push((watched.screened, host.id));
            }
        }
        due.sort_unstable();
        due.truncate(hosts.len().div_ceil(TURNS_OF_SCREENING).max(SCREENED_AT_LEAST));
        due.into_iter().map(|(_, id)| id).collect()
    }

    /// Screens a host. `usual` tells what the fleet uses by a tag.
    pub fn screen_host(
        &mut self,
        look: &HostLook<'_>,
        usual: impl Fn(PoolTag, Pool) -> Option<Peer>,
        now: Timestamp,
    ) {
        self.hosts.entry(look.id).or_default().screen(look, usual, now);
    }

    /// The hosts that are diagnosed in this turn, the longest due first.
    #[must_use]
    pub fn hosts_to_diagnose(&self, now: Timestamp) -> Vec<(HostId, Look)> {
        let due = self.hosts.iter().filter_map(|(id, watched)| {
            let since = watched.due_since(now)?;
            Some((since, *id))
        });
        let mut due: Vec<(Timestamp, HostId)> = due.collect();
        due.sort_unstable();
        due.truncate(DIAGNOSES);
        let look = |id| self.hosts.get(&id).map(|watched| watched.look(now)).unwrap_or_default();
        due.into_iter().map(|(_, id)| (id, look(id))).collect()
    }

    /// How long the host has been due that waits longest for its diagnosis.
    #[must_use]
    pub fn longest_wait(&self, now: Timestamp) -> SignedDuration {
        let waits = self.hosts.values().filter_map(|watched| watched.due_since(now));
        waits.map(|since| now.duration_since(since)).max().unwrap_or_default()
    }

    /// Notes that a host was diagnosed, and what was found; `None` when that failed.
    pub fn note_diagnosed(
        &mut self,
        host: HostId,
        diagnosis: Option<&HostDiagnosis>,
        now: Timestamp,
    ) {
        let Some(watched) = self.hosts.get_mut(&host) else { return };
        let found = diagnosis.into_iter().flat_map(|found| &found.diagnoses);
        let wrong: Vec<&Diagnosis> = found.filter(|one| is_wrong(one)).collect();
        let is_urgent = wrong.iter().any(|one| {
            one.verdict == Verdict::CommitExhaustion
                || one.left_s().is_some_and(|left_s| left_s < SOON_S)
        });
        let is_glance = diagnosis.is_some_and(|found| found.is_glance);
        watched.note_diagnosed(!wrong.is_empty(), is_urgent, is_glance, now);
    }

    /// Bytes that are remembered of a host between turns.
    #[must_use]
    pub fn state_bytes(&self, host: HostId) -> usize {
        self.hosts.get(&host).map_or(0, Watched::state_bytes)
    }
}

//! A walk over all hosts: what cannot be kept up by differences alone. It is made as often as it
//! costs no more than a small part of one processor; it holds no lock but one host's at a time.

use std::sync::Arc;

use jiff::Timestamp;
use poolwatch_model::{HostId, Pool};

use super::{
    Fleet,
    applications::{Application, Past, Tally},
    interner::NameId,
    top_k::TopK,
    totals::TagId,
};

/// What sweeps remember between each other.
#[derive(Debug, Default)]
pub struct FleetSweeper {
    past: Past,
    latest: Arc<Sweep>,
}

/// What a sweep found.
#[derive(Debug, Default)]
pub struct Sweep {
    /// When.
    pub at: Option<Timestamp>,
    /// The hosts that use most of each tag.
    pub(super) tops: TopHosts,
    /// Every program, by image name.
    pub applications: Vec<Application>,
    /// Bytes of the tables of all hosts.
    pub table_bytes: usize,
    /// Hosts whose tables are in memory.
    pub hosts_at_hand: usize,
}

/// The hosts that use most of each tag.
#[derive(Debug, Default)]
pub(super) struct TopHosts {
    /// By the tag's number, then pool.
    rows: Vec<[TopK; 2]>,
    /// What a host has to exceed to be among them: small enough to stay near the processor, since
    /// nearly all of some million offers fail here.
    floors: Vec<[u64; 2]>,
}

impl TopHosts {
    fn new(tags: usize) -> Self {
        Self { rows: vec![<[TopK; 2]>::default(); tags], floors: vec![[0; 2]; tags] }
    }

    fn offer(&mut self, id: TagId, pool: Pool, host: HostId, bytes: u64) {
        // A tag that is newer than the sweep has to wait for the next.
        let Some(id) = id.index().filter(|id| *id < self.floors.len()) else { return };
        let floor = &mut self.floors[id][pool as usize];
        if bytes > *floor {
            let top = &mut self.rows[id][pool as usize];
            top.offer(host, bytes);
            *floor = top.floor();
        }
    }

    /// The hosts that use most of a tag, those first.
    pub(super) fn of(&self, id: TagId, pool: Pool) -> Vec<(HostId, u64)> {
        let row = id.index().and_then(|id| self.rows.get(id));
        row.map(|row| row[pool as usize].list().to_vec()).unwrap_or_default()
    }
}

impl FleetSweeper {
    /// The latest sweep.
    #[must_use]
    pub fn latest(&self) -> Arc<Sweep> {
        self.latest.clone()
    }

    /// Walks over all hosts.
    pub fn run(&mut self, fleet: &Fleet, now: Timestamp) {
        let shared = fleet.shared();
        shared.totals.begin_sweep();
        shared.names.begin_sweep();
        let mut tops = TopHosts::new(shared.totals.len());
        let mut tally = Tally::default();
        let mut used_names = vec![false; shared.names.numbers()];
        let mut use_name = |name: NameId| {
            if let Some(used) = used_names.get_mut(name.index()) {
                *used = true;
            }
        };
        let (mut table_bytes, mut hosts_at_hand) = (0, 0);
        for live in fleet.all() {
            let state = live.read();
            let Some(tables) = state.tables() else { continue };
            hosts_at_hand += 1;
            table_bytes += tables.bytes();
            if let Some(tags) = &tables.tags {
                for pool in Pool::ALL {
                    for (id, bytes) in tags.bytes(pool) {
                        tops.offer(id, pool, live.id, bytes);
                    }
                }
            }
            if let Some(processes) = &tables.processes {
                processes.names().for_each(&mut use_name);
                tally.add(live.id, processes);
            }
            if let Some(types) = &tables.object_types {
                types.names().for_each(&mut use_name);
            }
            tables.handle_types.names().for_each(&mut use_name);
        }
        let applications = tally.finish(&shared.names, &mut self.past, now);
        shared.names.end_sweep(&used_names);
        let at = Some(now);
        let sweep = Sweep { at, tops, applications, table_bytes, hosts_at_hand };
        self.latest = Arc::new(sweep);
    }
}

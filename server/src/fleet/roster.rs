//! Who there is, and each host's summary of the last view, made anew only when something changed.

use std::{collections::HashMap, sync::Arc};

use jiff::Timestamp;
use poolwatch_analysis::ceilings;
use poolwatch_model::{HostId, Pool};
use poolwatch_store::{
    StoreError,
    hosts::{self, Host},
};
use sqlx::PgConnection;

use super::{Fleet, host::State, hours, interner::StringInterner, view::HostSummary};

/// Hosts asked for at once.
const PAGE: i64 = 5_000;

/// Who there is, kept between views.
#[derive(Debug, Default)]
pub struct Roster {
    /// By id.
    listed: Vec<Listed>,
    loaded: bool,
}

#[derive(Debug)]
struct Listed {
    host: Arc<Host>,
    made: Option<(MadeOf, Arc<HostSummary>)>,
}

/// Two summaries that one host's record and the same of these make are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct MadeOf {
    version: u64,
    hour: u32,
    trouble: HostTrouble,
}

/// What is known to be wrong with a host beyond what it tells itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HostTrouble {
    /// Its open incident, by place.
    pub incident: Option<usize>,
    /// How long it has left, seconds.
    pub left_s: Option<u64>,
}

/// Which hosts have to be asked for again.
#[derive(Debug, Default)]
pub enum Changed {
    /// None.
    #[default]
    None,
    /// These.
    Some(Vec<HostId>),
    /// Any.
    All,
}

impl Roster {
    /// Asks the database who there is, where that changed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn update(
        &mut self,
        db: &mut PgConnection,
        fleet: &Fleet,
        changed: Changed,
    ) -> Result<(), StoreError> {
        match changed {
            Changed::None if self.loaded => Ok(()),
            Changed::Some(ids) if self.loaded => {
                for id in ids {
                    let found = hosts::find(db, id).await?;
                    self.put(fleet, id, found);
                }
                Ok(())
            }
            _ => self.load(db, fleet).await,
        }
    }

    /// The ids of all hosts, ascending.
    pub fn ids(&self) -> impl Iterator<Item = HostId> + '_ {
        self.listed.iter().map(|listed| listed.host.id)
    }

    /// Every host in short, by id. `trouble` tells what is wrong with some of them.
    pub fn summaries(
        &mut self,
        fleet: &Fleet,
        trouble: &HashMap<HostId, HostTrouble>,
        suggested_s: u32,
        now: Timestamp,
    ) -> Vec<Arc<HostSummary>> {
        let names = &fleet.shared().names;
        let hour = hours::number(now);
        let summaries = self.listed.iter_mut().map(|listed| {
            let id = listed.host.id;
            let live = fleet.ensure_host(id);
            let state = live.read();
            let trouble = trouble.get(&id).copied().unwrap_or_default();
            let made_of = MadeOf { version: state.version(), hour, trouble };
            match &listed.made {
                Some((before, summary)) if *before == made_of => summary.clone(),
                _ => {
                    let host = listed.host.clone();
                    let summary =
                        Arc::new(summary(host, &state, names, trouble, (suggested_s, now)));
                    listed.made = Some((made_of, summary.clone()));
                    summary
                }
            }
        });
        summaries.collect()
    }

    async fn load(&mut self, db: &mut PgConnection, fleet: &Fleet) -> Result<(), StoreError> {
        let mut known: HashMap<HostId, Listed> = std::mem::take(&mut self.listed)
            .into_iter()
            .map(|listed| (listed.host.id, listed))
            .collect();
        // A failure half-way leaves fewer hosts than there are: then all is loaded again.
        self.loaded = false;
        loop {
            let after = self.listed.last().map_or(HostId(0), |listed| listed.host.id);
            let page = hosts::page(db, after, PAGE).await?;
            if page.is_empty() {
                break;
            }
            self.listed.extend(page.into_iter().map(|host| {
                let same = known.remove(&host.id).filter(|known| *known.host == host);
                same.unwrap_or_else(|| Listed { host: Arc::new(host), made: None })
            }));
        }
        for id in known.into_keys().filter(|id| self.place(*id).is_err()) {
            fleet.forget(id);
        }
        self.loaded = true;
        Ok(())
    }

    fn put(&mut self, fleet: &Fleet, id: HostId, found: Option<Host>) {
        let found = found.map(|host| Listed { host: Arc::new(host), made: None });
        match (self.place(id), found) {
            (Ok(at), Some(listed)) => self.listed[at] = listed,
            (Err(at), Some(listed)) => self.listed.insert(at, listed),
            (Ok(at), None) => {
                self.listed.remove(at);
                fleet.forget(id);
            }
            (Err(_), None) => {}
        }
    }

    fn place(&self, id: HostId) -> Result<usize, usize> {
        self.listed.binary_search_by_key(&id, |listed| listed.host.id)
    }
}

/// A host in short. `suggested_s` is the interval that the server suggests.
#[must_use]
pub fn summary(
    host: Arc<Host>,
    state: &State,
    names: &StringInterner,
    trouble: HostTrouble,
    (suggested_s, now): (u32, Timestamp),
) -> HostSummary {
    let processes = state.tables().and_then(|tables| tables.processes.as_ref());
    let top = processes.and_then(|processes| processes.cells().max_by_key(|one| one.handles));
    let os = host.facts.os.as_ref();
    let mut memory = state.memory.clone();
    memory.physical = memory.physical.or(host.facts.physical);
    HostSummary {
        nonpaged_ceiling: ceilings::pool_ceiling(&memory, os, Pool::Nonpaged),
        paged_ceiling: ceilings::pool_ceiling(&memory, os, Pool::Paged),
        booted_at: state.booted_at,
        at: state.at,
        received: state.received,
        stale: state.stale,
        is_capped: state.is_capped(),
        interval_s: state.interval.seconds().unwrap_or(suggested_s),
        nonpaged_trend: state.trend(Pool::Nonpaged, now, 24),
        paged_trend: state.trend(Pool::Paged, now, 24),
        top_process: top
            .and_then(|one| Some(((*names.get(one.image)).to_owned(), one.pid, one.handles?))),
        host,
        memory,
        incident: trouble.incident,
        left_s: trouble.left_s,
    }
}

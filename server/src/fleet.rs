//! What is known of every host now, in memory: the latest tables by columns, the sums by tag that
//! uploads keep up, and the view of the fleet that is made of both away from requests.

pub mod baseline;
pub mod column;
pub mod earlier;
pub mod growing;
pub mod host;
pub mod hours;
pub mod load;
pub mod names;
pub mod object_types;
pub mod places;
pub mod processes;
pub mod refresh;
pub mod roster;
pub mod rounded;
pub mod spread;
pub mod tables;
pub mod tags;
pub mod totals;
pub mod view;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use host::LiveHost;
use poolwatch_model::HostId;
use roster::Changed;
use tables::Shared;
use view::FleetView;

/// So many changed hosts are asked for one by one; with more, all are.
const CHANGED_ONE_BY_ONE: usize = 200;

/// Every host that was heard of.
#[derive(Debug, Default)]
pub struct Fleet {
    hosts: RwLock<HashMap<HostId, Arc<LiveHost>>>,
    shared: Arc<Shared>,
    view: RwLock<Arc<FleetView>>,
    changed: Mutex<Changed>,
}

impl Fleet {
    /// What is known of a host; nothing yet for one that is new.
    #[must_use]
    pub fn host(&self, id: HostId) -> Arc<LiveHost> {
        if let Some(host) = self.known(id) {
            return host;
        }
        let mut hosts = self.hosts.write().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(LiveHost::new(id, self.shared.clone()));
        hosts.entry(id).or_insert_with(new).clone()
    }

    /// What is known of a host, if anything.
    #[must_use]
    pub fn known(&self, id: HostId) -> Option<Arc<LiveHost>> {
        let hosts = self.hosts.read().unwrap_or_else(PoisonError::into_inner);
        hosts.get(&id).cloned()
    }

    /// Every host that anything is known of, by id.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<LiveHost>> {
        let hosts = self.hosts.read().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<Arc<LiveHost>> = hosts.values().cloned().collect();
        drop(hosts);
        all.sort_unstable_by_key(|host| host.id);
        all
    }

    /// Forgets a host that was retired: it counts no more.
    pub fn forget(&self, id: HostId) {
        let host = self.hosts.write().unwrap_or_else(PoisonError::into_inner).remove(&id);
        host.iter().for_each(|host| host.let_go());
    }

    /// What all hosts share: names, and the sums by tag.
    #[must_use]
    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// The newest view of the whole fleet.
    #[must_use]
    pub fn view(&self) -> Arc<FleetView> {
        self.view.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Publishes a new view.
    pub fn publish(&self, view: FleetView) {
        let mut current = self.view.write().unwrap_or_else(PoisonError::into_inner);
        *current = Arc::new(view);
    }

    /// Notes that hosts came, went or told something new about themselves: the next view asks the
    /// database who there is.
    pub fn note_change(&self) {
        *self.changed.lock().unwrap_or_else(PoisonError::into_inner) = Changed::All;
    }

    /// Notes that one host came, went or told something new about itself.
    pub fn note_change_of(&self, id: HostId) {
        let mut changed = self.changed.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *changed {
            Changed::None => *changed = Changed::Some(vec![id]),
            Changed::Some(ids) if ids.len() < CHANGED_ONE_BY_ONE => {
                if !ids.contains(&id) {
                    ids.push(id);
                }
            }
            Changed::Some(_) => *changed = Changed::All,
            Changed::All => {}
        }
    }

    fn take_changed(&self) -> Changed {
        std::mem::take(&mut *self.changed.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

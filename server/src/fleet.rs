//! What is known of every host now, in memory: the latest snapshots, and the views of the fleet
//! that are made of them away from requests.

pub mod baseline;
pub mod growing;
pub mod host;
pub mod load;
pub mod view;

use std::{
    collections::HashMap,
    sync::{
        Arc, RwLock,
        atomic::{AtomicBool, Ordering},
    },
};

use host::LiveHost;
use poolwatch_model::HostId;
use view::FleetView;

/// Every host that was heard of.
#[derive(Debug, Default)]
pub struct Fleet {
    hosts: RwLock<HashMap<HostId, Arc<LiveHost>>>,
    view: RwLock<Arc<FleetView>>,
    changed: AtomicBool,
}

impl Fleet {
    /// What is known of a host; nothing yet for one that is new.
    #[must_use]
    pub fn host(&self, id: HostId) -> Arc<LiveHost> {
        if let Some(host) = self.known(id) {
            return host;
        }
        let mut hosts = self.hosts.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        hosts.entry(id).or_insert_with(|| Arc::new(LiveHost::new(id))).clone()
    }

    /// What is known of a host, if anything.
    #[must_use]
    pub fn known(&self, id: HostId) -> Option<Arc<LiveHost>> {
        let hosts = self.hosts.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        hosts.get(&id).cloned()
    }

    /// The newest view of the whole fleet.
    #[must_use]
    pub fn view(&self) -> Arc<FleetView> {
        self.view.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// Publishes a new view.
    pub fn publish(&self, view: FleetView) {
        let mut current = self.view.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        *current = Arc::new(view);
    }

    /// Notes that a host came, went or told something new about itself: the next view asks the
    /// database who there is.
    pub fn note_change(&self) {
        self.changed.store(true, Ordering::Relaxed);
    }

    fn take_change(&self) -> bool {
        self.changed.swap(false, Ordering::Relaxed)
    }
}

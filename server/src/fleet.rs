//! What is known of every host now, in memory: the latest tables by columns, the sums by tag that
//! uploads keep up, and the view of the fleet that is made of both away from requests.

pub mod allowance;
pub mod applications;
pub mod baselines;
pub mod by_tag;
pub mod column;
pub mod delays;
pub mod drivers;
pub mod earlier_bytes;
pub mod groups;
pub mod growing;
pub mod handle_types;
pub mod host;
pub mod hours;
pub mod interner;
pub mod interval;
pub mod load;
pub mod load_baselines;
pub mod narrow;
pub mod object_types;
pub mod processes;
pub mod program_by_host;
pub mod quantile_sketch;
pub mod rank_bitmap;
pub mod ranking;
pub mod refresh;
pub mod release_silent;
pub mod roster;
pub mod rounded;
pub mod scan_requests;
pub mod sweep;
pub mod tables;
pub mod tag_by_host;
pub mod tag_texts;
pub mod tags;
pub mod top_k;
pub mod totals;
pub mod view;
pub mod visible;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use drivers::Drivers;
use groups::Groups;
use host::LiveHost;
use poolwatch_model::HostId;
use poolwatch_store::inventories::FleetChange;
use roster::Changed;
use scan_requests::ScanRequests;
use tables::Shared;
use tag_by_host::FollowedTags;
use tokio::sync::Semaphore;
use view::FleetView;
use visible::ScopedViews;

use crate::rate_limiter::RateLimiter;

/// So many changed hosts are asked for one by one; with more, all are.
const CHANGED_ONE_BY_ONE: usize = 200;

/// A look costs the database some milliseconds: more at once would starve the writer.
const LOOKUPS: usize = 3;

/// Every host that was heard of.
#[derive(Debug)]
pub struct Fleet {
    hosts: RwLock<HashMap<HostId, Arc<LiveHost>>>,
    shared: Arc<Shared>,
    view: RwLock<Arc<FleetView>>,
    drivers: RwLock<Arc<Drivers>>,
    driver_changes: RwLock<Arc<Vec<FleetChange>>>,
    groups: Groups,
    scoped_views: ScopedViews,
    followed: FollowedTags,
    changed: Mutex<Changed>,
    changed_inventories: Mutex<Vec<HostId>>,
    /// Who was asked to scan which driver's file.
    pub scan_requests: ScanRequests,
    /// How many hosts are asked for key frames at once.
    pub key_requests: RateLimiter,
    /// Hosts whose tables uploads look for in the database at one time.
    pub lookup_permits: Semaphore,
}

impl Default for Fleet {
    fn default() -> Self {
        Self {
            hosts: RwLock::default(),
            shared: Arc::default(),
            view: RwLock::default(),
            drivers: RwLock::default(),
            driver_changes: RwLock::default(),
            groups: Groups::default(),
            scoped_views: ScopedViews::default(),
            followed: FollowedTags::default(),
            changed: Mutex::default(),
            changed_inventories: Mutex::default(),
            scan_requests: ScanRequests::default(),
            key_requests: RateLimiter::default(),
            lookup_permits: Semaphore::new(LOOKUPS),
        }
    }
}

impl Fleet {
    /// The place of a host that there is, made when nothing is known of it yet. Who only reads asks
    /// [`Fleet::known`]: an address that names no host must leave nothing behind.
    #[must_use]
    pub fn ensure_host(&self, id: HostId) -> Arc<LiveHost> {
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

    /// How many hosts anything is known of.
    #[must_use]
    pub fn len(&self) -> usize {
        self.hosts.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether nothing is known of any host.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Every host that anything is known of, by id.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<LiveHost>> {
        let mut all = self.in_any_order();
        all.sort_unstable_by_key(|host| host.id);
        all
    }

    fn in_any_order(&self) -> Vec<Arc<LiveHost>> {
        let hosts = self.hosts.read().unwrap_or_else(PoisonError::into_inner);
        hosts.values().cloned().collect()
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

    /// The drivers of all hosts.
    #[must_use]
    pub fn drivers(&self) -> Arc<Drivers> {
        self.drivers.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn publish_drivers(&self, drivers: Drivers) {
        let mut current = self.drivers.write().unwrap_or_else(PoisonError::into_inner);
        *current = Arc::new(drivers);
    }

    /// What changed among the drivers of all hosts in the last days, on most hosts first.
    #[must_use]
    pub fn driver_changes(&self) -> Arc<Vec<FleetChange>> {
        self.driver_changes.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn publish_driver_changes(&self, changes: Vec<FleetChange>) {
        let mut current = self.driver_changes.write().unwrap_or_else(PoisonError::into_inner);
        *current = Arc::new(changes);
    }

    /// Notes that a host sent another inventory.
    pub fn note_inventory_of(&self, id: HostId) {
        self.changed_inventories.lock().unwrap_or_else(PoisonError::into_inner).push(id);
    }

    fn take_changed_inventories(&self) -> Vec<HostId> {
        let mut changed = self.changed_inventories.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *changed)
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

//! Keys of hosts: `pwh_<host id>_<64 hexadecimal digits>`.

use std::{collections::HashMap, sync::RwLock};

use poolwatch_model::HostId;
use poolwatch_store::hosts::HostKey;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::shares::Shares;

/// Keys kept in memory at most.
const CACHED: usize = 200_000;

/// Keys that are looked for in the database at once: whoever shows one is looked for, and leaves the other
/// connections to those who are known.
const LOOKED_FOR: usize = 8;

/// Keys of hosts that uploaded lately, so that an upload needs no query.
#[derive(Debug)]
pub struct HostKeys {
    turns: Semaphore,
    keys: RwLock<HashMap<HostId, HostKey>>,
    /// Requests under way.
    pub(crate) under_way: Shares<HostId>,
}

impl Default for HostKeys {
    fn default() -> Self {
        let turns = Semaphore::new(LOOKED_FOR);
        Self { turns, keys: RwLock::default(), under_way: Shares::default() }
    }
}

impl HostKeys {
    /// A turn to look for a key, once it comes.
    pub(crate) async fn take_turn(&self) -> Option<SemaphorePermit<'_>> {
        self.turns.acquire().await.ok()
    }

    pub(crate) fn get(&self, id: HostId) -> Option<HostKey> {
        self.keys.read().ok()?.get(&id).cloned()
    }

    pub(crate) fn put(&self, key: &HostKey) {
        if let Ok(mut keys) = self.keys.write() {
            if keys.len() >= CACHED {
                keys.clear();
            }
            keys.insert(key.id, key.clone());
        }
    }

    /// Forgets a host's key: it got a new one, or its standing changed.
    pub fn forget(&self, id: HostId) {
        if let Ok(mut keys) = self.keys.write() {
            keys.remove(&id);
        }
    }
}

/// The text of a host's key.
#[must_use]
pub fn key_text(id: HostId, secret: &str) -> String {
    format!("pwh_{id}_{secret}")
}

//! Keys of hosts: `pwh_<host id>_<64 hexadecimal digits>`.

use std::{collections::HashMap, sync::RwLock};

use poolwatch_model::HostId;
use poolwatch_store::hosts::HostKey;

use crate::shares::Shares;

/// Keys kept in memory at most.
const CACHED: usize = 200_000;

/// Keys of hosts that uploaded lately, so that an upload needs no query.
#[derive(Debug, Default)]
pub struct HostKeys {
    keys: RwLock<HashMap<HostId, HostKey>>,
    /// Requests under way.
    pub(crate) under_way: Shares<HostId>,
}

impl HostKeys {
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

//! What was taken and what was acknowledged: what is stored is held against it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
};

use poolwatch_model::{BootId, HostId, Snapshot};

/// A frame, as its agent numbers it.
pub(crate) type FrameKey = (HostId, BootId, u64);

#[derive(Debug, Default)]
pub(crate) struct LedgerEntries {
    /// Every snapshot that was brought to an agent's disk.
    pub(crate) taken: BTreeMap<FrameKey, Snapshot>,
    /// Frames that were acknowledged, as they came.
    pub(crate) acknowledged: BTreeMap<FrameKey, Vec<u8>>,
    /// Why frames were refused.
    pub(crate) refused: BTreeMap<FrameKey, String>,
    /// Frames that agents dropped unsent, by host.
    pub(crate) dropped: BTreeMap<HostId, u64>,
    pub(crate) agent_kills: u64,
    pub(crate) server_kills: u64,
    pub(crate) lost_messages: u64,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Ledger(Arc<Mutex<LedgerEntries>>);

impl Ledger {
    pub(crate) fn entries(&self) -> MutexGuard<'_, LedgerEntries> {
        self.0.lock().unwrap()
    }
}

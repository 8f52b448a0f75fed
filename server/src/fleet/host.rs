//! One host as it is now.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use jiff::{SignedDuration, Timestamp};
use poolwatch_model::{BootId, Bytes, HostId, Pool, Snapshot, memory::Memory, tag::TagTable};
use poolwatch_protocol::v1::{Decoder, Envelope, FrameError, StampedSnapshot};
use poolwatch_store::{boots::Boot, frames::PoolHour};

/// Boots of a host whose anchors are kept at hand.
const BOOTS: usize = 16;
/// Hours of the pools that are kept at hand.
const HOURS: usize = 48;

/// One host as it is now.
#[derive(Debug)]
pub struct LiveHost {
    /// Which.
    pub id: HostId,
    /// What taking in its frames needs; locked for the length of an upload.
    pub ingest: tokio::sync::Mutex<Ingest>,
    state: RwLock<State>,
}

/// What taking in a host's frames needs.
#[derive(Debug, Default)]
pub struct Ingest {
    /// Its latest boots with their anchors.
    pub boots: HashMap<BootId, Boot>,
}

impl Ingest {
    /// Keeps a boot at hand, and forgets the oldest beyond some.
    pub fn remember(&mut self, boot: Boot) {
        self.boots.insert(boot.id, boot);
        while self.boots.len() > BOOTS {
            let oldest = self.boots.values().min_by_key(|boot| boot.no).map(|boot| boot.id);
            oldest.map(|id| self.boots.remove(&id));
        }
    }
}

/// What is known of a host now.
#[derive(Debug, Default)]
pub struct State {
    decoder: Decoder,
    /// When the latest snapshot was taken.
    pub at: Option<Timestamp>,
    /// When the boot of the latest snapshot began.
    pub booted_at: Option<Timestamp>,
    /// When the host was last heard, be it with old frames.
    pub received: Option<Timestamp>,
    /// The latest system-wide figures: known even while the rest waits for a key frame.
    pub memory: Memory,
    /// The hourly peaks of both pools, oldest first.
    pub hours: VecDeque<PoolHour>,
    /// The tags about a day earlier.
    pub before: Option<Before>,
}

/// The tags of an earlier moment.
#[derive(Debug, Clone)]
pub struct Before {
    /// When.
    pub at: Timestamp,
    /// The tags then.
    pub tags: Arc<TagTable>,
}

impl State {
    /// The latest snapshot.
    #[must_use]
    pub fn snapshot(&self) -> Option<&Snapshot> {
        self.decoder.last().map(|last| &last.snapshot)
    }

    /// The hourly peaks of a pool, one per hour of the last `hours`, oldest first.
    #[must_use]
    pub fn trend(&self, pool: Pool, now: Timestamp, hours: i64) -> Vec<Option<u64>> {
        let this_hour = hour_of(now).as_second();
        let mut values = vec![None; usize::try_from(hours).unwrap_or(0)];
        for hour in &self.hours {
            let back = (this_hour - hour.at.as_second()) / 3600;
            if let Ok(back) = usize::try_from(back)
                && let Some(slot) = values.len().checked_sub(back + 1)
            {
                values[slot] = match pool {
                    Pool::Paged => hour.paged,
                    Pool::Nonpaged => hour.nonpaged,
                };
            }
        }
        values
    }

    fn count_hour(&mut self, host: HostId, at: Timestamp) {
        let at = hour_of(at);
        let figure = |bytes: Option<Bytes>| bytes.map(|bytes| bytes.0);
        let (paged, nonpaged) = (figure(self.memory.paged), figure(self.memory.nonpaged));
        match self.hours.back_mut() {
            Some(hour) if hour.at == at => {
                hour.paged = hour.paged.max(paged);
                hour.nonpaged = hour.nonpaged.max(nonpaged);
            }
            _ => self.hours.push_back(PoolHour { host, at, paged, nonpaged }),
        }
        while self.hours.len() > HOURS {
            self.hours.pop_front();
        }
    }
}

impl LiveHost {
    pub(super) fn new(id: HostId) -> Self {
        Self { id, ingest: tokio::sync::Mutex::default(), state: RwLock::default() }
    }

    /// What is known of it. Hold it shortly: uploads wait.
    pub fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// When the latest snapshot was taken.
    #[must_use]
    pub fn newest_at(&self) -> Option<Timestamp> {
        self.read().at
    }

    /// Makes a newer frame the latest.
    ///
    /// # Errors
    /// When the frame is malformed, or its base is not at hand; its time and system-wide figures
    /// count all the same then.
    pub fn apply(
        &self,
        envelope: &Envelope<'_>,
        at: Timestamp,
        booted_at: Timestamp,
    ) -> Result<(), FrameError> {
        let mut state = self.write();
        let applied = state.decoder.apply(envelope).map(|_| ());
        if matches!(applied, Ok(()) | Err(FrameError::NeedsKey { .. })) {
            state.memory = envelope.memory().ok().flatten().unwrap_or_default();
            state.at = Some(at);
            state.booted_at = Some(booted_at);
            state.count_hour(self.id, at);
        }
        applied
    }

    /// Notes that the host was heard.
    pub fn received(&self, at: Timestamp) {
        self.write().received = Some(at);
    }

    /// Takes what the database holds as the latest, unless something newer came meanwhile.
    pub fn restore(&self, last: StampedSnapshot, at: Timestamp) {
        let mut state = self.write();
        if state.at.is_none_or(|newest| at > newest) {
            let uptime = SignedDuration::from_millis(
                i64::try_from(last.stamp.uptime_ms).unwrap_or(i64::MAX),
            );
            state.memory = last.snapshot.memory.clone();
            state.booted_at = at.saturating_sub(uptime).ok();
            state.at = Some(at);
            state.received = state.received.or(Some(at));
            state.decoder = Decoder::resume(last);
        }
    }

    /// Takes hourly peaks from the database, oldest first.
    pub fn restore_hours(&self, hours: impl IntoIterator<Item = PoolHour>) {
        let mut state = self.write();
        let newer = std::mem::take(&mut state.hours);
        let first_newer = newer.front().map(|hour| hour.at);
        let older = hours.into_iter().filter(|hour| first_newer.is_none_or(|at| hour.at < at));
        state.hours = older.chain(newer.iter().copied()).collect();
    }

    /// Sets the tags that growth is reckoned from.
    pub fn set_before(&self, before: Before) {
        self.write().before = Some(before);
    }
}

/// The start of the hour.
#[must_use]
pub fn hour_of(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second().div_euclid(3600) * 3600).unwrap_or(at)
}

//! One host as it is now.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use jiff::{SignedDuration, Timestamp};
use poolwatch_model::{
    BootId, Bytes, HostId, Pool, Snapshot,
    diagnosis::{Diagnosis, TagFinding, Verdict},
    memory::Memory,
    process::ProcessHandles,
    snapshot::PoolFailures,
};
use poolwatch_protocol::v1::{Envelope, FrameError, StampedSnapshot, messages::FrameId};
use poolwatch_store::{boots::Boot, latest::PoolHour};

use super::{
    allowance::Allowance,
    baselines::{Baseline, BytesThen},
    delays::Delays,
    hours::HourlyPeaks,
    interval::Interval,
    tables::{HostTables, Shared, Tables},
};

/// A host that gives cause is studied every hour at least; what was found longer ago is past.
const WATCHED_FOR: SignedDuration = SignedDuration::from_hours(3);
/// Boots of a host whose anchors are kept at hand.
const BOOTS: usize = 4;
/// A frame may be this far ahead of the server's clock. What is known of a time beyond it comes from a
/// clock that was wrong: it counts for nothing.
pub const AHEAD: SignedDuration = SignedDuration::from_mins(10);

/// One host as it is now.
#[derive(Debug)]
pub struct LiveHost {
    /// Which.
    pub id: HostId,
    /// What taking in its frames needs; locked for the length of an upload.
    pub ingest: tokio::sync::Mutex<Ingest>,
    /// Events that it may tell in a day.
    pub events_allowed: Mutex<Allowance>,
    /// Scans of driver files that it may send in a day.
    pub scans_allowed: Mutex<Allowance>,
    state: RwLock<State>,
    /// What its latest study found worth watching, and when.
    watching: Mutex<Option<(Timestamp, Diagnosis)>>,
    shared: Arc<Shared>,
}

/// What taking in a host's frames needs.
#[derive(Debug, Default)]
pub struct Ingest {
    /// Some of its boots with their anchors, those met last.
    pub boots: VecDeque<Boot>,
    /// How late its uploads come.
    pub delays: Delays,
    /// Boots that it may tell in a day.
    pub boots_allowed: Allowance,
    /// The newest frame that is known to be committed. A delta to any other frame cannot be read
    /// back from the database.
    pub committed: Option<FrameId>,
    /// Whether its next frame has to be a key frame.
    pub owes_key: bool,
    /// What its Server service could not allocate, and when that was told: not kept yet.
    pub pool_failures: Vec<(Timestamp, PoolFailures)>,
}

impl Ingest {
    /// A boot that is at hand.
    pub fn boot(&mut self, id: BootId) -> Option<&mut Boot> {
        self.boots.iter_mut().find(|boot| boot.id == id)
    }

    /// Lets a boot go, for as long as it is not known how it is anchored.
    pub fn forget(&mut self, id: BootId) -> Option<Boot> {
        let place = self.boots.iter().position(|boot| boot.id == id)?;
        self.boots.remove(place)
    }

    /// Keeps a boot at hand, and forgets the one that was met first beyond some: never this one.
    pub fn remember(&mut self, boot: Boot) {
        self.boots.retain(|known| known.id != boot.id);
        if self.boots.len() == BOOTS {
            self.boots.pop_front();
        }
        self.boots.push_back(boot);
    }
}

/// What is known of a host now.
#[derive(Debug, Default)]
pub struct State {
    held: HostTables,
    /// When the latest snapshot was taken.
    pub at: Option<Timestamp>,
    /// When the boot of the latest snapshot began.
    pub booted_at: Option<Timestamp>,
    /// When the host was last heard, be it with old frames.
    pub received: Option<Timestamp>,
    /// Whether all this is what the database held: the host was not heard since the start.
    pub stale: bool,
    heard: bool,
    /// The latest system-wide figures: known even while the rest waits for a key frame.
    pub memory: Memory,
    hours: HourlyPeaks,
    /// How often it takes snapshots.
    pub interval: Interval,
    version: u64,
}

impl State {
    /// The latest tables, as far as they are at hand: a silent host's may be in the database only,
    /// and a host that was heard again after a start owes a key frame first.
    #[must_use]
    pub fn tables(&self) -> Option<&Tables> {
        self.held.get()
    }

    /// The hourly peaks of a pool, one per hour of the last `hours`, oldest first.
    #[must_use]
    pub fn trend(&self, pool: Pool, now: Timestamp, hours: usize) -> Vec<Option<u64>> {
        self.hours.trend(pool, now, hours)
    }

    /// Whether the host has more tags or names than one host may add to what all share.
    #[must_use]
    pub fn is_capped(&self) -> bool {
        self.held.is_capped()
    }

    /// Grows with every change.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    fn count_hour(&mut self, at: Timestamp) {
        let figure = |bytes: Option<Bytes>| bytes.map(|bytes| bytes.0);
        self.hours.count(at, figure(self.memory.paged), figure(self.memory.nonpaged));
    }
}

impl LiveHost {
    pub(super) fn new(id: HostId, shared: Arc<Shared>) -> Self {
        Self {
            id,
            ingest: tokio::sync::Mutex::default(),
            events_allowed: Mutex::default(),
            scans_allowed: Mutex::default(),
            state: RwLock::default(),
            watching: Mutex::default(),
            shared,
        }
    }

    /// Keeps what a study found: of a host with which nothing is wrong, what is worth watching.
    pub fn watch(&self, found: Option<&Diagnosis>, now: Timestamp) {
        let is_watched = |one: &&Diagnosis| {
            matches!(one.verdict, Verdict::NoLeakShown | Verdict::InsufficientEvidence)
                && one.tags.iter().any(|tag| tag.finding == TagFinding::Watched)
        };
        let kept = found.filter(is_watched).map(|one| (now, one.clone()));
        *self.watching.lock().unwrap_or_else(PoisonError::into_inner) = kept;
    }

    /// What is worth watching, as long as its study is not old.
    #[must_use]
    pub fn watching(&self, now: Timestamp) -> Option<Diagnosis> {
        let watching = self.watching.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = watching.as_ref().filter(|(at, _)| now.duration_since(*at) < WATCHED_FOR);
        fresh.map(|(_, diagnosis)| diagnosis.clone())
    }

    /// What is known of it. Hold it shortly: uploads wait.
    pub fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.version += 1;
        state
    }

    /// When the latest snapshot was taken; `None` where that is a time to come.
    #[must_use]
    pub fn newest_at(&self, now: Timestamp) -> Option<Timestamp> {
        self.read().at.filter(|at| at.duration_since(now) <= AHEAD)
    }

    /// The latest snapshot, where its tables are at hand.
    #[must_use]
    pub fn snapshot(&self) -> Option<Snapshot> {
        let state = self.read();
        state.tables().map(|tables| tables.snapshot(&state.memory, &self.shared.names))
    }

    /// Handles by type of the processes that its agent looked into last, as far as they are at hand.
    #[must_use]
    pub fn handles_by_type(&self) -> Vec<ProcessHandles> {
        let state = self.read();
        state
            .tables()
            .map(|tables| tables.handle_types.list(&self.shared.names))
            .unwrap_or_default()
    }

    /// Makes a newer frame the latest. Returns what its Server service could not allocate since that was
    /// told before.
    ///
    /// # Errors
    /// When the frame is malformed, or its base is not at hand; its time and system-wide figures
    /// count all the same in the second case.
    pub fn apply(
        &self,
        envelope: &Envelope<'_>,
        at: Timestamp,
        booted_at: Timestamp,
    ) -> Result<Option<PoolFailures>, FrameError> {
        let mut state = self.write();
        let before = state.tables().map(|tables| tables.stamp).zip(state.at);
        let applied = state.held.apply(envelope, &self.shared);
        let stamp = envelope.stamp;
        if let Some((last, at_last)) = before
            && last.boot == stamp.boot
            && last.seq.checked_add(1) == Some(stamp.seq)
        {
            state.interval.note(at_last, at);
        }
        if matches!(applied, Ok(_) | Err(FrameError::NeedsKey { .. })) {
            state.memory = envelope.memory().ok().flatten().unwrap_or_default();
            state.at = Some(at);
            state.booted_at = Some(booted_at);
            state.stale = false;
            state.count_hour(at);
        }
        applied
    }

    /// Notes that the host was heard.
    pub fn received(&self, at: Timestamp) {
        let mut state = self.write();
        state.received = Some(at);
        state.heard = true;
    }

    /// Takes what the database holds as the latest, unless something newer came meanwhile.
    pub fn restore(&self, last: &StampedSnapshot, at: Timestamp) {
        let mut state = self.write();
        let is_same = state.at == Some(at) && state.tables().is_none();
        if is_same || state.at.is_none_or(|newest| at > newest) {
            state.take_figures(last.snapshot.memory.clone(), last.stamp.uptime_ms, at);
            state.held.set(last, &self.shared);
        }
    }

    /// Takes the system-wide figures of the newest frame in the database, unless something newer
    /// came meanwhile. The tables stay in the database until somebody asks for them.
    pub fn restore_figures(
        &self,
        memory: Memory,
        uptime_ms: u64,
        at: Timestamp,
        before: Option<Timestamp>,
    ) {
        let mut state = self.write();
        if let Some(before) = before {
            state.interval.note(before, at);
        }
        if state.at.is_none_or(|newest| at > newest) {
            state.take_figures(memory, uptime_ms, at);
            state.held.clear(&self.shared);
        }
    }

    /// Takes hourly peaks from the database, oldest first.
    pub fn restore_hours(&self, hours: impl IntoIterator<Item = PoolHour>) {
        self.write().hours.put_before(hours);
    }

    /// Leaves the tables of a silent host to the database.
    pub fn let_go(&self) {
        self.write().held.clear(&self.shared);
    }

    /// Sets from which earlier moment growth over a window is reckoned. A moment of an earlier boot
    /// says nothing about growth.
    pub fn set_earlier(&self, window: usize, earlier: Option<(Baseline, BytesThen<'_>)>) {
        let mut state = self.write();
        let booted_at = state.booted_at;
        let of_this_boot =
            earlier.filter(|(earlier, _)| booted_at.is_none_or(|boot| boot <= earlier.at));
        let mut shifts = Vec::new();
        if let Some(tags) = state.held.get_mut().and_then(|held| held.tags.as_mut()) {
            tags.set_earlier(window, of_this_boot, &mut shifts);
        }
        self.shared.totals.shift(&shifts);
    }
}

impl State {
    fn take_figures(&mut self, memory: Memory, uptime_ms: u64, at: Timestamp) {
        let uptime = SignedDuration::from_millis(i64::try_from(uptime_ms).unwrap_or(i64::MAX));
        self.memory = memory;
        self.booted_at = at.saturating_sub(uptime).ok();
        self.at = Some(at);
        self.stale = !self.heard;
        self.received = self.received.or(Some(at));
    }
}

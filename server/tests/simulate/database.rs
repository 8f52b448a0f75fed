//! A database that keeps what is committed, and fails before, while and after it commits.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use jiff::Timestamp;
use poolwatch_model::{BootId, HostId, snapshot::PoolFailures};
use poolwatch_protocol::v1::Decoder;
use poolwatch_server::{
    app_error::AppError, ingest::frame_store::FrameStore, writer::upload_permit::UploadPermit,
};
use poolwatch_store::{
    boots::{Anchor, Boot, Placed},
    frames::NewFrame,
    read::Taken,
};
use tokio::{sync::oneshot, time::sleep};

use crate::chance::DayChance;

/// What a statement takes, mostly.
const STATEMENT: [Duration; 2] = [Duration::from_millis(1), Duration::from_millis(30)];
/// What one takes when the disk is slow.
const SLOW: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(20)];
/// One statement in so many is slow, fails before it does anything, or fails though it is done.
const SLOW_ONE_IN: u64 = 50;
const FAILS_ONE_IN: u64 = 40;

/// The primary key of frames.
type RowKey = (HostId, Timestamp, i32, u64);

#[derive(Debug, Default)]
pub(crate) struct SimulatedTables {
    pub(crate) frames: BTreeMap<RowKey, NewFrame>,
    boots: BTreeMap<HostId, Vec<StoredBoot>>,
}

#[derive(Debug)]
struct StoredBoot {
    id: BootId,
    anchors: BTreeMap<u64, Anchor>,
}

#[derive(Debug, Clone)]
pub(crate) struct SimulatedDatabase {
    tables: Arc<Mutex<SimulatedTables>>,
    /// Whether it can be reached.
    is_up: Arc<AtomicBool>,
    /// Whether nothing fails any more.
    is_calm: Arc<AtomicBool>,
    /// Whether what is done seems to have failed.
    loses_answers: Arc<AtomicBool>,
    /// Grows when the server is killed: its statements may be lost then.
    server: Arc<AtomicU64>,
    chance: DayChance,
}

impl SimulatedTables {
    /// Identity of a boot, by number.
    pub(crate) fn boot_id(&self, host: HostId, boot_no: i32) -> BootId {
        self.boots[&host][boot_no as usize - 1].id
    }

    fn frames_of(&self, host: HostId) -> impl Iterator<Item = &NewFrame> {
        self.frames.values().filter(move |frame| frame.host == host)
    }
}

impl SimulatedDatabase {
    pub(crate) fn new(chance: DayChance) -> Self {
        Self {
            tables: Arc::default(),
            is_up: Arc::new(AtomicBool::new(true)),
            is_calm: Arc::default(),
            loses_answers: Arc::default(),
            server: Arc::default(),
            chance,
        }
    }

    pub(crate) fn tables(&self) -> MutexGuard<'_, SimulatedTables> {
        self.tables.lock().unwrap()
    }

    pub(crate) fn set_up(&self, is_up: bool) {
        self.is_up.store(is_up, Relaxed);
    }

    /// Nothing fails from now on.
    pub(crate) fn calm_down(&self) {
        self.is_calm.store(true, Relaxed);
        self.set_up(true);
    }

    pub(crate) fn set_loses_answers(&self, loses_answers: bool) {
        self.loses_answers.store(loses_answers, Relaxed);
    }

    pub(crate) fn lose_server(&self) {
        self.server.fetch_add(1, Relaxed);
    }

    fn fails(&self) -> bool {
        let is_up = self.is_up.load(Relaxed);
        !is_up || !self.is_calm.load(Relaxed) && self.chance.one_in(FAILS_ONE_IN)
    }

    /// Runs a statement.
    async fn run<T: Send>(
        &self,
        statement: impl FnOnce(&mut SimulatedTables) -> T + Send,
    ) -> Result<T, AppError> {
        let slow = !self.is_calm.load(Relaxed) && self.chance.one_in(SLOW_ONE_IN);
        let [least, most] = if slow { SLOW } else { STATEMENT };
        sleep(self.chance.between(least, most)).await;
        if self.fails() {
            return Err(AppError::busy("before"));
        }
        let done = statement(&mut self.tables());
        sleep(self.chance.between(STATEMENT[0], STATEMENT[1])).await;
        if self.loses_answers.load(Relaxed) || self.fails() {
            return Err(AppError::busy("after"));
        }
        Ok(done)
    }
}

impl FrameStore for SimulatedDatabase {
    async fn find_or_create_boot(
        &self,
        host: HostId,
        boot: BootId,
        booted_at: Timestamp,
    ) -> Result<Boot, AppError> {
        let find = |tables: &mut SimulatedTables| {
            let boots = tables.boots.entry(host).or_default();
            let at = boots.iter().position(|known| known.id == boot).unwrap_or_else(|| {
                let first = Anchor { from_seq: 0, booted_at, not_before: None };
                boots.push(StoredBoot { id: boot, anchors: BTreeMap::from([(0, first)]) });
                boots.len() - 1
            });
            let anchors: Vec<Anchor> = boots[at].anchors.values().copied().collect();
            let no = at as i32 + 1;
            let of_boot = tables.frames_of(host).filter(|frame| frame.boot_no == no);
            let newest = of_boot.max_by_key(|frame| (frame.at, frame.seq));
            let newest = newest.map(|frame| Placed { seq: frame.seq, at: frame.at });
            Boot { no, id: boot, anchors, newest }
        };
        self.run(find).await
    }

    async fn put_anchor(&self, host: HostId, boot_no: i32, anchor: Anchor) -> Result<(), AppError> {
        let put = |tables: &mut SimulatedTables| {
            let boot = &mut tables.boots.get_mut(&host).unwrap()[boot_no as usize - 1];
            boot.anchors.insert(anchor.from_seq, anchor);
        };
        self.run(put).await
    }

    async fn last_taken(
        &self,
        host: HostId,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Option<Taken>, AppError> {
        let read = |tables: &mut SimulatedTables| {
            let near: Vec<&NewFrame> =
                tables.frames_of(host).filter(|one| one.at >= since && one.at <= until).collect();
            let key = near.iter().filter(|one| one.is_key).max_by_key(|one| one.at)?;
            let of_boot = near.iter().filter(|one| one.boot_no == key.boot_no);
            let mut chain: Vec<&&NewFrame> = of_boot.collect();
            chain.sort_by_key(|one| one.seq);
            let start = chain.iter().rposition(|one| one.is_key)?;
            let (mut decoder, mut last) = (Decoder::default(), None);
            for frame in &chain[start..] {
                if decoder.decode(&frame.payload).is_err() {
                    break;
                }
                last = Some((frame.at, frame.boot_no));
            }
            let (at, boot_no) = last?;
            Some(Taken { at, boot_no, last: decoder.into_last()? })
        };
        self.run(read).await
    }

    async fn note_pool_failures(
        &self,
        _host: HostId,
        _failures: &[(Timestamp, PoolFailures)],
    ) -> Result<(), AppError> {
        self.run(|_| ()).await
    }

    /// As the writer does: what is queued is committed though nobody waits for it any more, unless
    /// the server is killed, and perhaps even then.
    async fn write(&self, frames: Vec<NewFrame>, permit: UploadPermit) -> Result<u64, AppError> {
        let (database, server) = (self.clone(), self.server.load(Relaxed));
        let (done, stored) = oneshot::channel();
        tokio::spawn(async move {
            let _permit = permit;
            let insert = |tables: &mut SimulatedTables| {
                let is_lost = database.server.load(Relaxed) != server && database.chance.one_in(2);
                let mut new = 0;
                for frame in frames.into_iter().filter(|_| !is_lost) {
                    let key = (frame.host, frame.at, frame.boot_no, frame.seq);
                    tables.frames.entry(key).or_insert_with(|| {
                        new += 1;
                        frame
                    });
                }
                new
            };
            let _ = done.send(database.run(insert).await);
        });
        stored.await.map_err(|_| AppError::busy("gone"))?
    }
}

//! The writer: gathers frames of many hosts into one statement and answers after its commit.

pub mod upload_permit;

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::civil::Date;
use poolwatch_model::HostId;
use poolwatch_store::{
    PgPool, StoreError,
    frames::{self, NewFrame},
    is_of_data, partitions,
};
use sqlx::{Connection, PgConnection};
use tokio::{
    sync::{Semaphore, mpsc, oneshot},
    time::{Instant, timeout, timeout_at},
};
use tracing::warn;

use self::upload_permit::{UploadMemory, UploadPermit, full};
use crate::{app_error::AppError, metrics};

/// Frames of one statement: more do not make it faster.
const BATCH_FRAMES: usize = 128;
/// How long the first frame of a statement waits for others, at most.
const GATHER: Duration = Duration::from_millis(200);
/// Nobody sends: waiting longer would only keep those who sent.
const QUIET: Duration = Duration::from_millis(20);
/// Statements under way: one is committed while the next is sent.
const STATEMENTS: usize = 2;
/// Once so much time has passed since frames could not be stored, that tells nothing any more.
const FAILURE_COUNTS: Duration = Duration::from_secs(60);
/// Uploads that may wait; a further one is told to come back.
const QUEUE: usize = 4096;

/// What the writer takes at most.
#[derive(Debug, Clone, Copy)]
pub struct WriterLimits {
    /// Memory for all uploads that are read or wait, in kB; a further one is told to come back.
    pub memory_kb: usize,
    /// How long a statement may take. One that was sent by a connection that died without a word
    /// would keep its turn for ever.
    pub statement: Duration,
}

impl Default for WriterLimits {
    fn default() -> Self {
        Self { memory_kb: 128 << 10, statement: Duration::from_secs(30) }
    }
}

/// Takes frames to the database.
#[derive(Debug, Clone)]
pub struct Writer {
    queue: mpsc::Sender<Upload>,
    memory: UploadMemory,
    health: Arc<StoreHealth>,
}

/// Whether what comes can be stored.
#[derive(Debug, Default)]
struct StoreHealth {
    failed_at: Mutex<Option<Instant>>,
}

impl StoreHealth {
    /// Notes how storing frames went that nothing is wrong with.
    fn note(&self, stored: bool) {
        *self.failed_at.lock().unwrap_or_else(PoisonError::into_inner) =
            (!stored).then(Instant::now);
    }
}

/// Frames of one host, and who waits for them.
struct Upload {
    frames: Vec<NewFrame>,
    _permit: UploadPermit,
    done: oneshot::Sender<Result<u64, AppError>>,
}

impl Writer {
    /// Starts the task that writes. It ends when the last handle is gone and all is written.
    #[must_use]
    pub fn start(pool: PgPool) -> Self {
        Self::with_limits(pool, WriterLimits::default())
    }

    /// Starts the task within limits.
    #[must_use]
    pub fn with_limits(pool: PgPool, limits: WriterLimits) -> Self {
        let (queue, uploads) = mpsc::channel(QUEUE);
        let health = Arc::<StoreHealth>::default();
        let inserter = FrameInserter { pool, days: Days::default(), statement: limits.statement };
        tokio::spawn(run(Arc::new(inserter), uploads, health.clone()));
        Self { queue, memory: UploadMemory::new(limits.memory_kb), health }
    }

    /// How many uploads wait to be written, and how many may.
    #[must_use]
    pub fn queued_uploads(&self) -> (usize, usize) {
        let most = self.queue.max_capacity();
        (most - self.queue.capacity(), most)
    }

    /// Whether the latest frames were stored, or none came for a minute.
    #[must_use]
    pub fn can_store(&self) -> bool {
        let failed_at = *self.health.failed_at.lock().unwrap_or_else(PoisonError::into_inner);
        failed_at.is_none_or(|at| at.elapsed() > FAILURE_COUNTS)
    }

    /// A permit for an upload of a host, before it is read. It grows with what arrives.
    ///
    /// # Errors
    /// When too much is in memory already.
    pub fn upload_permit(&self, host: HostId) -> Result<UploadPermit, AppError> {
        self.memory.permit(host)
    }

    /// Stores frames. Returns, after the commit, how many of them were new.
    ///
    /// # Errors
    /// When too much waits already, or the database fails: nothing is stored for certain then.
    pub async fn write(
        &self,
        frames: Vec<NewFrame>,
        permit: UploadPermit,
    ) -> Result<u64, AppError> {
        let (done, stored) = oneshot::channel();
        self.queue.try_send(Upload { frames, _permit: permit, done }).map_err(|_| full())?;
        stored
            .await
            .map_err(|_| AppError::busy("The server is stopping. Keep the data and retry."))?
    }
}

/// Days whose partitions are known to be there.
type Days = Mutex<HashSet<Date>>;

/// Inserts frames.
#[derive(Debug)]
struct FrameInserter {
    pool: PgPool,
    days: Days,
    /// How long a statement may take.
    statement: Duration,
}

async fn run(
    inserter: Arc<FrameInserter>,
    mut uploads: mpsc::Receiver<Upload>,
    health: Arc<StoreHealth>,
) {
    let statements = Arc::new(Semaphore::new(STATEMENTS));
    while let Some(first) = uploads.recv().await {
        let deadline = Instant::now() + GATHER;
        let mut count = first.frames.len();
        let mut gathered = vec![first];
        while count < BATCH_FRAMES
            && let until = deadline.min(Instant::now() + QUIET)
            && let Ok(Some(next)) = timeout_at(until, uploads.recv()).await
        {
            count += next.frames.len();
            gathered.push(next);
        }
        metrics::writer(count, uploads.len());
        let (inserter, health) = (inserter.clone(), health.clone());
        let Ok(turn) = statements.clone().acquire_owned().await else { return };
        tokio::spawn(async move {
            inserter.commit(&health, gathered).await;
            drop(turn);
        });
    }
}

impl FrameInserter {
    /// Commits uploads together. When the data of one will not do, each is tried alone, so that one
    /// host's trouble stays its own; a database that is away or too busy is tried once for all.
    async fn commit(&self, health: &StoreHealth, mut uploads: Vec<Upload>) {
        // Two statements may hold the same frames, of an upload that was given up and sent again: in
        // one order, neither waits for the other in a circle.
        uploads.sort_by_key(|upload| upload.frames.first().map(|frame| (frame.host, frame.at)));
        if uploads.len() > 1 {
            let sizes: Vec<usize> = uploads.iter().map(|upload| upload.frames.len()).collect();
            let mut all = Vec::with_capacity(sizes.iter().sum());
            for upload in &mut uploads {
                all.append(&mut upload.frames);
            }
            match self.insert(&all).await {
                Ok(stored) => {
                    health.note(true);
                    // How many of whose frames were new is not told apart; all are there.
                    let mut left = stored;
                    for (upload, size) in uploads.into_iter().zip(sizes) {
                        let own = left.min(size as u64);
                        left -= own;
                        let _ = upload.done.send(Ok(own));
                    }
                    return;
                }
                Err(error) if !is_of_data(&error) => {
                    health.note(false);
                    warn!(%error, uploads = uploads.len(), frames = all.len(), "Could not store frames");
                    let failure = AppError::from(error);
                    for upload in uploads {
                        let _ = upload.done.send(Err(failure.clone()));
                    }
                    return;
                }
                Err(_) => {}
            }
            let mut all = all.into_iter();
            for (upload, size) in uploads.iter_mut().zip(sizes) {
                upload.frames.extend(all.by_ref().take(size));
            }
        }
        for upload in uploads {
            let stored = self.insert(&upload.frames).await;
            if stored.as_ref().err().is_none_or(|error| !is_of_data(error)) {
                health.note(stored.is_ok());
            }
            if let Err(error) = &stored {
                warn!(%error, frames = upload.frames.len(), "Could not store frames");
            }
            let _ = upload.done.send(stored.map_err(AppError::from));
        }
    }

    async fn insert(&self, new: &[NewFrame]) -> Result<u64, StoreError> {
        let mut db = self.pool.acquire().await?;
        match timeout(self.statement, insert_all(&mut db, &self.days, new)).await {
            Ok(stored) => stored,
            Err(_) => {
                // What it left open must not be met by whoever gets the connection next.
                drop(db.detach());
                Err(sqlx::Error::PoolTimedOut.into())
            }
        }
    }
}

async fn insert_all(
    db: &mut PgConnection,
    days: &Days,
    new: &[NewFrame],
) -> Result<u64, StoreError> {
    for day in new.iter().map(|frame| partitions::day_of(frame.at)) {
        if !known(days).contains(&day) {
            let mut transaction = db.begin().await?;
            partitions::create(&mut transaction, day).await?;
            transaction.commit().await?;
            known(days).insert(day);
        }
    }
    let stored = frames::insert(db, new).await;
    if stored.is_err() {
        // A partition may have been dropped meanwhile: look again next time.
        known(days).clear();
    }
    stored
}

fn known(days: &Days) -> std::sync::MutexGuard<'_, HashSet<Date>> {
    days.lock().unwrap_or_else(PoisonError::into_inner)
}

//! The writer: gathers frames of many hosts into one statement and answers after its commit.

use std::{collections::HashSet, time::Duration};

use jiff::civil::Date;
use poolwatch_store::{
    PgPool, StoreError,
    frames::{self, NewFrame},
    partitions,
};
use sqlx::Connection;
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, timeout_at},
};
use tracing::warn;

use crate::{failure::Failure, metrics};

/// Frames of one statement: more do not make it faster.
const BATCH_FRAMES: usize = 128;
/// How long the first frame of a statement waits for others.
const GATHER: Duration = Duration::from_millis(50);
/// Uploads that may wait; a further one is told to come back.
const QUEUE: usize = 1024;

/// Takes frames to the database.
#[derive(Debug, Clone)]
pub struct Writer {
    queue: mpsc::Sender<Upload>,
}

/// Frames of one host, and who waits for them.
struct Upload {
    frames: Vec<NewFrame>,
    done: oneshot::Sender<Result<u64, Failure>>,
}

impl Writer {
    /// Starts the task that writes. It ends when the last handle is gone and all is written.
    #[must_use]
    pub fn start(pool: PgPool) -> Self {
        let (queue, uploads) = mpsc::channel(QUEUE);
        tokio::spawn(run(pool, uploads));
        Self { queue }
    }

    /// Stores frames. Returns, after the commit, how many of them were new.
    ///
    /// # Errors
    /// When too much waits already, or the database fails: nothing is stored for certain then.
    pub async fn write(&self, frames: Vec<NewFrame>) -> Result<u64, Failure> {
        let (done, stored) = oneshot::channel();
        self.queue.try_send(Upload { frames, done }).map_err(|_| {
            Failure::busy("More uploads wait than can be kept in memory. Keep the data and retry.")
        })?;
        stored
            .await
            .map_err(|_| Failure::busy("The server is stopping. Keep the data and retry."))?
    }
}

async fn run(pool: PgPool, mut uploads: mpsc::Receiver<Upload>) {
    let mut days = HashSet::new();
    while let Some(first) = uploads.recv().await {
        let deadline = Instant::now() + GATHER;
        let mut count = first.frames.len();
        let mut gathered = vec![first];
        while count < BATCH_FRAMES
            && let Ok(Some(next)) = timeout_at(deadline, uploads.recv()).await
        {
            count += next.frames.len();
            gathered.push(next);
        }
        metrics::writer(count, uploads.len());
        commit(&pool, &mut days, gathered).await;
    }
}

/// Commits uploads together; when that fails, each alone, so that one host's trouble stays its own.
async fn commit(pool: &PgPool, days: &mut HashSet<Date>, mut uploads: Vec<Upload>) {
    if uploads.len() > 1 {
        let sizes: Vec<usize> = uploads.iter().map(|upload| upload.frames.len()).collect();
        let mut all = Vec::with_capacity(sizes.iter().sum());
        for upload in &mut uploads {
            all.append(&mut upload.frames);
        }
        let stored = insert(pool, days, &all).await;
        if let Ok(stored) = stored {
            // How many of whose frames were new is not told apart; all are there.
            let mut left = stored;
            for (upload, size) in uploads.into_iter().zip(sizes) {
                let own = left.min(size as u64);
                left -= own;
                let _ = upload.done.send(Ok(own));
            }
            return;
        }
        let mut all = all.into_iter();
        for (upload, size) in uploads.iter_mut().zip(sizes) {
            upload.frames.extend(all.by_ref().take(size));
        }
    }
    for upload in uploads {
        let stored = insert(pool, days, &upload.frames).await;
        if let Err(error) = &stored {
            warn!(%error, frames = upload.frames.len(), "Could not store frames");
        }
        let _ = upload.done.send(stored.map_err(Failure::from));
    }
}

async fn insert(
    pool: &PgPool,
    days: &mut HashSet<Date>,
    new: &[NewFrame],
) -> Result<u64, StoreError> {
    let mut db = pool.acquire().await?;
    for day in new.iter().map(|frame| partitions::day_of(frame.at)) {
        if !days.contains(&day) {
            let mut transaction = db.begin().await?;
            partitions::create(&mut transaction, day).await?;
            transaction.commit().await?;
            days.insert(day);
        }
    }
    let stored = frames::insert(&mut db, new).await;
    if stored.is_err() {
        // A partition may have been dropped meanwhile: look again next time.
        days.clear();
    }
    stored
}

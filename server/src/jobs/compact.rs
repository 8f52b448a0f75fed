//! Frames become chunks: makes hours and days due, and does them beside the other jobs.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use poolwatch_store::{
    compact::{self, Compacted},
    jobs::{self, LeasedJob},
};
use sqlx::{Connection, PgConnection};
use tracing::{debug, error, info};

use crate::{app::SharedApp, clock};

/// How often due work is looked for.
const EVERY: Duration = Duration::from_secs(20);
/// A job whose server dies is taken over after this. A thousand hosts take some seconds.
const LEASE: SignedDuration = SignedDuration::from_mins(15);
/// Hours that are made due again after the server was down; older ones are found by their frames
/// before these are dropped.
const BACK: SignedDuration = SignedDuration::from_hours(48);
/// Hours that are made anew in one transaction.
const DIRTY: i64 = 200;

const HOURS: &str = "compact_hours";
const DAYS: &str = "compact_days";
const HOUR_S: u32 = 3600;
const DAY_S: u32 = 86_400;

pub(super) async fn run(app: SharedApp) {
    let mut every = tokio::time::interval(EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        if let Err(error) = do_due(&app).await {
            error!(%error, "Could not make chunks");
        }
    }
}

async fn do_due(app: &SharedApp) -> anyhow::Result<()> {
    let mut reader = app.pool.acquire().await?;
    let mut writer = app.pool.acquire().await?;
    let now = clock::now();
    plan(&mut writer, now).await?;
    while let Some(job) = jobs::lease(&mut writer, &[HOURS, DAYS], clock::now(), LEASE).await? {
        if let Err(error) = do_job(&mut reader, &mut writer, &job).await {
            error!(kind = job.kind, attempts = job.attempts, %error, "Job failed");
            let pause = SignedDuration::from_secs(30) * job.attempts.clamp(1, 20);
            let not_before = clock::now().saturating_add(pause)?;
            jobs::put_back(&mut writer, &job, not_before, &error.to_string()).await?;
        }
    }
    loop {
        let mut transaction = writer.begin().await?;
        let done = compact::dirty(&mut reader, &mut transaction, DIRTY).await?;
        transaction.commit().await?;
        if done.marks == 0 {
            return Ok(());
        }
        told("dirty hours", None, done);
    }
}

/// Makes due what ended: hours ten minutes after their end, days an hour after theirs, so that
/// their hours come first.
async fn plan(db: &mut PgConnection, now: Timestamp) -> anyhow::Result<()> {
    let first = now.saturating_sub(BACK)?;
    for (kind, step_s, after) in
        [(HOURS, HOUR_S, compact::DUE_AFTER), (DAYS, DAY_S, SignedDuration::from_hours(1))]
    {
        let step = i64::from(step_s);
        let begin = |at: Timestamp| Timestamp::from_second(at.as_second().div_euclid(step) * step);
        let last = begin(now.saturating_sub(after)?)?;
        let last = last.saturating_sub(SignedDuration::from_secs(step))?;
        jobs::add_for_ranges(db, kind, (begin(first)?, last), step_s).await?;
    }
    Ok(())
}

/// Does a job: its effect and its completion are one transaction.
async fn do_job(
    reader: &mut PgConnection,
    writer: &mut PgConnection,
    job: &LeasedJob,
) -> anyhow::Result<()> {
    let mut transaction = writer.begin().await?;
    let done = match job.kind.as_str() {
        HOURS => compact::hour(reader, &mut transaction, job.bucket, job.first_host).await?,
        _ => compact::day(reader, &mut transaction, job.bucket, job.first_host).await?,
    };
    if jobs::complete(&mut transaction, job, clock::now()).await? {
        transaction.commit().await?;
        told(&job.kind, Some(job.bucket), done);
    }
    Ok(())
}

fn told(kind: &str, bucket: Option<Timestamp>, done: Compacted) {
    let Compacted { chunks, frames, unreadable, .. } = done;
    let bucket = bucket.map(|bucket| bucket.to_string());
    if unreadable > 0 {
        info!(kind, bucket, chunks, frames, unreadable, "Made chunks; some frames say nothing");
    } else {
        debug!(kind, bucket, chunks, frames, "Made chunks");
    }
}

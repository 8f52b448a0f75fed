//! Frames become chunks: makes hours, days and weeks due, and does them on a thread of their own.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use poolwatch_model::Clock;
use poolwatch_store::{
    PgPool,
    compact::{self, Compacted},
    jobs::{self, LeasedJob},
};
use sqlx::{Connection, PgConnection};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info};

use crate::app::SharedApp;

/// How often due work is looked for.
const EVERY: Duration = Duration::from_secs(20);
/// A job whose server dies is taken over after this. A thousand hosts take some seconds.
const LEASE: SignedDuration = SignedDuration::from_mins(15);
/// Marked hours that are looked at in one transaction.
const DIRTY: i64 = 100;

/// What is made of each range of hosts once per period.
struct Kind {
    /// Its word in the table.
    name: &'static str,
    step_s: u32,
    /// Due so long after its period's end.
    after: SignedDuration,
    /// Made due again for as long, after the server was down; what is older is found when retention
    /// looks for it.
    back: SignedDuration,
}

const HOURS: &str = "compact_hours";
const DAYS: &str = "compact_days";
const WEEKS: &str = "compact_weeks";

const KINDS: [Kind; 3] = [
    Kind {
        name: HOURS,
        step_s: 3600,
        after: compact::DUE_AFTER,
        back: SignedDuration::from_hours(48),
    },
    Kind {
        name: DAYS,
        step_s: 86_400,
        after: compact::DAY_DUE_AFTER,
        back: SignedDuration::from_hours(48),
    },
    Kind {
        name: WEEKS,
        step_s: 7 * 86_400,
        after: compact::WEEK_DUE_AFTER,
        back: SignedDuration::from_hours(72),
    },
];

/// How long after its time's beginning a job is due: at once, where it makes no chunks.
pub(super) fn due_after(kind: &str) -> SignedDuration {
    let kind = KINDS.iter().find(|one| one.name == kind);
    kind.map_or(SignedDuration::ZERO, |kind| {
        SignedDuration::from_secs(i64::from(kind.step_s)) + kind.after
    })
}

pub(super) async fn run(app: SharedApp, pool: PgPool, stop: CancellationToken) {
    let mut every = tokio::time::interval(EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while stop.run_until_cancelled(every.tick()).await.is_some() {
        if let Err(error) = do_due(&app, &pool, &stop).await {
            error!(%error, "Could not make chunks");
        }
    }
}

async fn do_due(app: &SharedApp, pool: &PgPool, stop: &CancellationToken) -> anyhow::Result<()> {
    let mut reader = pool.acquire().await?;
    let mut writer = pool.acquire().await?;
    plan(&mut writer, app.clock.now()).await?;
    // In turns: what came late waits for no pile of jobs, nor the other way round.
    while !stop.is_cancelled() {
        let did_job = do_next(&mut reader, &mut writer, &*app.clock).await?;
        let did_marks = look_at_marks(&mut reader, &mut writer, app.clock.now())
            .await
            .unwrap_or_else(|error| {
                error!(%error, "Could not make marked hours anew");
                false
            });
        if !did_job && !did_marks {
            break;
        }
    }
    Ok(())
}

/// Makes due what ended.
async fn plan(db: &mut PgConnection, now: Timestamp) -> anyhow::Result<()> {
    let kinds = KINDS.map(|kind| kind.name);
    jobs::forget_ahead(db, &kinds, now).await?;
    for Kind { name, step_s, after, back } in KINDS {
        let step = i64::from(step_s);
        let begin = |at: Timestamp| Timestamp::from_second(at.as_second().div_euclid(step) * step);
        let last = begin(now.saturating_sub(after)?)?;
        let last = last.saturating_sub(SignedDuration::from_secs(step))?;
        let first = begin(now.saturating_sub(back)?)?;
        jobs::add_for_ranges(db, name, (first, last), step_s).await?;
    }
    Ok(())
}

/// Does the oldest job that is due, if there is one.
async fn do_next(
    reader: &mut PgConnection,
    writer: &mut PgConnection,
    clock: &dyn Clock,
) -> anyhow::Result<bool> {
    let kinds = KINDS.map(|kind| kind.name);
    let leased = jobs::lease(writer, &kinds, clock.now(), LEASE).await?;
    let Some(job) = leased else { return Ok(false) };
    if let Err(error) = do_job(reader, writer, clock, &job).await {
        error!(kind = job.kind, attempts = job.attempts, %error, "Job failed");
        let pause = SignedDuration::from_secs(30) * job.attempts.clamp(1, 20);
        let not_before = clock.now().saturating_add(pause)?;
        jobs::put_back(writer, &job, not_before, &error.to_string()).await?;
    }
    Ok(true)
}

/// Does a job: its effect and its completion are one transaction.
async fn do_job(
    reader: &mut PgConnection,
    writer: &mut PgConnection,
    clock: &dyn Clock,
    job: &LeasedJob,
) -> anyhow::Result<()> {
    let mut transaction = writer.begin().await?;
    let done = match job.kind.as_str() {
        HOURS => compact::hour(reader, &mut transaction, job.bucket, job.first_host).await?,
        DAYS => compact::day(reader, &mut transaction, job.bucket, job.first_host).await?,
        _ => compact::week(reader, &mut transaction, job.bucket, job.first_host).await?,
    };
    if jobs::complete(&mut transaction, job, clock.now()).await? {
        transaction.commit().await?;
        told(&job.kind, Some(job.bucket), done);
    }
    Ok(())
}

/// Looks at some marked hours. Returns whether there were any.
async fn look_at_marks(
    reader: &mut PgConnection,
    writer: &mut PgConnection,
    now: Timestamp,
) -> anyhow::Result<bool> {
    let mut transaction = writer.begin().await?;
    let done = compact::dirty(reader, &mut transaction, DIRTY, now).await?;
    transaction.commit().await?;
    if done.marks > 0 {
        told("marked hours", None, done);
    }
    Ok(done.marks > 0)
}

fn told(kind: &str, bucket: Option<Timestamp>, done: Compacted) {
    let Compacted { chunks, frames, unreadable, failed, .. } = done;
    let bucket = bucket.map(|bucket| bucket.to_string());
    if failed > 0 {
        error!(kind, bucket, chunks, failed, "Made chunks; some could not be made");
    } else if unreadable > 0 {
        info!(kind, bucket, chunks, frames, unreadable, "Made chunks; some frames say nothing");
    } else {
        debug!(kind, bucket, chunks, frames, "Made chunks");
    }
}

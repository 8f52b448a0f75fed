//! Work in the background: the fleet's view, due jobs, mail.

mod compact;
pub mod compare_incidents;
pub mod diagnose_events;
pub mod diagnose_hosts;
pub mod find_silence;
mod forget_expired;
mod keep_diagnosis;
mod keep_partitions;
pub mod resolve_quiet_incidents;
mod show_imports;

use std::{
    ops::RangeInclusive,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use poolwatch_store::jobs::{self, LeasedJob};
use sqlx::{Connection, PgConnection};
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::{
    alerts::deliver::Mailer,
    app::SharedApp,
    background,
    fleet::{self, refresh::Keeper},
};

/// How often the fleet's view is made: the more it costs, the less often within this.
const VIEW_EVERY: RangeInclusive<Duration> = Duration::from_secs(5)..=Duration::from_secs(10);
/// The share of one processor that making views may take, as one part of so many.
const VIEW_SHARE: u32 = 100;
/// How often growth's baselines are looked after.
const BASELINE_EVERY: Duration = Duration::from_secs(30);
/// How often changed inventories are read.
const DRIVERS_EVERY: Duration = Duration::from_secs(15);
/// How often due jobs are looked for.
const JOBS_EVERY: Duration = Duration::from_secs(10);
/// A job whose server dies is taken over after this.
const LEASE: SignedDuration = SignedDuration::from_mins(5);

/// A kind of job.
struct Kind {
    /// Its word in the table.
    name: &'static str,
    /// Hours between two.
    every_h: i64,
}

/// All kinds, in the order in which they are made due.
const KINDS: [Kind; 3] = [
    Kind { name: keep_partitions::NAME, every_h: 1 },
    Kind { name: forget_expired::NAME, every_h: 1 },
    Kind { name: resolve_quiet_incidents::NAME, every_h: 1 },
];

/// Starts everything that runs in the background. It ends when `stop` is cancelled.
///
/// # Errors
/// When the system has no thread to give.
pub fn start(
    app: &SharedApp,
    mailer: Option<Mailer>,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    tokio::spawn(stop.clone().run_until_cancelled_owned(load_fleet(app.clone())));
    tokio::spawn(stop.clone().run_until_cancelled_owned(keep_view(app.clone())));
    tokio::spawn(stop.clone().run_until_cancelled_owned(keep_drivers(app.clone())));
    tokio::spawn(stop.clone().run_until_cancelled_owned(do_jobs(app.clone())));
    tokio::spawn(stop.clone().run_until_cancelled_owned(show_imports::run(app.clone())));
    let background = background::start(stop.clone())?;
    background.spawn(stop.clone().run_until_cancelled_owned(keep_baselines(app.clone())));
    background.spawn(stop.clone().run_until_cancelled_owned(compact::run(app.clone())));
    background.spawn(stop.clone().run_until_cancelled_owned(diagnose_hosts::run(app.clone())));
    background.spawn(stop.clone().run_until_cancelled_owned(find_silence::run(app.clone())));
    for worker in diagnose_events::workers(app) {
        background.spawn(stop.clone().run_until_cancelled_owned(worker));
    }
    if let Some(mailer) = mailer {
        let deliver = crate::alerts::deliver::run(app.clone(), mailer);
        tokio::spawn(stop.clone().run_until_cancelled_owned(deliver));
    }
    Ok(())
}

async fn load_fleet(app: SharedApp) {
    let kept = app.settings.retention.ten_minutes;
    if let Err(error) = fleet::load::run(&app.pool, &app.fleet, kept, app.clock.now()).await {
        error!(%error, "Could not load the latest of every host");
    }
}

async fn keep_view(app: SharedApp) {
    let mut keeper = Keeper::default();
    loop {
        let begun = Instant::now();
        let now = app.clock.now();
        let made;
        (keeper, made) = fleet::refresh::refresh(&app, keeper, now).await;
        match made {
            Ok(()) => crate::pages::presence::count(&app.fleet.view(), now),
            Err(error) => error!(%error, "Could not make the fleet's view"),
        }
        let pause = begun.elapsed() * VIEW_SHARE;
        tokio::time::sleep(pause.clamp(*VIEW_EVERY.start(), *VIEW_EVERY.end())).await;
    }
}

async fn keep_baselines(app: SharedApp) {
    let mut every = tokio::time::interval(BASELINE_EVERY);
    let mut asked = fleet::load_baselines::BaselineRequests::default();
    loop {
        every.tick().await;
        let refreshed =
            fleet::load_baselines::refresh(&app.pool, &app.fleet, &mut asked, app.clock.now())
                .await;
        if let Err(error) = refreshed {
            error!(%error, "Could not load the tags of earlier moments");
        }
    }
}

async fn keep_drivers(app: SharedApp) {
    let mut every = tokio::time::interval(DRIVERS_EVERY);
    let mut book = fleet::drivers::Book::default();
    loop {
        every.tick().await;
        let refreshed =
            fleet::drivers::refresh(&app.pool, &app.fleet, &mut book, app.clock.now()).await;
        if let Err(error) = refreshed {
            error!(%error, "Could not read inventories");
        }
    }
}

async fn do_jobs(app: SharedApp) {
    let mut every = tokio::time::interval(JOBS_EVERY);
    loop {
        every.tick().await;
        if let Err(error) = do_due_jobs(&app).await {
            error!(%error, "Could not do jobs");
        }
    }
}

async fn do_due_jobs(app: &SharedApp) -> anyhow::Result<()> {
    let mut db = app.pool.acquire().await?;
    let now = app.clock.now();
    for kind in &KINDS {
        let step = kind.every_h * 3600;
        let bucket = Timestamp::from_second(now.as_second().div_euclid(step) * step)?;
        jobs::add(&mut db, kind.name, bucket, 0).await?;
    }
    let kinds = KINDS.map(|kind| kind.name);
    while let Some(job) = jobs::lease(&mut db, &kinds, app.clock.now(), LEASE).await? {
        if let Err(error) = do_job(&mut db, app, &job).await {
            error!(kind = job.kind, attempts = job.attempts, %error, "Job failed");
            let pause = SignedDuration::from_secs(30) * job.attempts.clamp(1, 20);
            let not_before = app.clock.now().saturating_add(pause)?;
            jobs::put_back(&mut db, &job, not_before, &error.to_string()).await?;
        }
    }
    Ok(())
}

/// Does a job: its effect and its completion are one transaction. That of partitions commits step by
/// step, for ingest to wait for none for long; doing it again changes nothing.
async fn do_job(db: &mut PgConnection, app: &SharedApp, job: &LeasedJob) -> anyhow::Result<()> {
    let now = app.clock.now();
    let kept = match job.kind.as_str() {
        keep_partitions::NAME => keep_partitions::run(db, &app.settings.retention, now).await?,
        _ => None,
    };
    let mut transaction = db.begin().await?;
    let effect = match job.kind.as_str() {
        keep_partitions::NAME => kept,
        forget_expired::NAME => forget_expired::run(&mut transaction, now).await?,
        resolve_quiet_incidents::NAME => {
            resolve_quiet_incidents::run(&mut transaction, now).await?
        }
        other => anyhow::bail!("no such job: {other}"),
    };
    if jobs::complete(&mut transaction, job, now).await? {
        transaction.commit().await?;
        if let Some(effect) = effect {
            info!(kind = job.kind, effect, "Did job");
        }
    }
    Ok(())
}

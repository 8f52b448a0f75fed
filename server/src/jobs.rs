//! Work in the background: the fleet's view, due jobs, mail.

mod compact;
pub mod compare_incidents;
pub mod diagnose_events;
pub mod diagnose_hosts;
pub mod find_silence;
pub mod follow_hosts;
mod forget_expired;
mod keep_diagnosis;
mod keep_partitions;
pub mod resolve_quiet_incidents;
mod show_imports;
pub mod watch_rules;

use std::{
    ops::RangeInclusive,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use poolwatch_model::HostId;
use poolwatch_store::{
    jobs::{self, LeasedJob},
    statement_time,
};
use sqlx::{Connection, PgConnection};
use tokio::{
    runtime::Handle,
    sync::oneshot,
    time::{interval, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{error, info, warn};

use crate::{
    alerts::{
        deliver::{self, Courier},
        digest, dispatch, heartbeat,
        kept_mailer::KeptMailer,
        mailer::Mailer,
        silencing, windows,
    },
    app::SharedApp,
    background::BackgroundThread,
    fleet::{self, refresh::Keeper},
    stopping::StopSignal,
};

/// How often the fleet's view is made: the more it costs, the less often within this.
const VIEW_EVERY: RangeInclusive<Duration> = Duration::from_secs(5)..=Duration::from_secs(10);
/// The share of one processor that making views may take, as one part of so many.
const VIEW_SHARE: u32 = 100;
/// How often growth's baselines are looked after.
const BASELINE_EVERY: Duration = Duration::from_secs(30);
/// How often changed inventories are read.
const DRIVERS_EVERY: Duration = Duration::from_secs(15);
/// How often silences, windows, digests and signs of life are looked after.
const ALERTS_EVERY: Duration = Duration::from_secs(10);
/// Deliveries of one kind that are made at once: one that hangs does not keep the others.
const COURIERS: usize = 2;
/// How often settings that others changed are read.
const SETTINGS_EVERY: Duration = Duration::from_secs(10);
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

/// Connections of the thread that makes chunks: it reads by one and writes by the other.
const CHUNK_CONNECTIONS: u32 = 2;
/// How long jobs may take to come to a point where they can end.
const GRACE: Duration = Duration::from_secs(15);
/// How often samples of metrics are put together, so that they take no more and more memory.
const METRICS_EVERY: Duration = Duration::from_secs(5);

/// When a job is due that is for a time.
#[must_use]
pub fn due_at(kind: &str, bucket: Timestamp) -> Timestamp {
    bucket.saturating_add(compact::due_after(kind)).unwrap_or(Timestamp::MAX)
}

/// Everything that runs in the background, until it is told to end.
#[derive(Debug)]
pub struct RunningJobs {
    tasks: TaskTracker,
    stop: StopSignal,
    /// Makes chunks. An hour of a large fleet takes many minutes, for which no study waits.
    chunks: BackgroundThread,
    background: BackgroundThread,
}

impl RunningJobs {
    /// Starts it all.
    ///
    /// # Errors
    /// When the system has no thread to give.
    pub fn start(app: &SharedApp, mailer: Option<Mailer>) -> anyhow::Result<Self> {
        let background = BackgroundThread::start("background", app.background_pool.clone())?;
        let connect = (*app.background_pool.connect_options()).clone();
        let chunk_pool = app.background_pool.options().clone();
        let chunk_pool = chunk_pool.max_connections(CHUNK_CONNECTIONS).connect_lazy_with(connect);
        let chunks = BackgroundThread::start("chunks", chunk_pool.clone())?;
        let (tasks, stop) = (TaskTracker::new(), StopSignal::default());
        let this = Self { tasks, stop, chunks, background };
        let stop = || this.stop.begun.clone();
        let now = Handle::current();
        let (loaded, to_load) = oneshot::channel();
        this.spawn(&now, load_fleet(app.clone(), loaded));
        this.spawn(&now, keep_metrics(app.clone(), stop()));
        this.spawn(&now, stop().run_until_cancelled_owned(follow_hosts::run(app.clone())));
        this.spawn(&now, keep_view(app.clone(), stop()));
        this.spawn(&now, do_jobs(app.clone(), stop()));
        this.spawn(&now, stop().run_until_cancelled_owned(show_imports::run(app.clone())));
        this.spawn(&now, keep_alerts(app.clone(), stop()));
        this.spawn(&now, dispatch::run(app.clone(), stop()));
        this.spawn(&now, follow_settings(app.clone(), stop()));
        let mail = match mailer {
            Some(mailer) => Courier::Mail(mailer),
            None => Courier::KeptMail(KeptMailer::default()),
        };
        for courier in [mail, Courier::Webhook] {
            for _ in 0..COURIERS {
                this.spawn(&now, deliver::run(app.clone(), courier.clone(), stop()));
            }
        }
        let later = &this.background.handle;
        this.spawn(later, stop().run_until_cancelled_owned(load_tables(app.clone(), to_load)));
        this.spawn(later, keep_drivers(app.clone(), stop()));
        this.spawn(later, keep_baselines(app.clone(), stop()));
        this.spawn(later, diagnose_hosts::run(app.clone(), stop()));
        this.spawn(later, find_silence::run(app.clone(), stop()));
        this.spawn(later, watch_rules::run(app.clone(), stop()));
        for worker in diagnose_events::workers(app, &this.stop.begun) {
            this.spawn(later, worker);
        }
        this.spawn(&this.chunks.handle, compact::run(app.clone(), chunk_pool, stop()));
        Ok(this)
    }

    fn spawn<T: Send + 'static>(&self, on: &Handle, job: impl Future<Output = T> + Send + 'static) {
        let job = self.stop.overdue.clone().run_until_cancelled_owned(job);
        self.tasks.spawn_on(job, on);
    }

    /// Lets every job come to a point where it can end, and cuts off what takes too long: its
    /// transaction is rolled back, and its lease ends.
    pub async fn finish(self) {
        self.stop.begun.cancel();
        self.tasks.close();
        if timeout(GRACE, self.tasks.wait()).await.is_err() {
            warn!(jobs = self.tasks.len(), "Jobs take too long and are cut off");
            self.stop.overdue.cancel();
            self.tasks.wait().await;
        }
        self.chunks.end().await;
        self.background.end().await;
    }
}

async fn keep_metrics(app: SharedApp, stop: CancellationToken) {
    let mut every = interval(METRICS_EVERY);
    while stop.run_until_cancelled(every.tick()).await.is_some() {
        app.metrics.run_upkeep();
    }
}

async fn load_fleet(app: SharedApp, loaded: oneshot::Sender<Vec<HostId>>) {
    let kept = app.retention.current().ten_minutes;
    match fleet::load::run(&app.pool, &app.fleet, kept, app.clock.now()).await {
        Ok(rest) => drop(loaded.send(rest)),
        Err(error) => error!(%error, "Could not load the latest of every host"),
    }
}

/// Loads the tables of hosts before they are heard, beside what cannot wait.
async fn load_tables(app: SharedApp, hosts: oneshot::Receiver<Vec<HostId>>) {
    let Ok(hosts) = hosts.await else { return };
    let kept = app.retention.current().ten_minutes;
    let (pool, fleet) = (&app.background_pool, &app.fleet);
    if let Err(error) = fleet::load::rest(pool, fleet, &hosts, kept, app.clock.now()).await {
        error!(%error, "Could not load the tables of every host");
    }
}

async fn keep_view(app: SharedApp, stop: CancellationToken) {
    let mut keeper = Keeper::default();
    while !stop.is_cancelled() {
        let begun = Instant::now();
        let now = app.clock.now();
        let made;
        (keeper, made) =
            fleet::refresh::refresh(&app.pool, &app.fleet, keeper, app.settings.interval_s, now)
                .await;
        if let Err(error) = made {
            error!(%error, "Could not make the fleet's view");
        }
        let pause = begun.elapsed() * VIEW_SHARE;
        let pause = tokio::time::sleep(pause.clamp(*VIEW_EVERY.start(), *VIEW_EVERY.end()));
        stop.run_until_cancelled(pause).await;
    }
}

/// Ends silences that were outgrown, begins windows that recur, and gives signs of life and digests.
async fn keep_alerts(app: SharedApp, stop: CancellationToken) {
    let mut every = interval(ALERTS_EVERY);
    while stop.run_until_cancelled(every.tick()).await.is_some() {
        let now = app.clock.now();
        if let Err(error) = silencing::end_outgrown(&app, now).await {
            error!(%error, "Could not look after silences");
        }
        if let Err(error) = windows::make_due(&app, now).await {
            error!(%error, "Could not look after windows that recur");
        }
        if let Err(error) = digest::give_due(&app, now).await {
            error!(%error, "Could not give digests");
        }
        if let Err(error) = heartbeat(&app, now).await {
            error!(%error, "Could not give a sign of life");
        }
    }
}

/// Reads settings that another server or the command line changed.
async fn follow_settings(app: SharedApp, stop: CancellationToken) {
    let mut every = interval(SETTINGS_EVERY);
    while stop.run_until_cancelled(every.tick()).await.is_some() {
        let read = async { app.retention.reload(&mut *app.pool.acquire().await?).await };
        if let Err(error) = read.await {
            error!(%error, "Could not read settings");
        }
    }
}

async fn keep_baselines(app: SharedApp, stop: CancellationToken) {
    let mut every = interval(BASELINE_EVERY);
    let mut asked = fleet::load_baselines::BaselineRequests::default();
    while stop.run_until_cancelled(every.tick()).await.is_some() {
        let (pool, now) = (&app.background_pool, app.clock.now());
        let refreshed = fleet::load_baselines::refresh(pool, &app.fleet, &mut asked, now).await;
        if let Err(error) = refreshed {
            error!(%error, "Could not load the tags of earlier moments");
        }
    }
}

async fn keep_drivers(app: SharedApp, stop: CancellationToken) {
    let mut every = interval(DRIVERS_EVERY);
    let mut book = fleet::drivers::Book::default();
    while stop.run_until_cancelled(every.tick()).await.is_some() {
        let refreshed =
            fleet::drivers::refresh(&app.background_pool, &app.fleet, &mut book, app.clock.now())
                .await;
        if let Err(error) = refreshed {
            error!(%error, "Could not read inventories");
        }
    }
}

async fn do_jobs(app: SharedApp, stop: CancellationToken) {
    let mut every = interval(JOBS_EVERY);
    while stop.run_until_cancelled(every.tick()).await.is_some() {
        if let Err(error) = do_due_jobs(&app, &stop).await {
            error!(%error, "Could not do jobs");
        }
    }
}

async fn do_due_jobs(app: &SharedApp, stop: &CancellationToken) -> anyhow::Result<()> {
    let mut db = app.pool.acquire().await?;
    statement_time::bound(&mut db, statement_time::LONG).await?;
    let now = app.clock.now();
    for kind in &KINDS {
        let step = kind.every_h * 3600;
        let bucket = Timestamp::from_second(now.as_second().div_euclid(step) * step)?;
        jobs::add(&mut db, kind.name, bucket, 0).await?;
    }
    let kinds = KINDS.map(|kind| kind.name);
    while !stop.is_cancelled()
        && let Some(job) = jobs::lease(&mut db, &kinds, app.clock.now(), LEASE).await?
    {
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
        keep_partitions::NAME => keep_partitions::run(db, &app.retention.current(), now).await?,
        _ => None,
    };
    let mut transaction = db.begin().await?;
    let effect = match job.kind.as_str() {
        keep_partitions::NAME => kept,
        forget_expired::NAME => {
            forget_expired::run(&mut transaction, &app.retention.current(), now).await?
        }
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

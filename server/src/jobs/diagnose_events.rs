//! What events lead to: a diagnosis of their host, in jobs that survive a kill.
//!
//! An upload of events stores them with a job for its host, answers, and wakes the workers. All
//! events of a host that await a diagnosis get one together; hosts wait for their turn.

use std::time::Duration;

use anyhow::anyhow;
use jiff::{SignedDuration, Timestamp};
use poolwatch_detection::{
    bounds::EVENT_HOSTS_AT_ONCE,
    events::{EventDiagnosis, diagnose_events},
    load_case,
};
use poolwatch_model::{HostId, event::Event};
use poolwatch_store::{
    events, incidents,
    jobs::{self, LeasedJob},
};
use sqlx::{Connection, PgConnection};
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use super::keep_diagnosis::keep_diagnosis;
use crate::{
    app::{App, SharedApp},
    history::StoredHistory,
};

/// How often due jobs are looked for that nobody wakes a worker for: those that failed, and those
/// that were under way when a server was killed.
const EVERY: Duration = Duration::from_secs(10);
/// A job whose server dies is taken over after this.
const LEASE: SignedDuration = SignedDuration::from_mins(1);
/// After so many attempts over an hour and more a host's events are given up.
const ATTEMPTS: i32 = 16;
/// Events of a host that get one diagnosis. More are diagnosed after them.
const TOGETHER: i64 = 1000;

/// The workers; each does one host at a time, until they are told to stop.
pub(super) fn workers(
    app: &SharedApp,
    stop: &CancellationToken,
) -> impl Iterator<Item = impl Future<Output = ()> + use<>> {
    let (app, stop) = (app.clone(), stop.clone());
    (0..EVENT_HOSTS_AT_ONCE).map(move |_| work(app.clone(), stop.clone()))
}

async fn work(app: SharedApp, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let woken = app.events_stored.notified();
        if let Err(error) = do_due(&app, &stop).await {
            error!(%error, "Could not diagnose hosts by their events");
        }
        let _ = stop.run_until_cancelled(tokio::time::timeout(EVERY, woken)).await;
    }
}

/// Diagnoses hosts by their events until none is due.
///
/// # Errors
/// When jobs cannot be looked for.
pub async fn do_due(app: &App, stop: &CancellationToken) -> anyhow::Result<()> {
    while !stop.is_cancelled() {
        let mut db = app.background_pool.acquire().await?;
        let Some(job) =
            jobs::lease(&mut db, &[events::DIAGNOSIS_JOB], app.clock.now(), LEASE).await?
        else {
            return Ok(());
        };
        // Another worker may find one as well.
        app.events_stored.notify_one();
        if let Err(error) = do_job(app, &mut db, &job).await {
            let (host, attempts) = (job.first_host, job.attempts);
            let now = app.clock.now();
            if attempts >= ATTEMPTS {
                error!(host, attempts, %error, "Gave up diagnosing a host by its events");
                give_up(&mut db, &job, now).await?;
            } else {
                warn!(host, attempts, %error, "Could not diagnose a host by its events");
                let pause = SignedDuration::from_secs(30) * attempts.clamp(1, 20);
                jobs::put_back(&mut db, &job, now.saturating_add(pause)?, &error.to_string())
                    .await?;
            }
        }
    }
    Ok(())
}

/// Does a job: its effect and its completion are one transaction.
async fn do_job(app: &App, db: &mut PgConnection, job: &LeasedJob) -> anyhow::Result<()> {
    let (id, now) = (HostId(job.first_host), app.clock.now());
    let awaiting = events::awaiting_diagnosis(db, id, TOGETHER).await?;
    let found = diagnose(app, db, id, awaiting.clone(), now).await?;
    let mut transaction = db.begin().await?;
    for one in &found {
        let event = Some(&one.event);
        let kept = keep_diagnosis(&mut transaction, &one.diagnosis, event, now).await;
        for incident in kept.map_err(|error| anyhow!("{error}"))? {
            incidents::set_picture(&mut transaction, incident, &one.picture).await?;
        }
    }
    events::note_diagnosed(&mut transaction, id, &awaiting).await?;
    if awaiting.len() as i64 == TOGETHER {
        jobs::add_again(&mut transaction, events::DIAGNOSIS_JOB, now, id.0).await?;
    }
    if jobs::complete(&mut transaction, job, now).await? {
        transaction.commit().await?;
    }
    Ok(())
}

async fn diagnose(
    app: &App,
    db: &mut PgConnection,
    host: HostId,
    events: Vec<Event>,
    now: Timestamp,
) -> anyhow::Result<Vec<EventDiagnosis>> {
    if events.is_empty() {
        return Ok(Vec::new());
    }
    let mut history = StoredHistory::new(app, db, now);
    let case = load_case(&mut history, host, &[], now).await.map_err(|error| anyhow!("{error}"))?;
    let Some(case) = case else { return Ok(Vec::new()) };
    Ok(diagnose_events(case, &events))
}

async fn give_up(db: &mut PgConnection, job: &LeasedJob, now: Timestamp) -> anyhow::Result<()> {
    let mut transaction = db.begin().await?;
    let host = HostId(job.first_host);
    let awaiting = events::awaiting_diagnosis(&mut transaction, host, TOGETHER).await?;
    events::note_diagnosed(&mut transaction, host, &awaiting).await?;
    if jobs::complete(&mut transaction, job, now).await? {
        transaction.commit().await?;
    }
    Ok(())
}

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
    StoreError, events, incidents,
    jobs::{self, LeasedJob},
    patience::Patience,
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
const EVERY: Duration = Duration::from_secs(3);
/// A job whose server dies is taken over after this.
const LEASE: SignedDuration = SignedDuration::from_mins(1);
/// A job that failed is given back so long after it at the latest, when the database is away.
const GIVEN_BACK_WITHIN: Duration = Duration::from_secs(50);
/// Shortest and longest pause between attempts.
const PAUSES: [SignedDuration; 2] = [SignedDuration::from_secs(1), SignedDuration::from_mins(10)];
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
        let done = do_job(app, &mut db, &job).await;
        drop(db);
        if let Err(error) = done {
            let (host, attempts) = (job.first_host, job.attempts);
            warn!(host, attempts, %error, "Could not diagnose a host by its events");
            let patience = Patience::lasting(GIVEN_BACK_WITHIN);
            while let Err(error) = give_back(app, &job, &error.to_string()).await {
                if !patience.allows_another_try(&error).await {
                    return Err(error.into());
                }
            }
        }
    }
    Ok(())
}

/// Gives a job back that failed, or up after many attempts.
async fn give_back(app: &App, job: &LeasedJob, why: &str) -> Result<(), StoreError> {
    let mut db = app.background_pool.acquire().await?;
    let now = app.clock.now();
    if job.attempts >= ATTEMPTS {
        error!(host = job.first_host, why, "Gave up diagnosing a host by its events");
        return give_up(&mut db, job, now).await;
    }
    let [shortest, longest] = PAUSES;
    let pause = shortest.saturating_mul(1 << job.attempts.clamp(0, 10)).min(longest);
    let not_before = now.saturating_add(pause).unwrap_or(now);
    jobs::put_back(&mut db, job, not_before, why).await
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

async fn give_up(db: &mut PgConnection, job: &LeasedJob, now: Timestamp) -> Result<(), StoreError> {
    let mut transaction = db.begin().await?;
    let host = HostId(job.first_host);
    let awaiting = events::awaiting_diagnosis(&mut transaction, host, TOGETHER).await?;
    events::note_diagnosed(&mut transaction, host, &awaiting).await?;
    if jobs::complete(&mut transaction, job, now).await? {
        transaction.commit().await?;
    }
    Ok(())
}

//! Hosts that fall silent while a pool is under pressure.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use poolwatch_detection::{
    bounds::TURN_EVERY,
    load_case,
    silence::{SilenceSchedule, SilentHost, diagnose_silence},
};
use poolwatch_model::{Bytes, HostId, Pool, Presence, incident::Cause, memory::Ceiling};
use poolwatch_store::{events, incidents};
use sqlx::Connection;
use tokio_util::sync::CancellationToken;
use tracing::error;

use super::keep_diagnosis::judged;
use crate::{
    alerts,
    app::{App, SharedApp},
    app_error::AppError,
    fleet::view::HostSummary,
    history::StoredHistory,
    judging::record::{self, Kind},
};

/// What Windows logs when somebody shuts it down or restarts it.
const SHUTDOWN_EVENT: u32 = 1074;
/// A host that is heard no later than this after that was shut down: it did not fall silent.
const AFTER_SHUTDOWN: SignedDuration = SignedDuration::from_mins(15);

/// Looks for them for ever.
pub(super) async fn run(app: SharedApp, stop: CancellationToken) {
    let mut schedule = SilenceSchedule::default();
    let mut every = tokio::time::interval(TURN_EVERY.try_into().unwrap_or(Duration::from_secs(20)));
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while stop.run_until_cancelled(every.tick()).await.is_some() {
        find_silent(&app, &mut schedule, app.clock.now()).await;
    }
}

/// Opens an incident for each host that fell silent while a pool was under pressure.
pub async fn find_silent(app: &App, schedule: &mut SilenceSchedule, now: Timestamp) {
    let view = app.fleet.view();
    let is_silent = |host: &&std::sync::Arc<HostSummary>| host.presence(now) == Presence::Silent;
    let silent: Vec<(HostId, PoolBounds)> =
        view.hosts.iter().filter(is_silent).map(|host| (host.host.id, bounds_of(host))).collect();
    let silent = silent.iter().map(|(id, pools)| SilentHost { id: *id, pools });
    for (host, pool) in schedule.due_hosts(silent, &view.incidents, now) {
        let Some(summary) = view.host(host) else { continue };
        match was_shut_down(app, summary).await {
            Ok(false) => {}
            Ok(true) => continue,
            Err(error) => error!(%host, %error, "Could not tell whether a host was shut down"),
        }
        if let Err(error) = diagnose(app, summary, pool, now).await {
            error!(%host, %error, "Could not diagnose a host that fell silent");
        }
    }
}

/// Whether somebody shut a host down, or restarted it, just before it was heard last.
async fn was_shut_down(app: &App, summary: &HostSummary) -> Result<bool, AppError> {
    let Some(heard) = summary.received else { return Ok(false) };
    let since = heard.saturating_sub(AFTER_SHUTDOWN).unwrap_or(heard);
    let mut db = app.background_pool.acquire().await?;
    let off = events::count_by_host(&mut db, "User32", &[SHUTDOWN_EVENT], since).await?;
    Ok(off.iter().any(|(host, ..)| *host == summary.host.id))
}

/// Use of pools with what bounds them.
type PoolBounds = Vec<(Pool, Bytes, Ceiling)>;

fn bounds_of(host: &HostSummary) -> PoolBounds {
    let bound = |pool| Some((pool, host.memory.of(pool)?, host.ceiling(pool)?));
    Pool::ALL.into_iter().filter_map(bound).collect()
}

async fn diagnose(
    app: &App,
    summary: &HostSummary,
    pool: Pool,
    now: Timestamp,
) -> Result<(), AppError> {
    let (Some(heard), Some(at)) = (summary.received, summary.at) else { return Ok(()) };
    let id = summary.host.id;
    let mut db = app.background_pool.acquire().await?;
    let mut history = StoredHistory::new(app, &mut db, now);
    let Some(case) = load_case(&mut history, id, &[], now).await? else { return Ok(()) };
    let (found, picture) = diagnose_silence(case, pool, heard, at);
    let cause = Cause::Silence { host: id, pool };
    let judged = judged(&found, Kind::Event);
    let mut transaction = db.begin().await?;
    for diagnosis in &found.diagnoses {
        let (incident, notice) =
            record::record_cause(&mut transaction, &judged, &cause, diagnosis).await?;
        incidents::set_picture(&mut transaction, incident, &picture).await?;
        if let Some(notice) = notice {
            alerts::incident::enqueue(&mut transaction, &notice, None, now).await?;
        }
    }
    transaction.commit().await?;
    Ok(())
}

//! Every host takes its turn: its tags are screened, and when it gives cause it is diagnosed.

use std::{collections::HashSet, time::Duration};

use jiff::Timestamp;
use poolwatch_analysis::case::Peer;
use poolwatch_detection::{
    HostDiagnosis, Look, Schedule,
    bounds::{SEED_BACK, TURN_EVERY},
    schedule::{HostLook, TurnHost},
};
use poolwatch_model::{HostId, Pool, PoolTag, incident::Cause};
use poolwatch_store::{chunk::fleet::place_of, read};
use sqlx::Connection;
use tokio_util::sync::CancellationToken;
use tracing::error;

use super::{compare_incidents, keep_diagnosis::keep_diagnosis};
use crate::{
    app::{App, SharedApp},
    app_error::AppError,
    fleet::{
        baselines::{Window, bytes_of},
        host::LiveHost,
        load_baselines,
        processes::HostProcesses,
        tags::HostTags,
        view::FleetView,
    },
    history::StoredHistory,
    metrics,
};

/// The kernel's own process: its handles are drivers'.
const SYSTEM_PID: u32 = 4;

/// Lets hosts take turns for ever.
pub(super) async fn run(app: SharedApp, stop: CancellationToken) {
    let mut schedule = Schedule::default();
    let mut compared = Default::default();
    let mut every = tokio::time::interval(TURN_EVERY.try_into().unwrap_or(Duration::from_secs(20)));
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while stop.run_until_cancelled(every.tick()).await.is_some() {
        take_turn(&app, &mut schedule, app.clock.now(), &stop).await;
        match compare_incidents::compare_due(&app, &mut compared, app.clock.now()).await {
            Ok(unknown) => {
                for host in unknown {
                    diagnose(&app, host, &Look::default(), app.clock.now()).await;
                }
            }
            Err(error) => error!(%error, "Could not compare affected hosts with healthy ones"),
        }
    }
}

/// One turn of all hosts.
pub async fn take_turn(
    app: &App,
    schedule: &mut Schedule,
    now: Timestamp,
    stop: &CancellationToken,
) {
    let view = app.fleet.view();
    let hosts = turn_hosts(app, &view, now);
    for id in schedule.begin_turn(&hosts, now) {
        if let Some(live) = app.fleet.known(id) {
            screen_host(&live, schedule, &view, now);
        }
        tokio::task::consume_budget().await;
    }
    seed(app, schedule, now).await;
    metrics::studies_lag(schedule.longest_wait(now).try_into().unwrap_or_default());
    for (id, look) in schedule.hosts_to_diagnose(now) {
        if stop.is_cancelled() {
            return;
        }
        let found = diagnose(app, id, &look, now).await;
        schedule.note_diagnosed(id, found.as_ref(), now);
    }
}

fn turn_hosts(app: &App, view: &FleetView, now: Timestamp) -> Vec<TurnHost> {
    let affected = |is_wanted: &dyn Fn(&Cause) -> bool| -> HashSet<HostId> {
        let wanted = view.incidents.iter().filter(|one| is_wanted(&one.cause));
        wanted.flat_map(|one| one.hosts.iter().copied()).collect()
    };
    let has_incident = affected(&|_| true);
    let silent = affected(&|cause| matches!(cause, Cause::Silence { .. }));
    let is_back = |id: HostId| {
        silent.contains(&id) && view.host(id).is_some_and(|host| host.presence(now).reports())
    };
    let turn_host = |live: &LiveHost| TurnHost {
        id: live.id,
        has_tags: live.read().tables().is_some_and(|tables| tables.tags.is_some()),
        has_incident: has_incident.contains(&live.id),
        has_news: is_back(live.id),
    };
    app.fleet.all().iter().map(|live| turn_host(live)).collect()
}

fn screen_host(live: &LiveHost, schedule: &mut Schedule, view: &FleetView, now: Timestamp) {
    let Some((_, uptime_s)) = running_since(live) else { return };
    let state = live.read();
    let tables = state.tables();
    let Some(tags) = tables.and_then(|tables| tables.tags.as_ref()).map(HostTags::table) else {
        return;
    };
    let programs = tables.and_then(|tables| tables.processes.as_ref());
    let cells = programs.into_iter().flat_map(HostProcesses::cells);
    let most_handles =
        cells.filter(|cell| cell.pid != SYSTEM_PID).filter_map(|cell| cell.handles).max();
    let memory = state.memory.clone();
    drop(state);
    let look = HostLook { id: live.id, uptime_s, tags: &tags, memory: &memory, most_handles };
    let usual = |tag: PoolTag, pool: Pool| {
        let line = view.tags.get(tag, pool)?;
        Some(Peer { tag, pool, median: line.median, hosts: line.hosts })
    };
    schedule.screen_host(&look, usual, now);
}

/// When Windows started, and how long it had run at the latest snapshot, seconds.
fn running_since(live: &LiveHost) -> Option<(Timestamp, u64)> {
    let state = live.read();
    let (booted, at) = (state.booted_at?, state.at?);
    Some((booted, at.duration_since(booted).as_secs().max(0).cast_unsigned()))
}

/// Lets screening begin from the tags of a day ago, so that what grew meanwhile shows at once.
async fn seed(app: &App, schedule: &mut Schedule, now: Timestamp) {
    let wanted = now.saturating_sub(SEED_BACK).unwrap_or(now);
    for (first_host, hosts) in schedule.blocks_to_seed(|host| place_of(host).0) {
        let block = async {
            let mut db = app.background_pool.acquire().await?;
            read::block_at(&mut db, first_host, wanted).await
        };
        match block.await {
            Ok(Some(block)) => {
                for host in hosts {
                    let booted = app.fleet.known(host).and_then(|live| running_since(&live));
                    if let (Some((booted, _)), Some(at)) = (booted, block.last(host)) {
                        let earlier = |tag, pool| block.bytes(host, tag, pool);
                        schedule.seed_host(host, (booted, at), earlier);
                    }
                }
            }
            Ok(None) => {}
            Err(error) => error!(first_host, %error, "Could not load the tags of a day ago"),
        }
    }
    for host in schedule.hosts_to_seed(now) {
        let Some((booted, _)) = app.fleet.known(host).and_then(|live| running_since(&live)) else {
            schedule.note_unseeded(host);
            continue;
        };
        let before = async {
            let mut db = app.background_pool.acquire().await?;
            load_baselines::baseline_of_host(&mut db, host, Window::Day, now).await
        };
        match before.await {
            Ok(Some(before)) => schedule.seed_host(host, (booted, before.at), |tag, pool| {
                bytes_of(&before.tags, tag, pool)
            }),
            Ok(None) => schedule.note_unseeded(host),
            Err(error) => {
                error!(%host, %error, "Could not load the tags of a day ago");
                schedule.note_seed_failed(host, now);
            }
        }
    }
}

async fn diagnose(app: &App, host: HostId, look: &Look, now: Timestamp) -> Option<HostDiagnosis> {
    match diagnose_host(app, host, look, now).await {
        Ok(found) => found,
        Err(error) => {
            error!(%host, %error, "Could not diagnose a host");
            None
        }
    }
}

/// Diagnoses a host by all that is known of it and keeps what is found, with the mails that follow,
/// in one transaction. `None` when there is no such host.
///
/// # Errors
/// When the database fails: nothing is kept then.
pub async fn diagnose_host(
    app: &App,
    id: HostId,
    look: &Look,
    now: Timestamp,
) -> Result<Option<HostDiagnosis>, AppError> {
    let mut db = app.background_pool.acquire().await?;
    let mut history = StoredHistory::new(app, &mut db, now);
    let found = poolwatch_detection::diagnose_host(&mut history, id, look, now).await?;
    let Some(found) = found else { return Ok(None) };
    if let Some(live) = app.fleet.known(id) {
        live.watch(found.diagnoses.first(), now);
    }
    if found.is_glance {
        return Ok(Some(found));
    }
    let mut transaction = db.begin().await?;
    keep_diagnosis(&mut transaction, &found, None, now).await?;
    transaction.commit().await?;
    Ok(Some(found))
}

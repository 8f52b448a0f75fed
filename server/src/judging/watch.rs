//! Who is looked at: every host's tags are screened every ten minutes, and those that give cause
//! are studied.

use std::{
    cmp::Reverse,
    collections::{HashMap, HashSet},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use poolwatch_analysis::{Screen, handles};
use poolwatch_model::{HostId, Pool};
use tracing::error;

use super::{comparison, silence};
use crate::{
    app::{App, SharedApp},
    fleet::{baseline, earlier::Window, host::LiveHost, processes::HostProcesses, tags::HostTags},
};

/// How often the fleet is gone through.
const EVERY: Duration = Duration::from_secs(20);
/// A host is screened no more often than this.
const SCREENED_EVERY: SignedDuration = SignedDuration::from_mins(10);
/// A host that gives cause is studied no more often than this.
const STUDIED_EVERY: SignedDuration = SignedDuration::from_mins(10);
/// One in which nothing was found, and one of an incident that is quiet, no more often than this.
const AGAIN_AFTER: SignedDuration = SignedDuration::from_hours(1);
/// Hosts that are studied in one go, the longest waiting first.
const STUDIES: usize = 40;
/// Hosts of which an earlier table is read in one go, to screen them from.
const SEEDS: usize = 500;
/// The kernel's own process: its handles are drivers'.
const SYSTEM_PID: u32 = 4;
/// A pool used to this share of a measured limit is studied whatever its tags do.
const PRESSED: f64 = 0.85;
/// Likewise commit, to this share of its limit.
const COMMITTED: f64 = 0.75;

/// What is remembered of a host.
#[derive(Debug, Default)]
struct Watched {
    screen: Screen,
    screened: Option<Timestamp>,
    studied: Option<Timestamp>,
    /// The most handles that one program has, where they are many, and had when it was studied.
    handles: u32,
    handles_studied: u32,
    gives_cause: bool,
    found: bool,
}

/// Watches the fleet for ever.
pub async fn run(app: SharedApp) {
    let mut watched = HashMap::new();
    let mut compared = comparison::Compared::new();
    let mut every = tokio::time::interval(EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        go_through(&app, &mut watched, app.clock.now()).await;
        match comparison::refresh(&app, &mut compared, app.clock.now()).await {
            Ok(unknown) => {
                for host in unknown {
                    study(&app, host, app.clock.now()).await;
                }
            }
            Err(error) => error!(%error, "Could not compare affected hosts with healthy ones"),
        }
        if let Err(error) = silence::look(&app, app.clock.now()).await {
            error!(%error, "Could not look for hosts that fell silent");
        }
    }
}

async fn go_through(app: &App, watched: &mut HashMap<HostId, Watched>, now: Timestamp) {
    let hosts = app.fleet.all();
    watched.retain(|id, _| hosts.binary_search_by_key(id, |host| host.id).is_ok());
    let open: HashSet<HostId> =
        app.fleet.view().incidents.iter().flat_map(|one| one.hosts.iter().copied()).collect();
    let mut seeds = SEEDS;
    let mut due: Vec<(Option<Timestamp>, HostId)> = Vec::new();
    for host in &hosts {
        let of = watched.entry(host.id).or_default();
        if of.screened.is_none_or(|at| now.duration_since(at) >= SCREENED_EVERY) {
            if of.screened.is_none() {
                if seeds == 0 {
                    continue;
                }
                seeds -= 1;
                seed(app, &mut of.screen, host, now).await;
            }
            screen(host, of, now);
        }
        let goes_on = open.contains(&host.id);
        let wait = if of.found || of.studied.is_none() { STUDIED_EVERY } else { AGAIN_AFTER };
        let is_due = of.studied.is_none_or(|at| now.duration_since(at) >= wait);
        if is_due && (of.gives_cause || goes_on) {
            due.push((of.studied, host.id));
        }
        tokio::task::consume_budget().await;
    }
    due.sort_by_key(|(studied, id)| (studied.is_some(), *studied, Reverse(*id)));
    for (_, id) in due.into_iter().take(STUDIES) {
        let found = study(app, id, now).await;
        if let Some(of) = watched.get_mut(&id) {
            (of.studied, of.found) = (Some(now), found);
            of.handles_studied = of.handles;
        }
    }
}

/// Whether anything is wrong with a host.
async fn study(app: &App, id: HostId, now: Timestamp) -> bool {
    match super::study(app, id, now).await {
        Ok(found) => found.unwrap_or(false),
        Err(error) => {
            error!(host = %id, %error, "Could not study a host");
            false
        }
    }
}

/// Begins the screening from the tags of a day ago, so that what grew meanwhile shows at once.
async fn seed(app: &App, screen: &mut Screen, host: &LiveHost, now: Timestamp) {
    let Some((booted, uptime_s)) = uptime(host) else { return };
    let before = async {
        let mut db = app.pool.acquire().await?;
        baseline::of_host(&mut db, host.id, Window::Day, now).await
    };
    match before.await {
        Ok(Some(before)) if before.at >= booted => screen.update(&before.tags, uptime_s),
        Ok(_) => {}
        Err(error) => error!(host = %host.id, %error, "Could not load the tags of a day ago"),
    }
}

/// When Windows started, and how long it had run at the latest snapshot, seconds.
fn uptime(host: &LiveHost) -> Option<(Timestamp, u64)> {
    let state = host.read();
    let (booted, at) = (state.booted_at?, state.at?);
    Some((booted, at.duration_since(booted).as_secs().max(0).cast_unsigned()))
}

fn screen(host: &LiveHost, of: &mut Watched, now: Timestamp) {
    let Some((_, uptime_s)) = uptime(host) else { return };
    let state = host.read();
    let tables = state.tables();
    let Some(table) = tables.and_then(|tables| tables.tags.as_ref()).map(HostTags::table) else {
        return;
    };
    let programs = tables.and_then(|tables| tables.processes.as_ref());
    let cells = programs.into_iter().flat_map(HostProcesses::cells);
    let most = cells.filter(|cell| cell.pid != SYSTEM_PID).filter_map(|cell| cell.handles).max();
    let memory = state.memory.clone();
    drop(state);
    of.screen.update(&table, uptime_s);
    let pressed = Pool::ALL.into_iter().any(|pool| {
        memory
            .of(pool)
            .zip(memory.limit_of(pool))
            .is_some_and(|(used, limit)| used.share_of(limit) >= PRESSED)
    });
    let committed = memory.committed.zip(memory.commit_limit);
    let committed = committed.is_some_and(|(used, limit)| used.share_of(limit) >= COMMITTED);
    // A program that holds as many handles as ever gives no cause.
    of.handles = most.filter(|most| u64::from(*most) >= handles::MANY).unwrap_or(0);
    let gained = of.handles > of.handles_studied.saturating_add(of.handles_studied / 16);
    of.gives_cause = pressed || committed || gained || !of.screen.candidates(&table).is_empty();
    of.screened = Some(now);
}
